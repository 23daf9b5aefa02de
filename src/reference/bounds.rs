//! How far an f32 result on a GPU may lie from the f64 one when both have the same inputs.
//!
//! WGSL lets `+`, `-` and `*` return either neighbour of the exact result, so one operation errs by at most
//! `2 u |result|` with `u = 2^-24`, and `n` terms summed in any order err by at most `2 (n + 8) u Σ|terms|`; the 8
//! covers the rounded factors, the bias, the residual and a final division. Denormals may be flushed to zero, which
//! adds the smallest normal number per operation. Transcendental functions take the WGSL accuracy table: `exp` errs
//! by `3 + 2|x|` ulp, division by 2.5 ulp, `tanh` by 1e-5 or what `sinh / cosh` gives, `log` by 3 ulp or, near 1,
//! by 2^-21. Copies are exact.

pub(super) mod pointwise;
mod reduce;

use super::execute::{conv_terms, operands, run_node};
use super::norm::norm_error;
use super::resize::resize_weighted;
use super::winograd;
use super::{
    Array, ReferenceError, activate, average_pool, batch_norm, conv, conv_transpose, execute, gemm,
    global_average_pool, mat_mul, training,
};
use crate::graph::{Epilogue, Gemm, Graph, Interpolation, Mismatch, Op, Shapes};
use crate::tensor::{Dtype, count};
use pointwise::{activation_error, binary_error};

/// Half the distance of neighbouring f32 numbers, relative to them.
pub(super) const U: f64 = 1.0 / (1 << 24) as f64;

/// The largest distance of neighbouring f32 numbers, relative to them.
pub(super) const ULP: f64 = 2.0 * U;

/// What one operation loses when it flushes a denormal.
pub(super) const FLUSHED: f64 = f32::MIN_POSITIVE as f64;

/// The exact result of a node and the tolerance of each element.
#[derive(Clone, Debug, PartialEq)]
pub struct Bounded {
    /// The result in f64.
    pub expected: Array,
    /// The largest allowed distance from it, of the same shape.
    pub tolerance: Array,
}

/// The result of `op` on exact `inputs`, with its tolerance.
pub fn bound(op: &Op, inputs: &[&Array]) -> Result<Bounded, Mismatch> {
    let expected = execute(op, inputs)?;
    let tolerance = tolerance(op, inputs, &expected);
    Ok(Bounded { expected, tolerance })
}

/// The result of every node, in order, on the inputs that it has in `values`, with its tolerance. `values` holds
/// every graph input, constant and node output by id: where it comes from a GPU, each layer is judged on what the
/// layers before really gave it, so the first bad one is found.
pub fn bounds(
    graph: &Graph,
    shapes: &Shapes,
    values: &[Option<Array>],
) -> Result<Vec<Bounded>, ReferenceError> {
    let one = |node| {
        let expected = run_node(graph, shapes, values, node)?;
        let inputs = operands(graph, shapes, values, node)?;
        let tolerance = tolerance(&node.op.fix(shapes), &inputs, &expected);
        Ok(Bounded { expected, tolerance })
    };
    graph.nodes.iter().map(one).collect()
}

impl Bounded {
    /// The same for a result that is stored as `dtype`. WGSL lets a conversion to 16 bits give either neighbour, 2^-10 of
    /// the number apart, and flush what is below 2^-14.
    #[must_use]
    pub fn stored(self, dtype: Dtype) -> Self {
        /// The distance of neighbouring 16-bit numbers, relative to them.
        const ULP: f64 = 1.0 / 1024.0;
        /// The smallest that is not denormal.
        const LEAST: f64 = 1.0 / 16384.0;
        if dtype == Dtype::F32 {
            return self;
        }
        let tolerance =
            self.expected.zip(&self.tolerance, |y, error| (1.0 + ULP) * error + ULP * y.abs() + LEAST);
        Self { tolerance, ..self }
    }

    /// The element of `found` that is furthest outside its tolerance, as a multiple of it: its index and that
    /// multiple, above 1 where it is outside. Not a number is infinitely far; `None` for empty results.
    pub fn worst(&self, found: &[f32]) -> Option<(usize, f64)> {
        let excess = |(at, &found): (usize, &f32)| {
            let (expected, tolerance) = (self.expected.data[at], self.tolerance.data[at]);
            if found == expected as f32 {
                return (at, 0.0);
            }
            let ratio = (f64::from(found) - expected).abs() / tolerance;
            (at, if ratio.is_nan() { f64::INFINITY } else { ratio })
        };
        found.iter().enumerate().map(excess).max_by(|a, b| a.1.total_cmp(&b.1))
    }
}

fn tolerance(op: &Op, inputs: &[&Array], expected: &Array) -> Array {
    match op {
        Op::Conv(op) => {
            let summands = count(&inputs[1].shape[1..]);
            let direct =
                convolved(op.epilogue, summands, inputs, |x, weight, bias| conv(op, x, weight, bias));
            let channels = [inputs[1].shape[1], inputs[1].shape[0]];
            if op.winograd(channels, [expected.shape[2], expected.shape[3]]).is_none() {
                return direct;
            }
            let terms = conv_terms(op.epilogue, inputs);
            let bias = terms.bias.map(Array::abs);
            let magnitude = winograd::magnitude(op, &inputs[0].abs(), &inputs[1].abs(), bias.as_ref());
            let sum = conv(op, inputs[0], inputs[1], terms.bias);
            let error = sums(inputs[1].shape[1] + winograd::ROUNDINGS, &magnitude);
            let fast = epilogue(op.epilogue, &sum, &error, terms.residual);
            direct.zip(&fast, f64::max)
        }
        Op::Gemm(op) => {
            let added = inputs.get(2).map(|c| c.abs());
            let positive = Gemm { alpha: op.alpha.abs(), beta: op.beta.abs(), ..*op };
            let magnitude = gemm(&positive, &inputs[0].abs(), &inputs[1].abs(), added.as_ref());
            let sum = gemm(op, inputs[0], inputs[1], inputs.get(2).copied());
            let summands = inputs[0].shape[usize::from(!op.trans_a)];
            epilogue(op.epilogue, &sum, &sums(summands, &magnitude), None)
        }
        Op::BatchNorm { epsilon } => {
            let negative = inputs[3].map(|mean| -mean.abs());
            let (scale, shift) = (inputs[1].abs(), inputs[2].abs());
            let magnitude = batch_norm(*epsilon, &inputs[0].abs(), [&scale, &shift, &negative, inputs[4]]);
            sums(2, &magnitude)
        }
        Op::Activation(activation) => inputs[0].map(|x| activation_error(*activation, x, 0.0)),
        Op::Binary(op) => binary_error(*op, inputs[0], inputs[1]),
        Op::AveragePool(pool) => sums(pool.kernel[0] * pool.kernel[1], &average_pool(pool, &inputs[0].abs())),
        Op::GlobalAveragePool => sums(count(&inputs[0].shape[2..]), &global_average_pool(&inputs[0].abs())),
        Op::Resize(op) => match op.interpolation {
            Interpolation::Linear => sums(4, &resize_weighted(op, &inputs[0].abs(), f64::abs)),
            Interpolation::Filter(_) => {
                let size = [inputs[0].shape[2], inputs[0].shape[3]];
                let most = |axis| op.taps(axis, size).iter().map(Vec::len).max().unwrap_or(0);
                sums(most(0) * most(1), &resize_weighted(op, &inputs[0].abs(), f64::abs))
            }
            Interpolation::Nearest(_) => expected.map(|_| 0.0),
        },
        Op::ConvTranspose(op) => {
            let taps = |axis: usize| op.kernel[axis].div_ceil(op.tap_step(axis));
            let summands = inputs[0].shape[1] / op.groups * taps(0) * taps(1);
            convolved(op.epilogue, summands, inputs, |x, w, bias| conv_transpose(op, x, w, bias))
        }
        Op::Norm(op) => norm_error(op, inputs[0], inputs[1], inputs[2]),
        Op::MatMul => {
            let magnitude = mat_mul(&inputs[0].abs(), &inputs[1].abs(), expected.shape.clone());
            sums(inputs[0].shape.last().copied().unwrap_or(1), &magnitude)
        }
        Op::LogSoftmax { axis } => reduce::log_softmax(*axis, inputs[0], expected),
        Op::Reduce(op) => reduce::reduction(op, inputs[0], expected),
        Op::Softmax { axis } => reduce::softmax(*axis, inputs[0], expected),
        Op::Training(op) => training::error(op, inputs, expected),
        Op::Concat { .. }
        | Op::MaxPool(_)
        | Op::Flatten { .. }
        | Op::Reshape { .. }
        | Op::Identity
        | Op::Pad(_)
        | Op::GlobalMaxPool
        | Op::ArgMax(_)
        | Op::Where
        | Op::Move(_)
        | Op::Squeeze { .. }
        | Op::Unsqueeze { .. } => expected.map(|_| 0.0),
    }
}

/// The error of a convolution that sums `summands` products before its bias.
fn convolved(
    then: Epilogue,
    summands: usize,
    inputs: &[&Array],
    compute: impl Fn(&Array, &Array, Option<&Array>) -> Array,
) -> Array {
    let terms = conv_terms(then, inputs);
    let bias = terms.bias.map(Array::abs);
    let magnitude = compute(&inputs[0].abs(), &inputs[1].abs(), bias.as_ref());
    let sum = compute(inputs[0], inputs[1], terms.bias);
    epilogue(then, &sum, &sums(summands, &magnitude), terms.residual)
}

/// The error of sums of `summands` terms whose absolute values add up to `magnitude`.
pub(super) fn sums(summands: usize, magnitude: &Array) -> Array {
    let factor = (summands + 8) as f64;
    magnitude.map(|m| 2.0 * factor * U * m + factor * FLUSHED)
}

/// The error after the epilogue of a `sum` that errs by `error`.
fn epilogue(epilogue: Epilogue, sum: &Array, error: &Array, residual: Option<&Array>) -> Array {
    let added = |sum: &Array, error: &Array| match residual {
        Some(residual) => {
            let total = sum.zip(residual, |s, r| s + r);
            let rounding = total.map(|t| 2.0 * U * t.abs() + FLUSHED);
            (total, error.zip(&rounding, |e, r| (1.0 + 2.0 * U) * e + r))
        }
        None => (sum.clone(), error.clone()),
    };
    let activated =
        |activation, sum: &Array, error: &Array| sum.zip(error, |x, e| activation_error(activation, x, e));
    match epilogue {
        Epilogue::Plain => error.clone(),
        Epilogue::Activation(activation) => activated(activation, sum, error),
        Epilogue::AddThenActivation(activation) => {
            let (total, error) = added(sum, error);
            activated(activation, &total, &error)
        }
        Epilogue::ActivationThenAdd(activation) => {
            let error = activated(activation, sum, error);
            added(&sum.map(|x| activate(activation, x)), &error).1
        }
    }
}
