//! Dense convolutions on CPU devices.

use super::{Choice, Geometry, Part, Threads, form, pick, tiles};
use crate::kernels::conv::{self, Cut, Finish, Form, Reads};
use crate::kernels::conv_broadcast::{self, CONV_BROADCAST, cuts, spec};
use crate::kernels::conv_vector::{self, CONV_VECTOR};

/// The pixels of a thread of anything but points: more would load less, and be more code than a core holds decoded.
const USUAL: u32 = 4;

/// As how many pixels counts what a thread does whatever its pixels: of a point, and of a window of 3 columns that is summed lane
/// by lane, which is little code.
const POINT: f64 = 1.5;
const NARROW: f64 = 1.0;

/// The kernels for a convolution where a subgroup has `subgroup` threads.
pub(super) fn dense(subgroup: u32, geometry: &Geometry, finish: Finish) -> Choice {
    let form = form(geometry);
    if form == Form::Point && geometry.output == [1, 1] && geometry.images < subgroup {
        let (per_group, workgroup) = (geometry.images, conv_vector::WORKGROUP);
        let threads = Threads::Elements { per_group, workgroup };
        return Choice::single(&CONV_VECTOR, conv_vector::spec(finish), threads, [per_group, 1]);
    }
    let lanewise = geometry.few && matches!(form, Form::Window { .. });
    let reads = if lanewise { Reads { depth: 4, lanewise, ..geometry.reads() } } else { geometry.reads() };
    let [height, width] = geometry.output;
    let best = match form {
        Form::Point => cheapest(geometry.images * height * width, [subgroup, subgroup], POINT),
        Form::Window { columns: 3, .. } if lanewise => cheapest(width, [subgroup, 1], NARROW),
        Form::Window { .. } | Form::Any => USUAL,
    };
    let pixels = pick(conv_broadcast::pixels(subgroup), best, geometry);
    choice((form, reads), [subgroup, pixels], geometry, finish)
}

/// The kernels for a product of every image of `geometry` with weights of its own.
pub fn product(subgroup: u32, geometry: &Geometry) -> Choice {
    let reads = Reads { planes: true, ..Reads::default() };
    let best = cheapest(geometry.output[0] * geometry.output[1], [subgroup, subgroup], POINT);
    let pixels = pick(conv_broadcast::pixels(subgroup), best, geometry);
    choice((Form::Point, reads), [subgroup, pixels], geometry, Finish::default())
}

/// The pixels of a thread of a subgroup by which `all` pixels are the least work, where `threads` have pixels of their own and
/// what does not depend on pixels is as much work as `fixed` of them.
fn cheapest(all: u32, [subgroup, threads]: [u32; 2], fixed: f64) -> u32 {
    let work = |pixels: &u32| f64::from(all.div_ceil(threads * pixels)) * (f64::from(*pixels) + fixed);
    let choices = conv_broadcast::pixels(subgroup).iter().copied();
    choices.min_by(|a, b| work(a).total_cmp(&work(b))).unwrap_or(USUAL)
}

fn choice(
    (form, reads): (Form, Reads),
    [subgroup, pixels]: [u32; 2],
    geometry: &Geometry,
    finish: Finish,
) -> Choice {
    /// Output pixels for which a dispatch costs more than two channel groups.
    const SMALL: u64 = 64;
    /// Multiply-accumulates of one channel group of a window that cost about as much as a dispatch.
    const DISPATCH: u64 = 3_000_000;
    let [height, width] = geometry.output;
    let outputs = u64::from(geometry.images) * u64::from(height) * u64::from(width);
    let work = outputs * 4 * u64::from(geometry.inputs * geometry.kernel[0] * geometry.kernel[1]);
    let small = match form {
        Form::Window { .. } if !reads.lanewise => work < DISPATCH,
        Form::Window { .. } | Form::Point | Form::Any => outputs <= SMALL,
    };
    let spare = if small { 2 } else { 0 };
    let cuts = cuts((form, reads), [subgroup, pixels], spare);
    let planes = if reads.planes { geometry.images } else { 1 };
    let whole = Geometry { images: geometry.images / planes, ..*geometry };
    let [workgroups, tiles, row_tiles] = tiles(form, &whole, cuts[0]);
    let part = |&cut: &Cut| {
        let threads = Threads::Blocks { tiles: workgroups, blocks: cut.blocks, planes };
        Part { kernel: &CONV_BROADCAST, spec: spec(form, cut, reads, finish), threads }
    };
    Choice { parts: cuts.iter().map(part).collect(), pack: conv::pack, channels: None, tiles, row_tiles }
}
