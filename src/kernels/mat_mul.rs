//! Matrix products over any axes of values stored in any way.

use super::params::params;
use super::{Access, Kernel, Spec};

params! {
    /// Parameters of [`MAT_MUL`].
    MatMulParams {
        /// The live record of the output.
        record: u32,
        /// Images of the output.
        images: u32,
        /// Pixels of one channel of the output.
        pixels: u32,
        /// Columns of the output.
        width: u32,
        /// Rows of the output.
        height: u32,
        /// Stored channel groups of one image of the output.
        groups: u32,
        /// Terms of a sum that does not run over channels.
        terms: u32,
        /// From one of its terms to the next in `a`.
        step_a: u32,
        /// The same in `b`.
        step_b: u32,
        /// The live record that a sum over channels runs over.
        inner_record: u32,
        /// Stored channels of that record.
        inner_places: u32,
    }
}

/// Tensors `a, b, tables, y`; the tables say where the elements of `a` and `b` are (see the shader). `a` and `b` are
/// how the operands are read: 0 one element for 4 channels, 1 a vec4, 2 any 4 elements. `inner` is 1 for a sum over
/// channels.
pub static MAT_MUL: Kernel = Kernel {
    name: "mat_mul",
    source: include_str!("../../shaders/mat_mul.wgsl"),
    bindings: &[Access::Read, Access::Read, Access::Read, Access::Write],
    params: MatMulParams::NAMES,
    variants,
};

/// How an operand is read for the 4 channels of an output texel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// One element for all.
    Splat,
    /// Four adjacent ones.
    Texel,
    /// Any four.
    Lanes,
}

/// The specialisation of [`MAT_MUL`].
pub fn spec(a: Reading, b: Reading, inner: bool) -> Spec {
    Spec(vec![("a", a as u32), ("b", b as u32), ("inner", u32::from(inner))])
}

fn variants() -> Vec<Spec> {
    let readings = [Reading::Splat, Reading::Texel, Reading::Lanes];
    let pairs = readings.into_iter().flat_map(|a| readings.map(|b| (a, b)));
    pairs.flat_map(|(a, b)| [false, true].map(|inner| spec(a, b, inner))).collect()
}
