//! Nodes that cannot be used: all of them are found in one import, each with what to do about it.

use super::{Importer, ops};
use crate::onnx::error::Missing;
use crate::onnx::proto::NodeProto;

/// How a reason begins that holds whatever a node reads.
const ATTRIBUTES: &str = "unknown attribute";

/// The rank of what a node fails to give, where nothing says more: that of a map.
const MAP: usize = 4;

impl<'a> Importer<'a> {
    /// Imports a node, or notes why it cannot be used and goes on with what is declared of its outputs, or else presumed.
    /// Of a node that reads what is presumed, only faults are noted that it has whatever it reads.
    pub(super) fn node_or_missing(&mut self, proto: &'a NodeProto, missing: &mut Vec<Missing>) {
        let unknown = ops::unknown(proto.op_type(), proto.domain(), self.opset);
        let presumes = proto.input.iter().any(|name| self.presumed.contains(name.as_str()));
        let imported = self.node(proto);
        if presumes {
            self.presumed.extend(proto.output.iter().map(String::as_str));
        }
        let reason = match imported {
            Ok(()) => return,
            Err(reason) if presumes && !reason.starts_with(ATTRIBUTES) => unknown,
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
            // Later nodes are then judged as if this one had worked.
            let dims = self.declared.get(output).filter(|dims| !dims.is_empty()).cloned();
            let rank = match &dims {
                Some(dims) => dims.len(),
                None => {
                    self.presumed.insert(output);
                    self.first_rank(proto).unwrap_or(MAP)
                }
            };
            let id = self.add_value(output.to_owned(), dims, None);
            self.trace.set_rank(id.0, rank);
            self.ids.insert(output, id);
        }
    }

    /// The rank of a node's first input, where that is a value.
    fn first_rank(&self, proto: &NodeProto) -> Option<usize> {
        let first = self.ids.get(proto.input.first()?.as_str())?;
        Some(self.trace.rank(first.0))
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
