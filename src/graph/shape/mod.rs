//! Shape inference: the dimensions of every value at given input sizes.

mod join;
mod layout;
mod moves;
mod product;
mod spatial;
mod training;

pub use moves::Steps;
pub use product::{ProductAxis, Side};

use super::error::mismatch;
use super::{Binary, Dim, Extent, Graph, GraphError, Mismatch, Node, Op, ValueId};
use std::collections::BTreeMap;

/// The shape of every value, indexed by [`ValueId`]; empty for scalars and for values that nothing defines any more.
pub type Shapes = Vec<Vec<usize>>;

/// What stands for the symbolic dimensions of the inputs.
///
/// Dimension 0 of every input of rank 1 or more is the batch, but for one that the file fixes to another number than
/// that of the first input. It becomes `batch`, whether the file fixes it or names it. Where the file fixes it, a
/// `Reshape` whose target begins with that number, and whose input begins with the batch, follows `batch` as well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Images in one run, at least 1.
    pub batch: usize,
    /// Sizes of the other named dimensions. A name that is also the batch's need not be given.
    pub symbols: BTreeMap<String, usize>,
    /// Leaves dimensions 0 that the file fixes as they are; `batch` stands for named ones alone.
    pub declared: bool,
}

impl Sizes {
    /// Sizes for inputs whose only symbolic dimension is the batch.
    pub fn batch(batch: usize) -> Self {
        Self::new(batch, BTreeMap::new())
    }

    /// Sizes for a batch and the other named dimensions.
    pub fn new(batch: usize, symbols: BTreeMap<String, usize>) -> Self {
        Self { batch, symbols, declared: false }
    }

    /// The sizes that the file declares, without a rule for dimension 0; a named batch is 1.
    pub fn declared() -> Self {
        Self { declared: true, ..Self::batch(1) }
    }
}

impl Graph {
    /// The shape of every value at `sizes`; every rule of every operator is checked on the way.
    pub fn infer(&self, sizes: &Sizes) -> Result<Shapes, GraphError> {
        if sizes.batch == 0 {
            return Err(GraphError::EmptyBatch);
        }
        let mut known: Vec<Option<Vec<usize>>> =
            self.values.iter().map(|v| v.constant.as_deref().map(|c| c.shape().to_vec())).collect();
        let mut channels = 0_usize;
        for &input in &self.inputs {
            let shape = self.input_shape(input, sizes)?;
            self.count_channels(&mut channels, input, &shape)?;
            known[input.0] = Some(shape);
        }
        for node in &self.nodes {
            let shape = self.node_shape(node, &known, sizes).map_err(|mismatch| node.error(mismatch))?;
            for output in &node.outputs {
                self.count_channels(&mut channels, *output, &shape)?;
                known[output.0] = Some(shape.clone());
            }
        }
        for &output in &self.outputs {
            if known[output.0].is_none() {
                return mismatch("graph output", "a node that computes it", "none")
                    .map_err(|mismatch| self.value_error(output, mismatch));
            }
        }
        Ok(known.into_iter().map(Option::unwrap_or_default).collect())
    }

    /// Adds what may be the channels of a value to those of all before; what is known of each channel has to fit in
    /// memory.
    fn count_channels(&self, sum: &mut usize, value: ValueId, shape: &[usize]) -> Result<(), GraphError> {
        *sum = sum.saturating_add(shape.get(1).or(shape.first()).copied().unwrap_or(1));
        if *sum <= MAX_CHANNELS {
            return Ok(());
        }
        mismatch("dimension 1 of all values up to this one", format!("at most {MAX_CHANNELS} in all"), *sum)
            .map_err(|mismatch| self.value_error(value, mismatch))
    }

    /// The shape of a graph input.
    pub(crate) fn input_shape(&self, input: ValueId, sizes: &Sizes) -> Result<Vec<usize>, GraphError> {
        let value = self.value(input);
        let fail = |mismatch| self.value_error(input, mismatch);
        let Some(dims) = &value.dims else {
            return mismatch("graph input", "declared dimensions", "none").map_err(fail);
        };
        let mut shape = Vec::with_capacity(dims.len());
        for (dimension, dim) in dims.iter().enumerate() {
            let size = match dim {
                Dim::Fixed(size) if sizes.declared => *size,
                dim if dimension == 0 && self.is_batch(dim) => sizes.batch,
                Dim::Fixed(size) => *size,
                Dim::Symbol(symbol) => self.symbol(symbol, sizes).ok_or_else(|| GraphError::Symbol {
                    input: value.name.clone(),
                    dimension,
                    symbol: symbol.clone(),
                })?,
            };
            if size == 0 {
                return mismatch(format!("dimension {dimension}"), "at least 1", 0).map_err(fail);
            }
            shape.push(size);
        }
        bounded(shape).map_err(fail)
    }

    fn symbol(&self, symbol: &str, sizes: &Sizes) -> Option<usize> {
        let names_batch = || self.batches().any(|dim| *dim == Dim::Symbol(symbol.to_owned()));
        sizes.symbols.get(symbol).copied().or_else(|| names_batch().then_some(sizes.batch))
    }

    fn batches(&self) -> impl Iterator<Item = &Dim> {
        let first = self.inputs.iter().filter_map(|&id| self.value(id).dims.as_ref()?.first());
        first.filter(|dim| self.is_batch(dim))
    }

    /// Whether dimension 0 of an input is the batch.
    fn is_batch(&self, dim: &Dim) -> bool {
        let first = self.inputs.iter().find_map(|&id| self.value(id).dims.as_ref()?.first());
        match (first, dim) {
            (Some(Dim::Fixed(first)), Dim::Fixed(own)) => first == own,
            _ => true,
        }
    }

    /// The shape of a node's output, given the shapes of the values before it.
    pub(crate) fn node_shape(
        &self,
        node: &Node,
        known: &[Option<Vec<usize>>],
        sizes: &Sizes,
    ) -> Result<Vec<usize>, Mismatch> {
        let mut inputs = Vec::with_capacity(node.inputs.len());
        for &input in &node.inputs {
            match &known[input.0] {
                Some(shape) => inputs.push(shape.as_slice()),
                None => {
                    let name = &self.value(input).name;
                    return mismatch(format!("input {name}"), "an earlier definition", "none");
                }
            }
        }
        let dim = |value: ValueId, axis: usize| known.get(value.0)?.as_ref()?.get(axis).copied();
        let mut op = node.op.fix_by(&dim)?;
        if let Op::Reshape { shape, .. } = &*op
            && let Some(Extent::Fixed(first)) = shape.first()
            && !sizes.declared
        {
            let follows = |dim: &Dim| matches!(dim, Dim::Fixed(n) if i64::try_from(*n) == Ok(*first));
            if inputs.first().is_some_and(|x| x.first() == Some(&sizes.batch)) && self.batches().any(follows)
            {
                let batch = Extent::Fixed(i64::try_from(sizes.batch).unwrap_or(i64::MAX));
                if let Op::Reshape { shape, .. } = op.to_mut() {
                    shape[0] = batch;
                }
            }
        }
        output_shape(&op, &inputs)
    }
}

/// That `op` takes `inputs` inputs.
pub(super) fn check_arity(op: &Op, inputs: usize) -> Result<(), Mismatch> {
    let (least, most) = op.arity();
    if (least..=most).contains(&inputs) {
        return Ok(());
    }
    let expected = match most {
        _ if least == most => least.to_string(),
        usize::MAX => format!("{least} or more"),
        _ => format!("{least} to {most}"),
    };
    mismatch("number of inputs", expected, inputs)
}

/// The shape of the output of `op` on inputs of the given shapes, none of which may be empty.
pub fn output_shape(op: &Op, inputs: &[&[usize]]) -> Result<Vec<usize>, Mismatch> {
    check_arity(op, inputs.len())?;
    if let Some(empty) = inputs.iter().position(|shape| shape.contains(&0)) {
        return mismatch(format!("input {empty}"), "at least one element", format!("{:?}", inputs[empty]));
    }
    let shape = match op {
        Op::Conv(conv) => spatial::conv(conv, inputs),
        Op::BatchNorm { .. } => join::batch_norm(inputs),
        Op::Activation(_) | Op::Identity => Ok(inputs[0].to_vec()),
        Op::Binary(Binary::PRelu) => join::slope(inputs[0], inputs[1]),
        Op::Binary(_) => join::broadcast(inputs[0], inputs[1]),
        Op::Concat { axis } => join::concat(*axis, inputs),
        Op::MaxPool(pool) | Op::AveragePool(pool) => spatial::pool(pool, inputs[0]),
        Op::GlobalAveragePool => spatial::global_pool(inputs[0]),
        Op::Resize(resize) => spatial::resize(resize, inputs[0]),
        Op::Flatten { axis } => layout::flatten(*axis, inputs[0]),
        Op::Reshape { shape, allow_zero } => layout::reshape(shape, *allow_zero, inputs[0]),
        Op::Gemm(gemm) => join::gemm(gemm, inputs),
        Op::Softmax { axis } => layout::softmax(*axis, inputs[0]),
        Op::Pad(pad) => spatial::pad(pad, inputs[0]),
        Op::LogSoftmax { axis } => layout::softmax(*axis, inputs[0]),
        Op::GlobalMaxPool => spatial::global_pool(inputs[0]),
        Op::ConvTranspose(conv) => spatial::conv_transpose(conv, inputs),
        Op::Norm(norm) => product::norm(norm, inputs),
        Op::MatMul => product::mat_mul(inputs[0], inputs[1]),
        Op::Where => {
            join::broadcast(inputs[1], inputs[2]).and_then(|shape| join::broadcast(inputs[0], &shape))
        }
        Op::Reduce(reduce) => layout::reduce(&reduce.axes, reduce.keep_dims, inputs[0]),
        Op::ArgMax(op) => layout::reduce(&[op.axis], op.keep_dims, inputs[0]),
        Op::Move(op) => moves::moved(op, inputs[0]),
        Op::Squeeze { axes } => moves::squeeze(axes, inputs[0]),
        Op::Unsqueeze { axes } => moves::unsqueeze(axes, inputs[0]),
        Op::Training(op) => training::shape(op, inputs),
    };
    bounded(shape?)
}

impl Op {
    /// The least and the greatest number of inputs; `usize::MAX` where there is no limit.
    pub fn arity(&self) -> (usize, usize) {
        match self {
            Self::Conv(conv) if conv.epilogue.has_residual() => (3, 4),
            Self::Conv(_) | Self::Gemm(_) => (2, 3),
            Self::BatchNorm { .. } => (5, 5),
            Self::Binary(_) => (2, 2),
            Self::Concat { .. } => (1, usize::MAX),
            Self::Activation(_)
            | Self::MaxPool(_)
            | Self::AveragePool(_)
            | Self::GlobalAveragePool
            | Self::Resize(_)
            | Self::Flatten { .. }
            | Self::Reshape { .. }
            | Self::Softmax { .. }
            | Self::Identity
            | Self::Pad(_)
            | Self::LogSoftmax { .. }
            | Self::GlobalMaxPool
            | Self::Reduce(_)
            | Self::ArgMax(_)
            | Self::Move(_)
            | Self::Squeeze { .. }
            | Self::Unsqueeze { .. } => (1, 1),
            Self::Where | Self::Norm(_) => (3, 3),
            Self::MatMul => (2, 2),
            Self::ConvTranspose(conv) if conv.epilogue.has_residual() => (3, 4),
            Self::ConvTranspose(_) => (2, 3),
            Self::Training(op) => op.arity(),
        }
    }
}

/// `shape`, or an error where its elements cannot be counted: every later product of its dimensions is safe.
fn bounded(shape: Vec<usize>) -> Result<Vec<usize>, Mismatch> {
    let elements = shape.iter().try_fold(1_usize, |product, &size| product.checked_mul(size));
    match elements {
        Some(elements) if elements <= MAX_ELEMENTS => Ok(shape),
        _ => mismatch("shape", format!("at most {MAX_ELEMENTS} elements"), format!("{shape:?}")),
    }
}

/// The most channels of all values together.
const MAX_CHANNELS: usize = 1 << 24;

/// The most elements of one value: what 32-bit indices in shaders reach.
const MAX_ELEMENTS: usize = u32::MAX as usize;

#[cfg(test)]
mod tests;
