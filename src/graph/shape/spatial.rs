//! Shapes of operators that work on the two spatial axes: convolution, pooling, resizing, padding.

use super::{Mismatch, mismatch};
use crate::graph::window::Window;
use crate::graph::{Conv2d, ConvTranspose, Epilogue, Pad, PadMode, Pool, Resize};

/// `[N, C, H, W]`, or an error.
fn image(what: &str, shape: &[usize]) -> Result<[usize; 4], Mismatch> {
    match shape {
        &[n, c, h, w] => Ok([n, c, h, w]),
        _ => mismatch(what, "rank 4 [N, C, H, W]", format!("{shape:?}")),
    }
}

/// The longest side of a padded image and of a dilated window: coordinates in it, and before it, fit 32 bits.
const MAX_SPAN: usize = i32::MAX as usize;

fn slide(window: &Window, [height, width]: [usize; 2]) -> Result<[usize; 2], Mismatch> {
    for (what, values) in
        [("kernel", window.kernel), ("strides", window.strides), ("dilations", window.dilations)]
    {
        if values.contains(&0) {
            return mismatch(what, "at least 1", format!("{values:?}"));
        }
    }
    let margins = window.margins([height, width]);
    for (axis, size) in [height, width].into_iter().enumerate() {
        let padded = size.saturating_add(margins[axis]).saturating_add(margins[axis + 2]);
        if padded > MAX_SPAN || window.extent(axis) > MAX_SPAN {
            let found = format!("{padded} and {}", window.extent(axis));
            return mismatch("padded input and window", format!("at most {MAX_SPAN} pixels a side"), found);
        }
    }
    match window.output([height, width]) {
        Some(output) => Ok(output),
        None => mismatch(
            "input size with padding",
            format!("at least {}x{}", window.extent(0), window.extent(1)),
            format!("{height}x{width} with pads {margins:?}"),
        ),
    }
}

pub(super) fn conv(conv: &Conv2d, inputs: &[&[usize]]) -> Result<Vec<usize>, Mismatch> {
    let [n, channels, h, w] = image("input", inputs[0])?;
    let &[filters, per_group, kh, kw] = inputs[1] else {
        return mismatch("weight", "rank 4 [O, C/groups, KH, KW]", format!("{:?}", inputs[1]));
    };
    if [kh, kw] != conv.kernel {
        return mismatch("weight", format!("kernel {:?}", conv.kernel), format!("{:?}", [kh, kw]));
    }
    if conv.groups == 0 || !channels.is_multiple_of(conv.groups) {
        return mismatch("groups", format!("a divisor of {channels} input channels"), conv.groups);
    }
    if !filters.is_multiple_of(conv.groups) || filters == 0 {
        return mismatch("groups", format!("a divisor of {filters} output channels"), conv.groups);
    }
    if per_group != channels / conv.groups {
        let expected = format!("{} input channels per group", channels / conv.groups);
        return mismatch("weight", expected, per_group);
    }
    let [height, width] = slide(&conv.window(), [h, w])?;
    added(conv.epilogue, &inputs[2..], vec![n, filters, height, width])
}

/// `output`, if the optional inputs of a convolution, bias and residual, fit it.
fn added(epilogue: Epilogue, inputs: &[&[usize]], output: Vec<usize>) -> Result<Vec<usize>, Mismatch> {
    let (bias, residual) = match (inputs, epilogue.has_residual()) {
        ([residual], true) => (None, Some(residual)),
        ([bias, residual], true) => (Some(bias), Some(residual)),
        (rest, _) => (rest.first(), None),
    };
    if let Some(bias) = bias.filter(|bias| ***bias != output[1..2]) {
        return mismatch("bias", format!("[{}]", output[1]), format!("{bias:?}"));
    }
    if let Some(residual) = residual.filter(|residual| ***residual != output) {
        return mismatch("residual", format!("{output:?}"), format!("{residual:?}"));
    }
    Ok(output)
}

pub(super) fn conv_transpose(conv: &ConvTranspose, inputs: &[&[usize]]) -> Result<Vec<usize>, Mismatch> {
    let [n, channels, h, w] = image("input", inputs[0])?;
    let &[from, per_group, kh, kw] = inputs[1] else {
        return mismatch("weight", "rank 4 [C, O/groups, KH, KW]", format!("{:?}", inputs[1]));
    };
    if [kh, kw] != conv.kernel {
        return mismatch("weight", format!("kernel {:?}", conv.kernel), format!("{:?}", [kh, kw]));
    }
    if conv.groups == 0 || !channels.is_multiple_of(conv.groups) {
        return mismatch("groups", format!("a divisor of {channels} input channels"), conv.groups);
    }
    if from != channels {
        return mismatch("weight", format!("{channels} input channels"), from);
    }
    for (what, values) in [("kernel", conv.kernel), ("strides", conv.strides), ("dilations", conv.dilations)]
    {
        if values.contains(&0) {
            return mismatch(what, "at least 1", format!("{values:?}"));
        }
    }
    let reach = [conv.reach(0, h), conv.reach(1, w)];
    if reach.iter().any(|&side| side > MAX_SPAN) || conv.strides.iter().any(|&stride| stride > MAX_SIDE) {
        return mismatch("uncut output", format!("at most {MAX_SPAN} pixels a side"), format!("{reach:?}"));
    }
    let Some([height, width]) = conv.output([h, w]) else {
        let expected = format!("less than the output {}x{} in all", reach[0], reach[1]);
        return mismatch("pads", expected, format!("{:?}", conv.margins([h, w])));
    };
    match per_group.checked_mul(conv.groups) {
        Some(filters) => added(conv.epilogue, &inputs[2..], vec![n, filters, height, width]),
        None => mismatch("weight", "output channels that can be counted", format!("{:?}", inputs[1])),
    }
}

pub(super) fn pool(pool: &Pool, x: &[usize]) -> Result<Vec<usize>, Mismatch> {
    let [n, c, h, w] = image("input", x)?;
    let window = pool.window();
    let [height, width] = slide(&window, [h, w])?;
    let margins = window.margins([h, w]);
    let extents = [window.extent(0), window.extent(1)];
    if (0..4).any(|side| margins[side] >= extents[side % 2]) {
        let expected = format!("each less than the window {}x{}", extents[0], extents[1]);
        return mismatch("pads", expected, format!("{margins:?}"));
    }
    Ok(vec![n, c, height, width])
}

pub(super) fn global_pool(x: &[usize]) -> Result<Vec<usize>, Mismatch> {
    if x.len() < 3 {
        return mismatch("input", "rank 3 or more [N, C, …]", format!("{x:?}"));
    }
    let mut shape = x.to_vec();
    shape[2..].fill(1);
    Ok(shape)
}

pub(super) fn resize(resize: &Resize, x: &[usize]) -> Result<Vec<usize>, Mismatch> {
    let [n, c, h, w] = image("input", x)?;
    let [height, width] = resize.output([h, w]);
    if height == 0 || width == 0 || height > MAX_SIDE || width > MAX_SIDE {
        let expected = format!("1 to {MAX_SIDE} pixels a side");
        return mismatch("output size", expected, format!("{height}x{width} from {h}x{w}"));
    }
    Ok(vec![n, c, height, width])
}

/// The longest side of a resized image.
const MAX_SIDE: usize = 1 << 24;

pub(super) fn pad(pad: &Pad, x: &[usize]) -> Result<Vec<usize>, Mismatch> {
    let [n, c, h, w] = image("input", x)?;
    let [top, left, bottom, right] = pad.margins;
    let reach = match pad.mode {
        PadMode::Constant(_) | PadMode::Edge => [usize::MAX; 2],
        PadMode::Reflect => [h.saturating_sub(1), w.saturating_sub(1)],
    };
    if top > reach[0] || bottom > reach[0] || left > reach[1] || right > reach[1] {
        let expected = format!("reflected margins of at most {}x{} pixels", reach[0], reach[1]);
        return mismatch("pads", expected, format!("{:?}", pad.margins));
    }
    let sides = [h.checked_add(top), w.checked_add(left)];
    let grown = [
        sides[0].and_then(|side| side.checked_add(bottom)),
        sides[1].and_then(|side| side.checked_add(right)),
    ];
    match grown {
        [Some(height), Some(width)] => Ok(vec![n, c, height, width]),
        _ => mismatch("pads", "sizes that can be counted", format!("{:?}", pad.margins)),
    }
}
