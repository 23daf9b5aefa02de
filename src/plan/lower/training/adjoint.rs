//! Gradients of what weighs rows and columns: the same weights, read the other way.

use crate::graph::{Node, Taps};
use crate::kernels::Spec;
use crate::kernels::resample::{RESAMPLE, ResampleParams};
use crate::kernels::resample_axis::{LINES, RESAMPLE_AXIS, ResampleAxisParams, spec};
use crate::plan::lower::step::{Dispatch, WORKGROUP};
use crate::plan::lower::{Lowering, PlanError, Stored, unsupported};
use crate::plan::{Grid, Operand};

/// What is read behind the last tap.
const END: [f32; 2] = [-1.0, 0.0];

/// Taps of one output up to which it is computed in one step, instead of rows first and columns then or otherwise.
const ONE_STEP: usize = 4;

/// One axis: for every pixel of the gradient, what it reads of `dy`.
struct Line {
    /// `taps` pairs of place and weight for every pixel.
    table: Vec<[f32; 2]>,
    taps: usize,
    /// Places along the axis of `dy`.
    source: u32,
}

/// Adds the steps that compute the gradient of an operator whose output rows and columns read `forward` rows and
/// columns of its input: input 0 is the gradient of its output.
///
/// # Errors
/// [`PlanError::Unsupported`] where input 0 has other rows or columns.
pub(super) fn adjoint(cx: &mut Lowering, node: &Node, forward: &[Vec<Taps>; 2]) -> Result<(), PlanError> {
    let dx = cx.stored(node.outputs[0]);
    let (source, dy) = cx.operand(node, 0, &dx.segments)?;
    let (expected, found) = ([forward[0].len(), forward[1].len()], [dy.height as usize, dy.width as usize]);
    if expected != found || dy.images != dx.images {
        return Err(unsupported(
            node,
            format!("expected a gradient of {expected:?} pixels, found {found:?}"),
        ));
    }
    let [rows, columns] = [(0, dx.height), (1, dx.width)].map(|(axis, size)| Line::new(&forward[axis], size));
    let out = cx.slot(node.outputs[0]);
    if rows.taps * columns.taps <= ONE_STEP {
        whole(cx, node, [&rows, &columns], (source, out));
        return Ok(());
    }
    // The axis goes first whose step has less to add.
    let lines = |axis: usize| if axis == 0 { &rows } else { &columns };
    let first_cost = [dx.height as usize * rows.taps * found[1], dx.width as usize * columns.taps * found[0]];
    let then_cost = [rows.taps, columns.taps].map(|taps| taps * dx.pixels() as usize);
    let first = usize::from(first_cost[1] + then_cost[0] < first_cost[0] + then_cost[1]);
    let between = match first {
        0 => Stored { width: dy.width, ..dx.clone() },
        _ => Stored { height: dy.height, ..dx.clone() },
    };
    let scratch = cx.scratch(node.outputs[0], between.floats());
    along(cx, node, (first, lines(first)), &between, (source, scratch));
    along(cx, node, (1 - first, lines(1 - first)), &dx, (scratch, out));
    Ok(())
}

impl Line {
    /// The transpose of `forward`, the taps that every place along `dy` has among `size` pixels.
    fn new(forward: &[Taps], size: u32) -> Self {
        let mut readers: Vec<Taps> = vec![Vec::new(); size as usize];
        for (place, taps) in forward.iter().enumerate() {
            for &(pixel, weight) in taps.iter().filter(|(_, weight)| *weight != 0.0) {
                match readers[pixel].last_mut() {
                    Some((last, sum)) if *last == place => *sum += weight,
                    _ => readers[pixel].push((place, weight)),
                }
            }
        }
        let taps = readers.iter().map(Vec::len).max().unwrap_or(0).max(1);
        let pair = |&(place, weight): &(usize, f64)| [place as f32, weight as f32];
        let all = |taps_of: &Taps| -> Vec<[f32; 2]> {
            taps_of.iter().map(pair).chain(std::iter::repeat(END)).take(taps).collect()
        };
        Self { table: readers.iter().flat_map(all).collect(), taps, source: forward.len() as u32 }
    }
}

/// Adds the step that weighs rows and columns at once.
fn whole(cx: &mut Lowering, node: &Node, [rows, columns]: [&Line; 2], (source, out): (Operand, Operand)) {
    let dx = cx.stored(node.outputs[0]);
    let axes = cx.pack([rows, columns].iter().flat_map(|line| line.repeated()).flatten().collect());
    let params = ResampleParams {
        record: dx.record.0,
        images: dx.images,
        width: dx.width,
        height: dx.height,
        groups: dx.groups,
        in_pixels: rows.source * columns.source,
        in_width: columns.source,
        taps_y: rows.taps as u32,
        taps_x: columns.taps as u32,
        outside: 0.0,
    };
    cx.dispatch(
        node,
        Dispatch {
            kernel: &RESAMPLE,
            spec: Spec::default(),
            params: params.words(),
            operands: vec![source, axes, out],
            grid: dx.elements(),
        },
    );
}

impl Line {
    /// The table with what is missing read from the first place that is there, by a weight of 0; all of a pixel that
    /// nothing reads is [`END`].
    fn repeated(&self) -> Vec<[f32; 2]> {
        let fill = |taps: &[[f32; 2]]| {
            let first = taps[0][0];
            taps.iter()
                .map(move |&[place, weight]| [if place < 0.0 { first } else { place }, weight])
                .collect()
        };
        self.table.chunks(self.taps).flat_map(|taps| -> Vec<_> { fill(taps) }).collect()
    }
}

/// Adds the step that weighs along one axis and makes what is stored as `y`.
fn along(
    cx: &mut Lowering,
    node: &Node,
    (axis, line): (usize, &Line),
    y: &Stored,
    (source, out): (Operand, Operand),
) {
    let (length, lines) = if axis == 0 { (y.height, y.width) } else { (y.width, y.height) };
    let blocks = lines.div_ceil(LINES);
    let params = ResampleAxisParams {
        record: y.record.0,
        images: y.images,
        groups: y.groups,
        length,
        in_length: line.source,
        taps: line.taps as u32,
        lines,
        blocks,
    };
    let taps = cx.pack(line.table.iter().copied().flatten().collect());
    cx.dispatch(
        node,
        Dispatch {
            kernel: &RESAMPLE_AXIS,
            spec: spec(axis),
            params: params.words(),
            operands: vec![source, taps, out],
            grid: Grid::Elements {
                record: y.record,
                per_group: y.images * length * blocks,
                workgroup: WORKGROUP,
            },
        },
    );
}
