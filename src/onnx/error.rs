//! What can be wrong with an ONNX file.

use crate::graph::GraphError;
use std::path::PathBuf;
use thiserror::Error;

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
