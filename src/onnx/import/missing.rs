//! Nodes that cannot be used: all of them are found in one import, each with what to do about it.

use super::{Importer, ops};
use crate::onnx::error::Missing;
use crate::onnx::proto::NodeProto;

/// The reason of nodes that read what a node before them failed to give: no failing of their own.
const FOLLOWS: &str = "reads what could not be computed";

impl<'a> Importer<'a> {
    /// Imports a node, or notes why it cannot be used and goes on with what is declared of its outputs.
    pub(super) fn node_or_missing(&mut self, proto: &'a NodeProto, missing: &mut Vec<Missing>) {
        let unknown = ops::unknown(proto.op_type(), proto.domain(), self.opset);
        let imported = self.node(proto);
        let reason = match imported {
            Ok(()) => return,
            Err(reason) if reason.ends_with(FOLLOWS) => unknown,
            Err(reason) => Some(unknown.unwrap_or(reason)),
        };
        if let Some(reason) = reason {
            let (node, op) = (self.current.clone(), proto.op_type().to_owned());
            missing.push(Missing { node, op, reason });
        }
        self.node_names.insert(self.current.clone());
        for output in proto.output.iter().map(String::as_str).filter(|output| !output.is_empty()) {
            if self.is_defined(output) {
                continue;
            }
            match self.declared.get(output).cloned() {
                // Later nodes are then judged as if this one had worked.
                Some(dims) if !dims.is_empty() => {
                    let rank = dims.len();
                    let id = self.add_value(output.to_owned(), Some(dims), None);
                    self.trace.set_rank(id.0, rank);
                    self.ids.insert(output, id);
                }
                _ => {
                    self.unknown.insert(output);
                }
            }
        }
    }

    /// An error where a value is one that a node failed to give.
    pub(super) fn follows(&self, name: &str) -> Result<(), String> {
        if self.unknown.contains(name) { Err(format!("input {name} {FOLLOWS}")) } else { Ok(()) }
    }
}

/// What to do about an operator that is not supported.
pub(super) fn advice(op: &str) -> &'static str {
    match op {
        "If" | "Loop" | "Scan" => "fold control flow: export with fixed sizes, or run onnxsim",
        "LSTM" | "GRU" | "RNN" => {
            "recurrent layers are not supported: prune the part of the network before them"
        }
        "NonMaxSuppression" | "TopK" | "NonZero" | "RoiAlign" | "MultiClassNMS" => {
            "export without post-processing: boxes are filtered on the host"
        }
        "QuantizeLinear"
        | "DequantizeLinear"
        | "QLinearConv"
        | "ConvInteger"
        | "MatMulInteger"
        | "QLinearMatMul"
        | "DynamicQuantizeLinear" => "export the float network, quantise after pruning",
        "SoftmaxCrossEntropyLoss"
        | "NegativeLogLikelihoodLoss"
        | "RandomNormal"
        | "RandomUniform"
        | "RandomNormalLike"
        | "RandomUniformLike"
        | "Bernoulli" => "export in evaluation mode, without training outputs",
        "Range" | "ConstantOfShape" | "Floor" | "Ceil" | "Not" | "Mod" | "ReduceProd" | "Size" | "Shape" => {
            "it is folded where its inputs follow from constants and shapes: export with fixed sizes, or run onnxsim"
        }
        _ => "run onnxsim if it computes a constant, else export without it",
    }
}
