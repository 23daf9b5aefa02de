//! Nodes of the file that become several nodes of the graph.

use super::Importer;
use super::call::{Part, Source};
use crate::graph::ValueId;
use crate::onnx::proto::NodeProto;
use std::sync::Arc;

impl<'a> Importer<'a> {
    /// Adds the nodes for one: the one that gives the first output has the name of the file's node, the others have
    /// names of their own.
    pub(super) fn parts(&mut self, proto: &'a NodeProto, parts: Vec<Part>) -> Result<(), String> {
        let mut made: Vec<ValueId> = Vec::with_capacity(parts.len());
        for part in parts {
            let mut inputs = Vec::with_capacity(part.inputs.len());
            for source in part.inputs {
                inputs.push(match source {
                    Source::Input(at) => self.operand(proto.input.get(at).map_or("", String::as_str))?,
                    Source::Constant(suffix, tensor) => {
                        let name = self.free_value_name(&format!("{}.{suffix}", self.current));
                        self.add_value(name, None, Some(Arc::clone(&tensor)))
                    }
                    Source::Part(part) => made[part],
                });
            }
            let kind = part.op.name().to_lowercase();
            let name = match part.output {
                Some(0) => self.current.clone(),
                _ => self.free_node_name(&format!("{}_{kind}", self.current)),
            };
            self.node_names.insert(name.clone());
            let output = part.output.map(|output| proto.output[output].as_str());
            let id = match output {
                Some(output) => {
                    let id = self.add_value(output.to_owned(), self.declared.get(output).cloned(), None);
                    self.ids.insert(output, id);
                    id
                }
                None => {
                    let value = self.free_value_name(&format!("{name}_out"));
                    self.add_value(value, None, None)
                }
            };
            self.push(name, part.op, inputs, id)?;
            made.push(id);
        }
        Ok(())
    }
}
