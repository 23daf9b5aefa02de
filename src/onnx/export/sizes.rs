//! Numbers that depend on the sizes of a run, as nodes that compute them.

use super::attributes::int;
use super::nodes::{Form, Writer, proto};
use super::tensor;
use crate::graph::{Arithmetic, Extent, free_name};
use crate::tensor::Tensor;

impl Writer<'_> {
    /// Writes what computes a list of numbers, and gives its name.
    pub(super) fn sizes(&mut self, name: &str, extents: &[Extent]) -> String {
        let parts: Vec<String> = extents.iter().map(|extent| self.size(name, extent)).collect();
        if let [part] = &parts[..] {
            return part.clone();
        }
        self.computed(name, Form::new("Concat", vec![int("axis", 0)]), parts)
    }

    /// One number, as a list of one.
    fn size(&mut self, name: &str, extent: &Extent) -> String {
        match extent {
            Extent::Fixed(number) => {
                let constant = self.new_name(&format!("{name}_number"));
                let number = Tensor::from_i64(vec![1], vec![*number]).expect("one number");
                self.initialisers.push(tensor(constant.clone(), &number));
                constant
            }
            Extent::Dim { value, axis } => {
                let measured = self.graph.value(*value).name.clone();
                let one = vec![int("start", *axis), int("end", *axis + 1)];
                self.computed(name, Form::new("Shape", one), vec![measured])
            }
            // ONNX divides integers towards 0; without its rest a number divides the same way both ways.
            Extent::Of(Arithmetic::FloorDiv, parts) if !parts.iter().all(Extent::never_negative) => {
                let [over, by] = [&parts[0], &parts[1]].map(|part| self.size(name, part));
                let rest = self.computed(name, Form::new("Mod", Vec::new()), vec![over.clone(), by.clone()]);
                let whole = self.computed(name, Form::new("Sub", Vec::new()), vec![over, rest]);
                self.computed(name, Form::new("Div", Vec::new()), vec![whole, by])
            }
            Extent::Of(arithmetic, parts) => {
                let inputs = parts.iter().map(|part| self.size(name, part)).collect();
                let op = match arithmetic {
                    Arithmetic::Add => "Add",
                    Arithmetic::Sub => "Sub",
                    Arithmetic::Mul => "Mul",
                    Arithmetic::Div | Arithmetic::FloorDiv => "Div",
                    Arithmetic::Mod => "Mod",
                    Arithmetic::Min => "Min",
                    Arithmetic::Max => "Max",
                };
                self.computed(name, Form::new(op, Vec::new()), inputs)
            }
        }
    }

    fn computed(&mut self, name: &str, form: Form, inputs: Vec<String>) -> String {
        let output = self.new_name(name);
        let known = &self.node_names;
        let node = free_name(name, |name| known.contains(name));
        self.node_names.insert(node.clone());
        self.nodes.push(proto(node, form, inputs, output.clone()));
        output
    }
}
