//! Convolutions, and matrix products as 1x1 convolutions whose pixels are images.

use super::resize::take_back;
use super::{Lowering, PlanError, Stored, activation, pair, scale, siblings, unsupported, winograd};
use crate::graph::{Activation, Conv2d, Epilogue, Gemm, Node};
use crate::kernels::conv::{ConvParams, Finish, Weights, pack_channels};
use crate::plan::select::{Connection, Geometry, Part, binds_scales, select, windows};
use crate::plan::{Operand, Step};
use std::borrow::Cow;

/// A convolution with everything that its node says of it.
pub(super) struct Convolution<'a> {
    pub(super) x: Operand,
    /// What its channels are multiplied by first.
    pub(super) scales: Option<Operand>,
    pub(super) input: Stored,
    pub(super) y: Operand,
    pub(super) output: Stored,
    pub(super) geometry: Geometry,
    pub(super) weights: Cow<'a, [f32]>,
    pub(super) groups: usize,
    pub(super) bias: Cow<'a, [f32]>,
    pub(super) residual: Option<Operand>,
    /// Logarithms of what the residual is enlarged by.
    pub(super) enlarged: Option<[u32; 2]>,
    pub(super) epilogue: Epilogue,
}

impl Convolution<'_> {
    /// How its kernels end, and the parameters of the activation.
    pub(super) fn finish(&self) -> (Finish, [f32; 2]) {
        let (activation, add) = finish(self.epilogue);
        let (code, a, b) = activation::code(activation);
        let finish = Finish { activation: code, add };
        (if self.enlarged.is_some() { finish.enlarged() } else { finish }, [a, b])
    }
}

/// Lowers a convolution, and with it those that [`siblings`] finds.
pub(super) fn lower(cx: &mut Lowering, node: &Node, conv: &Conv2d) -> Result<(), PlanError> {
    if cx.is_merged(node.outputs[0]) {
        return Ok(());
    }
    let own = convolution(cx, node, conv)?;
    if pair::join(cx, node, &own) {
        return Ok(());
    }
    let whole = siblings::merged(cx, node, own);
    convolve(cx, node, &whole)
}

/// What a node says of a convolution.
pub(super) fn convolution<'a>(
    cx: &mut Lowering<'a>,
    node: &Node,
    conv: &Conv2d,
) -> Result<Convolution<'a>, PlanError> {
    let output = cx.stored(node.outputs[0]);
    let (x, input) = cx.channels_first(node)?;
    let has_residual = conv.epilogue.has_residual();
    let operands = node.inputs.len() - usize::from(has_residual);
    let weights = floats(cx, node, 1)?;
    let bias = if operands > 2 { floats(cx, node, 2)? } else { &[] };
    let mut residual =
        if has_residual { Some(cx.operand(node, operands, &output.segments)?.0) } else { None };
    let enlarged = residual.and_then(|residual| take_back(cx, residual));
    residual = enlarged.map(|enlarged| enlarged.source).or(residual);
    let depthwise = conv.groups as u32 == input.channels
        && input.channels == output.channels
        && input.segments == output.segments;
    let connection = match conv.groups {
        1 => Connection::Dense,
        _ if depthwise => Connection::Depthwise,
        _ => Connection::Grouped,
    };
    let window = conv.window();
    let channels = [input.channels as usize, output.channels as usize];
    let map = [output.height as usize, output.width as usize];
    let pair = |[vertical, horizontal]: [usize; 2]| [vertical as u32, horizontal as u32];
    let geometry = Geometry {
        connection,
        images: output.images,
        output: [output.height, output.width],
        kernel: pair(conv.kernel),
        strides: pair(conv.strides),
        dilations: pair(conv.dilations),
        margins: window.margins([input.height as usize, input.width as usize]).map(|m| m as u32),
        inputs: input.channels,
        depth: depth(&input),
        scaled: false,
        few: !conv.direct && conv.whole.unwrap_or(channels)[0] <= FEW,
        direct: conv.direct,
        winograd: winograd(cx, conv, channels, map),
        tile: cx.tile,
    };
    let scaled = if geometry.scales() { scale::take_back(cx, x) } else { None };
    Ok(Convolution {
        x: scaled.map_or(x, |scaled| scaled.source),
        scales: scaled.map(|scaled| scaled.scales),
        input,
        y: cx.slot(node.outputs[0]),
        output,
        geometry: Geometry { scaled: scaled.is_some(), ..geometry },
        weights: weights.into(),
        groups: conv.groups,
        bias: bias.into(),
        residual,
        enlarged: enlarged.map(|enlarged| enlarged.shifts),
        epilogue: conv.epilogue,
    })
}

/// The outputs along an axis of the windows of Winograd's algorithm, where it is used and its weights can be read.
fn winograd(cx: &Lowering, conv: &Conv2d, channels: [usize; 2], map: [usize; 2]) -> Option<u32> {
    let tile = conv.winograd(channels, map)?;
    // What was pruned in memory keeps the algorithm of what it came from.
    let [inputs, outputs] = conv.whole.unwrap_or(channels).map(|channels| channels.next_multiple_of(4));
    let floats = (tile + 2) * (tile + 2) * inputs * outputs;
    (cx.class_for(floats) == cx.class).then_some(tile as u32)
}

/// Lowers a matrix product with a constant. Its addend is a bias where all rows share it, else a residual.
pub(super) fn lower_gemm(cx: &mut Lowering, node: &Node, gemm: &Gemm) -> Result<(), PlanError> {
    if gemm.trans_a {
        return Err(unsupported(node, "transA must be 0: the batch would be its inner dimension".to_owned()));
    }
    let output = cx.stored(node.outputs[0]);
    let (x, input) = cx.channels_first(node)?;
    let (rows, columns) = (output.images as usize, output.channels as usize);
    let weights = matrix(cx, node, gemm, [input.channels as usize, columns])?;
    let mut bias = Vec::new();
    let mut residual = None;
    let mut epilogue = gemm.epilogue;
    if node.inputs.len() > 2 {
        let addend = addend(cx, node, gemm.beta, [rows, columns])?;
        if addend.chunks(columns).all(|row| *row == addend[..columns]) {
            bias = addend[..columns].to_vec();
        } else {
            residual = Some(cx.pack(output.pack(&addend)));
            epilogue = Epilogue::AddThenActivation(finish(epilogue).0);
        }
    }
    let product = product(cx, node, ((x, input), output), weights);
    convolve(cx, node, &Convolution { bias: bias.into(), residual, epilogue, ..product })
}

/// Lowers the product of input number `input`, summed over its channels, with a constant matrix `[outputs][inputs]`.
pub(super) fn lower_product(
    cx: &mut Lowering,
    node: &Node,
    input: usize,
    weights: Vec<f32>,
) -> Result<(), PlanError> {
    let x = cx.slot(node.inputs[input]);
    let (input, output) = (cx.stored(node.inputs[input]), cx.stored(node.outputs[0]));
    let product = product(cx, node, ((x, input), output), weights);
    convolve(cx, node, &product)
}

/// The convolution of 1x1 that a matrix product is, with nothing added.
fn product<'a>(
    cx: &mut Lowering,
    node: &Node,
    ((x, input), output): ((Operand, Stored), Stored),
    weights: Vec<f32>,
) -> Convolution<'a> {
    let map = [output.height, output.width];
    let geometry = Geometry { tile: cx.tile, inputs: input.channels, ..Geometry::point(output.images, map) };
    Convolution {
        x,
        scales: None,
        input,
        y: cx.slot(node.outputs[0]),
        geometry,
        output,
        weights: weights.into(),
        groups: 1,
        bias: Cow::Borrowed(&[]),
        residual: None,
        enlarged: None,
        epilogue: Epilogue::Plain,
    }
}

/// `alpha B` as `[outputs][inputs]`, rounded once.
fn matrix(
    cx: &Lowering,
    node: &Node,
    gemm: &Gemm,
    [inputs, outputs]: [usize; 2],
) -> Result<Vec<f32>, PlanError> {
    let values = floats(cx, node, 1)?;
    if values.len() != inputs * outputs {
        let expected = format!("B must be {inputs} by {outputs}, it has {} elements", values.len());
        return Err(unsupported(node, expected));
    }
    let at = |o: usize, i: usize| if gemm.trans_b { o * inputs + i } else { i * outputs + o };
    let scaled = |(o, i)| (f64::from(gemm.alpha) * f64::from(values[at(o, i)])) as f32;
    Ok((0..outputs).flat_map(|o| (0..inputs).map(move |i| (o, i))).map(scaled).collect())
}

/// `beta C` broadcast to every row.
fn addend(cx: &Lowering, node: &Node, beta: f32, [rows, columns]: [usize; 2]) -> Result<Vec<f32>, PlanError> {
    let tensor = cx.constant(node, 2)?;
    let values = floats(cx, node, 2)?;
    let (height, width) = match *tensor.shape() {
        [] => (1, 1),
        [width] => (1, width),
        [height, width] => (height, width),
        _ => (0, 0),
    };
    if ![1, rows].contains(&height) || ![1, columns].contains(&width) {
        let found = tensor.shape();
        return Err(unsupported(node, format!("C must broadcast to [{rows}, {columns}], it is {found:?}")));
    }
    let at = |row, column| (row % height) * width + column % width;
    let scaled = |(row, column)| (f64::from(beta) * f64::from(values[at(row, column)])) as f32;
    Ok((0..rows).flat_map(|row| (0..columns).map(move |column| (row, column))).map(scaled).collect())
}

pub(super) fn floats<'a>(cx: &Lowering<'a>, node: &Node, input: usize) -> Result<&'a [f32], PlanError> {
    cx.constant(node, input)?.f32s().map_err(|error| unsupported(node, format!("input {input}: {error}")))
}

/// The activation of an epilogue, and the `add` code of the residual.
pub(super) fn finish(epilogue: Epilogue) -> (Activation, u32) {
    match epilogue {
        Epilogue::Plain => (Activation::None, 0),
        Epilogue::Activation(activation) => (activation, 0),
        Epilogue::AddThenActivation(activation) => (activation, 1),
        Epilogue::ActivationThenAdd(activation) => (activation, 2),
    }
}

/// Input channels that windows may be summed by, one after another. What was pruned in memory keeps the algorithm of what it came
/// from.
const FEW: usize = 4;

/// The channels of an input that has one group of them, which nothing cuts; else 4.
fn depth(input: &Stored) -> u32 {
    match &input.segments[..] {
        [segment] if segment.unit.is_none() && segment.channels == 3 => 3,
        _ => 4,
    }
}

impl Lowering<'_> {
    /// Adds the steps of `parts`, of which those are left out that no pruning of `output` needs. `macs` are those of
    /// all parts together.
    pub(super) fn add_parts(
        &mut self,
        node: &Node,
        parts: Vec<Part>,
        (params, operands): (&[u32], &[Operand]),
        (output, macs): (&Stored, u64),
    ) {
        let full = self.live.table(0, &[]);
        let cut = output.segments.iter().any(|segment| segment.unit.is_some());
        let groups: Vec<u32> = parts.iter().map(|part| part.groups(full.groups(output.record))).collect();
        let all: u64 = groups.iter().copied().map(u64::from).sum();
        for (part, groups) in parts.into_iter().zip(groups) {
            if groups == 0 && !(cut && part.fits(output.groups)) {
                continue;
            }
            let grid = part.grid(output.record);
            let macs = macs * u64::from(groups) / all.max(1);
            let (node, op) = (node.name.clone(), node.op.name());
            let (params, operands) = (params.to_vec(), operands.to_vec());
            self.steps.push(Step {
                node,
                op,
                kernel: part.kernel,
                spec: part.spec,
                params,
                operands,
                grid,
                macs,
            });
        }
    }
}

fn convolve(cx: &mut Lowering, node: &Node, convolution: &Convolution) -> Result<(), PlanError> {
    let Convolution { input, output, geometry, groups, .. } = convolution;
    let taps = geometry.kernel[0] as usize * geometry.kernel[1] as usize;
    let weights = Weights {
        values: &convolution.weights,
        group_inputs: input.channels as usize / groups,
        group_outputs: output.channels as usize / groups,
        taps,
        input: &input.segments,
        output: &output.segments,
    };
    let class = cx.class_for(weights.stored());
    if let Some(tile_and_subgroup) = windows(class, geometry) {
        winograd::lower(cx, node, convolution, &weights, tile_and_subgroup);
        return Ok(());
    }
    let (finish, [a, b]) = convolution.finish();
    let [enlarged_y, enlarged_x] = convolution.enlarged.unwrap_or_default();
    let choice = select(class, geometry, finish);
    let params = ConvParams {
        images: geometry.images,
        in_record: input.record.0,
        in_groups: input.groups,
        in_height: input.height,
        in_width: input.width,
        out_record: output.record.0,
        out_groups: output.groups,
        out_height: output.height,
        out_width: output.width,
        kernel_height: geometry.kernel[0],
        kernel_width: geometry.kernel[1],
        stride_y: geometry.strides[0],
        stride_x: geometry.strides[1],
        dilation_y: geometry.dilations[0],
        dilation_x: geometry.dilations[1],
        pad_top: geometry.margins[0],
        pad_left: geometry.margins[1],
        tiles: choice.tiles,
        row_tiles: choice.row_tiles,
        group_inputs: weights.group_inputs as u32,
        a,
        b,
        enlarged_y,
        enlarged_x,
    };
    let packed = cx.pack_weights((choice.pack)(&weights));
    let bias = cx.pack(pack_channels(&convolution.bias, &output.segments));
    let mut operands = vec![convolution.x, packed, bias, convolution.residual.unwrap_or(bias)];
    if let Some(channels) = choice.channels {
        operands.push(cx.pack(channels(&weights)));
    }
    if choice.parts.iter().any(|part| binds_scales(part.kernel)) {
        operands.push(convolution.scales.unwrap_or(bias));
    }
    operands.push(convolution.y);
    let pixels = u64::from(geometry.images) * u64::from(output.pixels());
    let macs = pixels * u64::from(output.channels) * (weights.group_inputs * taps) as u64;
    cx.add_parts(node, choice.parts, (&params.words(), &operands), (output, macs));
    Ok(())
}
