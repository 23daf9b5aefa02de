//! What can be wrong with an ONNX file.

use crate::graph::GraphError;
use std::path::PathBuf;
use thiserror::Error;

/// One node that is not understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// The node.
    pub node: String,
    /// Its ONNX operator.
    pub op: String,
    /// What was expected and what was found.
    pub reason: String,
}

/// One line for each reason, with the first node that has it.
fn list(nodes: &[Missing]) -> String {
    let mut lines: Vec<(&Missing, usize)> = Vec::new();
    for missing in nodes {
        let alike =
            |(first, _): &&mut (&Missing, usize)| first.op == missing.op && first.reason == missing.reason;
        match lines.iter_mut().find(alike) {
            Some((_, count)) => *count += 1,
            None => lines.push((missing, 1)),
        }
    }
    let line = |(first, count): (&Missing, usize)| {
        let others = if count > 1 { format!(" and {} more", count - 1) } else { String::new() };
        format!("\n  node {} ({}){others}: {}", first.node, first.op, first.reason)
    };
    lines.into_iter().map(line).collect()
}

/// Why a file could not be read, understood or written.
#[derive(Debug, Error)]
pub enum OnnxError {
    /// The file cannot be opened or read.
    #[error("{}: cannot be read: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file cannot be written.
    #[error("{}: cannot be written: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The bytes are not an ONNX protobuf.
    #[error("{file}: expected an ONNX model, found other data: {source}")]
    Decode {
        /// The file.
        file: String,
        /// Where decoding ended.
        source: prost::DecodeError,
    },
    /// Something that belongs to no node.
    #[error("{file}: {reason}")]
    Model {
        /// The file.
        file: String,
        /// What was expected and what was found.
        reason: String,
    },
    /// A node that is not understood.
    #[error("{file}: node {node} ({op}): {reason}")]
    Node {
        /// The file.
        file: String,
        /// The node.
        node: String,
        /// Its ONNX operator.
        op: String,
        /// What was expected and what was found.
        reason: String,
    },
    /// Several nodes that are not understood: all that there are.
    #[error("{file}: {} nodes cannot be used:{}", nodes.len(), list(nodes))]
    Unsupported {
        /// The file.
        file: String,
        /// The nodes, in order.
        nodes: Vec<Missing>,
    },
    /// A graph that breaks a rule of its own.
    #[error("{file}: {source}")]
    Graph {
        /// The file.
        file: String,
        /// The rule.
        source: GraphError,
    },
    /// A graph that ONNX has no form for.
    #[error("node {node} ({op}): {reason}")]
    Export {
        /// The node.
        node: String,
        /// Its operator.
        op: &'static str,
        /// What was expected and what was found.
        reason: String,
    },
    /// A graph that breaks a rule of its own, or whose outputs have no shape to declare.
    #[error(transparent)]
    Invalid(#[from] GraphError),
    /// A graph over the size that protobuf allows.
    #[error("the model: expected at most {limit} bytes, found {bytes}")]
    TooLarge {
        /// Its encoded size.
        bytes: usize,
        /// The most that a protobuf message holds.
        limit: usize,
    },
}
