//! Transposed convolution.

use super::window::{axes, in_two_axes, kernel, padding, spatial};
use super::{Call, Meaning, size};
use crate::graph::{ConvTranspose, Epilogue, Op, Padding};

pub(super) fn conv_transpose(call: &mut Call) -> Result<Meaning, String> {
    call.at_most(3)?;
    let kernel = kernel(call)?;
    let groups = call.attributes.int("group")?.unwrap_or(1);
    let output_padding = match call.attributes.ints("output_padding")? {
        None => [0, 0],
        Some(values) => axes(call, "output_padding", values, 0)?,
    };
    let mut conv = ConvTranspose {
        kernel,
        strides: spatial(call, "strides")?,
        pads: padding(call)?,
        output_padding,
        dilations: spatial(call, "dilations")?,
        groups: size("group", groups, 1)?,
        epilogue: Epilogue::Plain,
    };
    if let Some(sizes) = call.attributes.ints("output_shape")? {
        let sizes = axes(call, "output_shape", sizes, 1)?;
        let input = match call.fixed()?.as_deref() {
            Some(&[_, _, Some(height), Some(width)]) => [height, width],
            Some(&[_, _, Some(width)]) => [1, width],
            _ => {
                return Err(
                    "output_shape: expected an input of fixed height and width, found others".to_owned()
                );
            }
        };
        fit(&mut conv, input, sizes);
    }
    in_two_axes(call, Op::ConvTranspose(conv))
}

/// Chooses what is cut off and added so that an input of `[height, width]` gives an output of `sizes`: of an odd
/// number of pixels to cut the odd one goes to the beginning, with `SAME_UPPER` to the end.
fn fit(conv: &mut ConvTranspose, input: [usize; 2], sizes: [usize; 2]) {
    let mut margins = [0; 4];
    for axis in 0..2 {
        let reach = conv.reach(axis, input[axis]);
        let total = reach.saturating_sub(sizes[axis]);
        let (small, large) = (total / 2, total.div_ceil(2));
        let upper = conv.pads == Padding::SameUpper;
        (margins[axis], margins[axis + 2]) = if upper { (small, large) } else { (large, small) };
        conv.output_padding[axis] += sizes[axis].saturating_sub(reach);
    }
    conv.pads = Padding::Explicit(margins);
}
