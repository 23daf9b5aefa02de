//! Transposed convolution of one group, and the parameters of all transposed convolutions.

use super::conv::{Finish, finishes};
use super::params::params;
use super::{Access, Kernel, Spec};

params! {
    /// Parameters of all transposed convolutions.
    TransposedParams {
        /// Images.
        images: u32,
        /// The live record of the input.
        in_record: u32,
        /// Stored channel groups of one image of the input.
        in_groups: u32,
        /// Rows of the input.
        in_height: u32,
        /// Columns of the input.
        in_width: u32,
        /// The live record of the output.
        out_record: u32,
        /// Stored channel groups of one image of the output.
        out_groups: u32,
        /// Rows of the output.
        out_height: u32,
        /// Columns of the output.
        out_width: u32,
        /// Rows of the kernel.
        kernel_height: u32,
        /// Columns of the kernel.
        kernel_width: u32,
        /// Output rows from one input row to the next.
        stride_y: u32,
        /// Output columns from one input column to the next.
        stride_x: u32,
        /// Output rows from one tap to the next.
        dilation_y: u32,
        /// Output columns from one tap to the next.
        dilation_x: u32,
        /// Kernel rows from one that reaches an output to the next: `stride / gcd(stride, dilation)`.
        step_y: u32,
        /// Kernel columns likewise.
        step_x: u32,
        /// Input rows between them: `dilation / gcd(stride, dilation)`.
        shift_y: u32,
        /// Input columns likewise.
        shift_x: u32,
        /// Rows cut off above.
        pad_top: u32,
        /// Columns cut off to the left.
        pad_left: u32,
        /// Threads along the pixel axis.
        tiles: u32,
        /// How many of them share an output row.
        row_tiles: u32,
        /// How many of these own columns a multiple of `stride_x` apart.
        phase_tiles: u32,
        /// Input channels of one convolution group.
        group_inputs: u32,
        /// First parameter of the activation.
        a: f32,
        /// Second parameter of the activation.
        b: f32,
    }
}

/// Tensors `x, weight, bias, residual, y`; where nothing is added, `residual` is any readable buffer. Weights are packed
/// as those of [`super::conv::CONV`], taps not turned.
pub static CONV_TRANSPOSE: Kernel = Kernel {
    name: "conv_transpose",
    source: include_str!("../../shaders/conv_transpose.wgsl"),
    bindings: &[Access::Read, Access::Read, Access::Read, Access::Read, Access::Write],
    params: TransposedParams::NAMES,
    variants,
};

/// Output pixels of a thread.
pub const PIXELS: u32 = 4;

/// Output channel groups of a thread.
pub const GROUPS: u32 = 4;

/// Threads of a workgroup.
pub const WORKGROUP: u32 = 32;

/// The specialisation of [`CONV_TRANSPOSE`].
pub fn spec(finish: Finish) -> Spec {
    Spec(vec![
        ("np", PIXELS),
        ("kg", GROUPS),
        ("workgroup", WORKGROUP),
        ("activation", finish.activation),
        ("add", finish.add),
    ])
}

fn variants() -> Vec<Spec> {
    finishes().into_iter().map(spec).collect()
}

/// The weights `[inputs][outputs of a group][taps]` of a transposed convolution in the order of a convolution's:
/// `[outputs][inputs of a group][taps]`.
pub fn turned(values: &[f32], [inputs, outputs, groups]: [usize; 3], taps: usize) -> Vec<f32> {
    let (group_inputs, group_outputs) = (inputs / groups, outputs / groups);
    let mut turned = Vec::with_capacity(values.len());
    for output in 0..outputs {
        let first = output / group_outputs * group_inputs;
        for input in first..first + group_inputs {
            let at = (input * group_outputs + output % group_outputs) * taps;
            turned.extend_from_slice(&values[at..at + taps]);
        }
    }
    turned
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_turn_within_their_group() {
        let values: Vec<f32> = (0..4 * 3 * 2).map(|v| v as f32).collect();
        let turned = turned(&values, [4, 6, 2], 2);
        assert_eq!(turned[..8], [0.0, 1.0, 6.0, 7.0, 2.0, 3.0, 8.0, 9.0]);
        assert_eq!(turned[12..16], [12.0, 13.0, 18.0, 19.0]);
    }
}
