//! The graph: values, nodes in execution order, inputs and outputs. Identifiers are stable under every edit, so what
//! is known of a value of the imported graph (its units, its name) holds in the optimised one.
//!
//! [`Builder`] makes a graph in code, [`crate::onnx`] reads one from a file. [`Graph::check`] holds it to its rules,
//! [`Graph::infer`] finds the shape of every value at given sizes, [`Graph::edit`] changes it, [`Graph::dump`] and
//! [`Graph::summary`] show it. [`Window`] has the geometry of convolutions and pools, [`Resize::taps`] that of resizes,
//! which kernels and the reference share. A new operator is a variant of [`Op`]: the compiler then names every place that must learn of it.

mod build;
mod check;
mod dump;
mod edit;
mod element;
mod error;
mod extent;
mod op;
mod resample;
pub mod shape;
mod summary;
mod window;

pub use build::Builder;
pub use dump::attributes;
pub use edit::Edit;
pub(crate) use edit::free_name;
pub use element::ElementType;
pub use error::{GraphError, Mismatch};
pub use extent::{Arithmetic, Extent};
pub use op::{
    Activation, ArgMax, BatchNorm, Binary, BoxCode, BoxLoss, Conv2d, ConvTranspose, Coordinates, DepthOrder,
    Epilogue, Filter, Gemm, Interpolation, LossKind, Margins, Move, Norm, Op, Pad, PadMode, Padding, Pool,
    Reduce, Reduction, Resize, Rounding, SliceAxis, Statistics, Target, Training,
};
pub use resample::Taps;
pub use shape::{ProductAxis, Shapes, Side, Sizes};
pub use summary::{Layer, Port, Summary};
pub use window::Window;

use crate::tensor::Tensor;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Index of a value in [`Graph::values`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ValueId(pub usize);

/// A dimension of a graph input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dim {
    /// A number.
    Fixed(usize),
    /// A name, given a number when a session is made.
    Symbol(String),
}

/// One edge of the graph.
#[derive(Clone, Debug, PartialEq)]
pub struct Value {
    /// The ONNX name; unique.
    pub name: String,
    /// The declared dimensions: of graph inputs always, of others where the file has them.
    pub dims: Option<Vec<Dim>>,
    /// The contents of an initialiser or constant.
    pub constant: Option<Arc<Tensor>>,
}

/// One operator application.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// The ONNX name; made unique at import.
    pub name: String,
    /// What it computes.
    pub op: Op,
    /// Its inputs; optional ones are only ever missing at the end.
    pub inputs: Vec<ValueId>,
    /// Its outputs; every operator here has one.
    pub outputs: Vec<ValueId>,
}

/// A network. Nodes are in execution order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Graph {
    /// The name in the file.
    pub name: String,
    /// All values, indexed by [`ValueId`].
    pub values: Vec<Value>,
    /// All nodes, in execution order.
    pub nodes: Vec<Node>,
    /// Graph inputs that are not constants.
    pub inputs: Vec<ValueId>,
    /// Graph outputs.
    pub outputs: Vec<ValueId>,
    /// What the file stores inputs and outputs as, where that is not `f32`.
    pub elements: BTreeMap<ValueId, ElementType>,
}

impl Graph {
    /// The value behind an id.
    pub fn value(&self, id: ValueId) -> &Value {
        &self.values[id.0]
    }

    /// The constant behind an id, where it is one.
    pub fn constant(&self, id: ValueId) -> Option<&Tensor> {
        self.values[id.0].constant.as_deref()
    }
}
