//! Multiply-adds in registers: what a device's arithmetic is measured with.

use super::params::params;
use super::{Access, Kernel, Spec};

params! {
    /// Parameters of [`PEAK_MULTIPLY_ADD`].
    MultiplyAddParams {
        /// Times that every accumulator goes through [`STEPS`] multiply-adds.
        rounds: u32,
        /// What an accumulator is multiplied by.
        scale: f32,
        /// What is added then.
        shift: f32,
    }
}

/// Multiply-adds of each accumulator in a round.
pub const STEPS: u32 = 16;

/// Tensor `y`, a vec4 for each thread: the sum of its `accumulators` vectors, that of number `a` having started from
/// `64 a + thread % 64 + (0, 0.25, 0.5, 0.75)`. `fused` asks for the operation by name.
pub static PEAK_MULTIPLY_ADD: Kernel = Kernel {
    name: "peak_multiply_add",
    source: include_str!("../../shaders/peak_multiply_add.wgsl"),
    bindings: &[Access::Write],
    params: MultiplyAddParams::NAMES,
    variants,
};

/// The number of registers decides what is best: few hide no latency, many are spilled.
fn variants() -> Vec<Spec> {
    let variant = |accumulators, fused| Spec(vec![("accumulators", accumulators), ("fused", fused)]);
    [2, 3, 4, 8].into_iter().flat_map(|count| [0, 1].map(|fused| variant(count, fused))).collect()
}
