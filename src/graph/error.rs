//! What can be wrong with a graph.

use std::fmt::Display;
use thiserror::Error;

/// A graph that has no meaning, or none at the sizes asked for.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum GraphError {
    /// A batch of no images.
    #[error("the batch must hold at least one image, found 0")]
    EmptyBatch,
    /// A symbolic dimension without a size.
    #[error("input {input}: dimension {dimension} is {symbol}, expected a size for it, found none")]
    Symbol {
        /// The graph input.
        input: String,
        /// Which dimension.
        dimension: usize,
        /// Its name.
        symbol: String,
    },
    /// A value that breaks a rule of the graph.
    #[error("value {value}: {mismatch}")]
    Value {
        /// The value.
        value: String,
        /// The rule.
        mismatch: Box<Mismatch>,
    },
    /// A node that breaks a rule of its operator or of the graph.
    #[error("node {node} ({op}): {mismatch}")]
    Node {
        /// The node.
        node: String,
        /// Its ONNX operator.
        op: &'static str,
        /// The rule.
        mismatch: Box<Mismatch>,
    },
    /// Two nodes or two values of one name.
    #[error("{kind} name {name} is used twice")]
    Duplicate {
        /// `node` or `value`.
        kind: &'static str,
        /// The name.
        name: String,
    },
}

/// One broken rule.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{what}: expected {expected}, found {found}")]
pub struct Mismatch {
    /// What was looked at.
    pub what: String,
    /// What the rule allows.
    pub expected: String,
    /// What is there.
    pub found: String,
}

/// A [`Mismatch`] as an error.
pub(super) fn mismatch<T>(
    what: impl Display,
    expected: impl Display,
    found: impl Display,
) -> Result<T, Mismatch> {
    Err(Mismatch { what: what.to_string(), expected: expected.to_string(), found: found.to_string() })
}
