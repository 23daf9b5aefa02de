//! Shape arithmetic: integer tensors that the file computes from the dimensions of values. Their entries are numbers, or
//! expressions that get one when the sizes of a run are known.

mod compute;

use super::Importer;
use super::attributes::Attributes;
use crate::graph::{Arithmetic, Dim, Extent, ValueId};
use crate::onnx::proto::NodeProto;
use crate::tensor::{Data, Tensor, TensorError, count};
use std::sync::Arc;

/// A tensor of numbers under import: row-major entries.
#[derive(Clone, Debug)]
pub(super) struct Known {
    shape: Vec<usize>,
    entries: Vec<Extent>,
    /// Whether the file has it as floats.
    float: bool,
    /// Whether entries that are divisions are fractions, which something has yet to round.
    fractions: bool,
}

/// The most entries of a tensor that is computed here: what is larger is data.
const MAX_ENTRIES: usize = 4096;

/// The most elements of a tensor of one value.
pub(super) const MAX_FILLED: usize = 1 << 20;

impl Known {
    fn new(shape: Vec<usize>, entries: Vec<Extent>) -> Self {
        Self { shape, entries, float: false, fractions: false }
    }

    /// The entries; an error where they are fractions.
    pub(super) fn whole(&self) -> Result<&[Extent], String> {
        if self.fractions {
            return Err("expected sizes, found fractions of sizes that nothing rounds".to_owned());
        }
        Ok(&self.entries)
    }

    /// The floats, where they do not depend on sizes.
    pub(super) fn floats(&self) -> Option<Result<Tensor, TensorError>> {
        let numbers = self.numbers().filter(|_| self.float)?;
        Some(Tensor::from_f32(self.shape.clone(), numbers.into_iter().map(|number| number as f32).collect()))
    }

    fn of(tensor: &Tensor) -> Option<Self> {
        let Data::I64(values) = tensor.data() else { return None };
        let small = values.len() <= MAX_ENTRIES;
        small.then(|| Self::new(tensor.shape().to_vec(), Extent::list(values)))
    }

    fn list(entries: Vec<Extent>) -> Self {
        Self::new(vec![entries.len()], entries)
    }

    fn numbers(&self) -> Option<Vec<i64>> {
        self.entries.iter().map(Extent::fixed).collect()
    }

    /// The same entries where `place` puts their positions.
    fn moved(&self, place: impl FnOnce(Tensor) -> Result<Tensor, String>) -> Result<Self, String> {
        let positions = (0..self.entries.len() as i64).collect();
        let positions = Tensor::from_i64(self.shape.clone(), positions).map_err(|error| error.to_string())?;
        let placed = place(positions)?;
        let entries = placed.i64s().map_err(|error| error.to_string())?;
        let entries = entries.iter().map(|&at| self.entries[at as usize].clone()).collect();
        Ok(Self { shape: placed.shape().to_vec(), entries, ..*self })
    }

    fn reshaped(&self, shape: Vec<usize>) -> Result<Self, String> {
        if count(&shape) != self.entries.len() {
            return Err(format!("expected a shape of {} elements, found {shape:?}", self.entries.len()));
        }
        Ok(Self { shape, entries: self.entries.clone(), ..*self })
    }
}

impl<'a> Importer<'a> {
    /// Computes a node of shape arithmetic; `false` for any other node.
    pub(super) fn arithmetic(&mut self, proto: &'a NodeProto) -> Result<bool, String> {
        let [output] = &proto.output[..] else { return Ok(false) };
        let op = proto.op_type();
        let mut attributes = Attributes::new(proto)?;
        let result = match op {
            "Shape" | "Size" => Some(self.measure(proto, &mut attributes)?),
            "ConstantOfShape" => match self.filled(proto, &mut attributes)? {
                Filled::Integers(known) => Some(known),
                Filled::Floats(tensor) => {
                    attributes.finish()?;
                    self.node_names.insert(self.current.clone());
                    self.constants.insert(output, Arc::new(tensor));
                    return Ok(true);
                }
            },
            _ => match self.known_inputs(proto)? {
                Some(inputs) => compute::compute(op, &inputs, &mut attributes)?,
                None => None,
            },
        };
        let Some(result) = result else { return Ok(false) };
        attributes.finish()?;
        self.node_names.insert(self.current.clone());
        match result.numbers() {
            Some(numbers) if !result.float => {
                let tensor = Tensor::from_i64(result.shape, numbers).map_err(|error| error.to_string())?;
                self.constants.insert(output, Arc::new(tensor));
            }
            _ => {
                self.extents.insert(output, result);
            }
        }
        Ok(true)
    }

    /// The integer tensor called `name`: computed, or a constant.
    pub(super) fn known(&mut self, name: &'a str) -> Result<Option<Known>, String> {
        if let Some(known) = self.extents.get(name) {
            return Ok(Some(known.clone()));
        }
        Ok(self.constant(name)?.as_deref().and_then(Known::of))
    }

    /// All inputs, where they are integers and known; factors of resizing may be floats that are fractions.
    fn known_inputs(&mut self, proto: &'a NodeProto) -> Result<Option<Vec<Option<Known>>>, String> {
        let symbolic = proto.input.iter().any(|name| self.extents.contains_key(name.as_str()));
        // Casts of constants are folded with their ranges, but for integers that become floats: they may be sizes.
        if proto.op_type() == "Cast" && !symbolic && !compute::to_floats(proto) {
            return Ok(None);
        }
        let mut inputs = Vec::with_capacity(proto.input.len());
        for name in &proto.input {
            if name.is_empty() {
                inputs.push(None);
                continue;
            }
            match self.known(name)? {
                Some(known) => inputs.push(Some(known)),
                None if symbolic => match self.fraction(name)? {
                    Some(known) => inputs.push(Some(known)),
                    None => return Ok(None),
                },
                None => return Ok(None),
            }
        }
        Ok((!inputs.is_empty()).then_some(inputs))
    }

    /// A float constant that is a whole number.
    fn fraction(&mut self, name: &'a str) -> Result<Option<Known>, String> {
        let Some(tensor) = self.constant(name)? else { return Ok(None) };
        let Ok(values) = tensor.f32s() else { return Ok(None) };
        let whole = values.len() <= MAX_ENTRIES && values.iter().all(|x| x.fract() == 0.0 && x.abs() < 1e9);
        let entries = || values.iter().map(|&x| Extent::Fixed(x as i64)).collect();
        Ok(whole.then(|| Known { float: true, ..Known::new(tensor.shape().to_vec(), entries()) }))
    }

    /// `Shape`, of all dimensions or some, and `Size`.
    fn measure(&mut self, proto: &'a NodeProto, attributes: &mut Attributes) -> Result<Known, String> {
        let name = proto.input.first().map_or("", String::as_str);
        let dims = match self.extents.get(name) {
            Some(known) => known.shape.iter().map(|&size| Extent::Fixed(size as i64)).collect(),
            None => match self.constant(name)? {
                Some(tensor) => tensor.shape().iter().map(|&size| Extent::Fixed(size as i64)).collect(),
                None => {
                    let id = self.operand(name)?;
                    self.dimensions(id)
                }
            },
        };
        if proto.op_type() == "Size" {
            let product = dims
                .into_iter()
                .try_fold(Extent::Fixed(1), |product, dim| Extent::of(Arithmetic::Mul, product, dim));
            let entries =
                vec![product.ok_or("expected a size that can be computed, found one that overflows")?];
            return Ok(Known::new(Vec::new(), entries));
        }
        let rank = dims.len() as i64;
        let place = |at: i64| (if at < 0 { at.saturating_add(rank) } else { at }).clamp(0, rank) as usize;
        let start = place(attributes.int("start")?.unwrap_or(0));
        let end = place(attributes.int("end")?.unwrap_or(rank));
        Ok(Known::list(dims.get(start..end).unwrap_or_default().to_vec()))
    }

    /// Numbers for dimensions that no run changes, else the dimensions themselves.
    fn dimensions(&self, id: ValueId) -> Vec<Extent> {
        let fixed = self.trace.fixed(id.0);
        let declared = self.graph.inputs.contains(&id).then(|| self.graph.value(id).dims.clone()).flatten();
        let dimension = |axis: usize| {
            let traced = fixed.as_ref().and_then(|fixed| fixed[axis]);
            let given = declared.as_ref().and_then(|dims| match dims[axis] {
                Dim::Fixed(size) if axis > 0 => Some(size),
                _ => None,
            });
            match traced.or(given) {
                Some(size) => Extent::Fixed(size as i64),
                None => Extent::Dim { value: id, axis },
            }
        };
        (0..self.trace.rank(id.0)).map(dimension).collect()
    }

    /// `ConstantOfShape` of few integers; of floats it is a constant of the graph.
    fn filled(&mut self, proto: &'a NodeProto, attributes: &mut Attributes) -> Result<Filled, String> {
        let name = proto.input.first().map_or("", String::as_str);
        let shape = self
            .known(name)?
            .ok_or_else(|| format!("input 0 ({name}): expected a known shape, found a computed value"))?;
        let sizes = shape.numbers().and_then(|numbers| {
            numbers.into_iter().map(|size| usize::try_from(size).ok()).collect::<Option<Vec<usize>>>()
        });
        let sizes =
            sizes.ok_or_else(|| format!("shape: expected numbers from 0 on, found {:?}", shape.entries))?;
        let elements = sizes.iter().try_fold(1_usize, |product, &size| product.checked_mul(size));
        if elements.is_none_or(|elements| elements > MAX_FILLED) {
            return Err(format!("shape: expected at most {MAX_FILLED} elements, found {sizes:?}"));
        }
        let value = match attributes.tensor("value")? {
            Some(proto) => super::tensors::tensor(proto, self.folder)?,
            None => Tensor::from_f32(vec![1], vec![0.0]).map_err(|error| error.to_string())?,
        };
        match value.data() {
            Data::I64(values) => {
                let value = Extent::Fixed(values.first().copied().unwrap_or(0));
                let entries = vec![value; count(&sizes)];
                Ok(Filled::Integers(Known::new(sizes, entries)))
            }
            Data::F32(values) => {
                let floats = vec![values.first().copied().unwrap_or(0.0); count(&sizes)];
                let tensor = Tensor::from_f32(sizes, floats).map_err(|error| error.to_string())?;
                Ok(Filled::Floats(tensor))
            }
        }
    }
}

/// What `ConstantOfShape` gives.
enum Filled {
    Integers(Known),
    Floats(Tensor),
}
