//! Resizing: which input rows and columns every output row and column reads is computed on the host.

use super::step::{Dispatch, WORKGROUP};
use super::{Lowering, PlanError, Stored};
use crate::graph::{Interpolation, Node, Resize};
use crate::kernels::Spec;
use crate::kernels::resample::{RESAMPLE, ResampleParams};
use crate::kernels::resize::{RESIZE, ResizeParams, spec};
use crate::kernels::resize_unpack::{self, Quads, RESIZE_UNPACK, ResizeUnpackParams};
use crate::plan::{self, Grid, Operand, Step};

/// Output rows of one thread: enough that most rows of an enlarged image find their input rows read already.
const ROWS: u32 = 8;

/// The coordinate of what comes from outside of the input.
const OUTSIDE: f32 = -1.0;

/// Lowers a resize.
pub(super) fn lower(cx: &mut Lowering, node: &Node, resize: &Resize) -> Result<(), PlanError> {
    let linear = match resize.interpolation {
        Interpolation::Filter(_) => return lower_filter(cx, node, resize),
        Interpolation::Linear => 1,
        Interpolation::Nearest(_) => 0,
    };
    let y = cx.stored(node.outputs[0]);
    let (source, x) = cx.operand(node, 0, &y.segments)?;
    let mut axes = Vec::with_capacity(4 * (y.height + y.width) as usize);
    for taps in [0, 1].iter().flat_map(|&axis| resize.taps(axis, [x.height as usize, x.width as usize])) {
        axes.extend(match taps[..] {
            [] => [OUTSIDE; 4],
            [(first, weight)] => [first as f32, first as f32, weight as f32, 0.0],
            [(first, weight), (second, other), ..] => {
                [first as f32, second as f32, weight as f32, other as f32]
            }
        });
    }
    let axes = cx.pack(axes);
    let out = cx.slot(node.outputs[0]);
    let blocks = y.height.div_ceil(ROWS);
    let params = ResizeParams {
        record: y.record.0,
        images: y.images,
        rows: ROWS,
        blocks,
        width: y.width,
        height: y.height,
        groups: y.groups,
        in_pixels: x.pixels(),
        in_width: x.width,
        outside: resize.outside(),
    };
    cx.dispatch(
        node,
        Dispatch {
            kernel: &RESIZE,
            spec: spec(linear),
            params: params.words(),
            operands: vec![source, axes, out],
            grid: Grid::Elements {
                record: y.record,
                per_group: y.images * blocks * y.width,
                workgroup: WORKGROUP,
            },
        },
    );
    Ok(())
}

/// A step of [`RESIZE`] whose rows and columns come in [`Quads`].
pub(super) struct Fours {
    /// What it reads, in the channel layout of the result.
    pub(super) source: Operand,
    pub(super) rows: Quads,
    pub(super) columns: Quads,
    /// How the result comes from what it reads.
    pub(super) enlarged: plan::Enlarged,
}

impl Fours {
    /// Of a step, if it is one.
    pub(super) fn of(cx: &Lowering, step: &Step) -> Option<Self> {
        let &[source, Operand::Constant(axes), _] = &step.operands[..] else { return None };
        if step.kernel != &RESIZE {
            return None;
        }
        let word =
            |name| ResizeParams::NAMES.iter().position(|known| *known == name).map(|at| step.params[at]);
        let enlarged = plan::Enlarged {
            axes: Operand::Constant(axes),
            linear: step.spec == spec(1),
            height: word("height")?,
            width: word("width")?,
            in_pixels: word("in_pixels")?,
            in_width: word("in_width")?,
            outside: f32::from_bits(word("outside")?),
        };
        let lines: &[[f32; 4]] = cx.constants[axes].as_chunks().0;
        let (rows, columns) = lines.split_at(enlarged.height as usize);
        let [rows, columns] = [rows, columns].map(|lines| Quads::of(lines, enlarged.linear));
        Some(Self { source, rows: rows?, columns: columns?, enlarged })
    }

    /// The specialisation that they ask for.
    pub(super) fn spec(&self) -> Spec {
        resize_unpack::spec(self.enlarged.linear, [self.rows.steps, self.columns.steps])
    }

    /// The table of the rows, then that of the columns.
    pub(super) fn table(self) -> Vec<f32> {
        [self.rows.table, self.columns.table].concat()
    }
}

/// The step that writes an output, stored as `y`, to the caller's buffer `external`, where the last step stores it and is
/// a resize whose rows and columns come in [`Quads`]; also what it reads, and how the output comes from that.
pub(in crate::plan) fn unpacked(
    cx: &mut Lowering,
    y: &Stored,
    external: usize,
) -> Option<(Step, Operand, plan::Enlarged)> {
    let step = cx.steps.last()?;
    let fours = Fours::of(cx, step)?;
    let (node, op) = (step.node.clone(), step.op);
    let (source, enlarged, spec) = (fours.source, fours.enlarged, fours.spec());
    let params = ResizeUnpackParams {
        record: y.record.0,
        images: y.images,
        groups: y.groups,
        rows: y.height / 4,
        columns: y.width / 4,
        in_pixels: enlarged.in_pixels,
        in_width: enlarged.in_width,
    };
    let axes = cx.pack(fours.table());
    let grid = Grid::Elements {
        record: y.record,
        per_group: y.images * params.rows * params.columns,
        workgroup: WORKGROUP,
    };
    let (params, operands) = (params.words(), vec![source, axes, Operand::External(external)]);
    let step = Step { node, op, kernel: &RESIZE_UNPACK, spec, params, operands, grid, macs: 0 };
    Some((step, source, enlarged))
}

/// What a convolution adds enlarged.
#[derive(Clone, Copy, Debug)]
pub(super) struct Enlarged {
    /// What is enlarged, in the channel layout of the result.
    pub(super) source: Operand,
    /// Each of its pixels is a block of so many rows and columns of the result, as logarithms to base 2.
    pub(super) shifts: [u32; 2],
}

/// Takes the step back that made the `residual` of a convolution by repeating pixels, where each
/// is repeated as often, a power of two, and nothing else reads the value: the convolution repeats them itself. Where all
/// values are kept the step stays, for whoever looks at them.
pub(super) fn take_back(cx: &mut Lowering, residual: Operand) -> Option<Enlarged> {
    if !cx.is_read_once(residual) {
        return None;
    }
    let makes = |step: &Step| {
        step.kernel == &RESIZE && step.spec == spec(0) && step.operands.last() == Some(&residual)
    };
    let at = cx.steps.iter().rposition(makes)?;
    let step = &cx.steps[at];
    let &[source, Operand::Constant(axes), _] = &step.operands[..] else { return None };
    let word = |name| ResizeParams::NAMES.iter().position(|known| *known == name).map(|at| step.params[at]);
    let [height, width] = [word("height")?, word("width")?];
    let lines: &[[f32; 4]] = cx.constants[axes].as_chunks().0;
    let (rows, columns) = lines.split_at(height as usize);
    let shifts = [shift(rows)?, shift(columns)?];
    let extents = [height >> shifts[0], width >> shifts[1]];
    if word("in_width")? != extents[1] || word("in_pixels")? != extents[0] * extents[1] {
        return None;
    }
    if !cx.keep_all {
        cx.steps.remove(at);
    }
    Some(Enlarged { source, shifts })
}

/// The logarithm of the number of outputs along an axis that read an input, where it is the same for all and they follow one
/// another.
fn shift(lines: &[[f32; 4]]) -> Option<u32> {
    let fits = |shift: &u32| {
        lines.len().is_multiple_of(1 << shift)
            && lines.iter().enumerate().all(|(at, line)| line[0] == (at >> shift) as f32)
    };
    (0..=6).find(fits)
}

/// Lowers a resize whose outputs read more than two pixels along an axis.
fn lower_filter(cx: &mut Lowering, node: &Node, resize: &Resize) -> Result<(), PlanError> {
    let y = cx.stored(node.outputs[0]);
    let (source, x) = cx.operand(node, 0, &y.segments)?;
    let all = [0, 1].map(|axis| resize.taps(axis, [x.height as usize, x.width as usize]));
    let [taps_y, taps_x] = [0, 1].map(|axis| all[axis].iter().map(Vec::len).max().unwrap_or(0).max(1));
    let mut axes = Vec::new();
    for (lines, length) in all.iter().zip([taps_y, taps_x]) {
        for taps in lines {
            // What is missing reads the last pixel once more, with weight 0.
            let last = taps.last().map_or(OUTSIDE, |&(at, _)| at as f32);
            let given = taps.iter().map(|&(at, weight)| [at as f32, weight as f32]);
            axes.extend(given.chain(std::iter::repeat([last, 0.0])).take(length).flatten());
        }
    }
    let axes = cx.pack(axes);
    let out = cx.slot(node.outputs[0]);
    let params = ResampleParams {
        record: y.record.0,
        images: y.images,
        width: y.width,
        height: y.height,
        groups: y.groups,
        in_pixels: x.pixels(),
        in_width: x.width,
        taps_y: taps_y as u32,
        taps_x: taps_x as u32,
        outside: resize.outside(),
    };
    cx.dispatch(
        node,
        Dispatch {
            kernel: &RESAMPLE,
            spec: Spec::default(),
            params: params.words(),
            operands: vec![source, axes, out],
            grid: y.elements(),
        },
    );
    Ok(())
}
