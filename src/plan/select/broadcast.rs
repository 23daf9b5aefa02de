//! Dense convolutions on CPU devices.

use super::{Choice, Geometry, Part, Threads, form, pick, tiles};
use crate::kernels::conv::{self, Cut, Finish, Form, Reads};
use crate::kernels::conv_broadcast::{self, CONV_BROADCAST, cuts, spec};
use crate::kernels::conv_vector::{self, CONV_VECTOR};

/// The pixels of a thread of anything but points: more would load less, and be more code than a core holds decoded.
const USUAL: u32 = 4;

/// The kernels for a convolution where a subgroup has `subgroup` threads.
pub(super) fn dense(subgroup: u32, geometry: &Geometry, finish: Finish) -> Choice {
    let form = form(geometry);
    if form == Form::Point && geometry.output == [1, 1] && geometry.images < subgroup {
        let (per_group, workgroup) = (geometry.images, conv_vector::WORKGROUP);
        let threads = Threads::Elements { per_group, workgroup };
        return Choice::single(&CONV_VECTOR, conv_vector::spec(finish), threads, [per_group, 1]);
    }
    let lanewise = geometry.few && matches!(form, Form::Window { columns, .. } if columns > 3);
    let reads = if lanewise { Reads { depth: 4, lanewise, ..geometry.reads() } } else { geometry.reads() };
    let [height, width] = geometry.output;
    let best = if form == Form::Point { points(geometry.images * height * width, subgroup) } else { USUAL };
    let pixels = pick(conv_broadcast::pixels(subgroup), best, geometry);
    choice((form, reads), [subgroup, pixels], geometry, finish)
}

/// The kernels for a product of every image of `geometry` with weights of its own.
pub fn product(subgroup: u32, geometry: &Geometry) -> Choice {
    let reads = Reads { planes: true, ..Reads::default() };
    let best = points(geometry.output[0] * geometry.output[1], subgroup);
    let pixels = pick(conv_broadcast::pixels(subgroup), best, geometry);
    choice((Form::Point, reads), [subgroup, pixels], geometry, Finish::default())
}

/// The pixels of a thread where `all` pixels are read one by one: those by which subgroups have least to do.
fn points(all: u32, subgroup: u32) -> u32 {
    /// What a pixel's share of a subgroup's work is to the work that does not depend on pixels.
    const FIXED: f64 = 1.5;
    let work = |pixels: &u32| f64::from(all.div_ceil(subgroup * pixels)) * (f64::from(*pixels) + FIXED);
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
    const SMALL: u32 = 64;
    let spare = if geometry.images * geometry.output[0] * geometry.output[1] <= SMALL { 2 } else { 0 };
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
