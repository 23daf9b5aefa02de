//! Dense convolutions on CPU devices.

use super::{Choice, Geometry, Part, Threads, form, pick, tiles};
use crate::kernels::conv::{self, Cut, Finish, Form, Reads};
use crate::kernels::conv_broadcast::{self, CONV_BROADCAST, WIDE, cuts, spec};
use crate::kernels::conv_vector::{self, CONV_VECTOR};

/// The pixels that threads may have of any window.
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
    let fits = |&pixels: &u32| pixels != WIDE || conv_broadcast::is_wide(form);
    let choices: Vec<u32> = conv_broadcast::pixels(subgroup).iter().copied().filter(fits).collect();
    let best = if lanewise { USUAL } else { pixels(form, subgroup, geometry) };
    let pixels = pick(&choices, best, geometry);
    choice((form, reads), [subgroup, pixels], geometry, finish)
}

/// The kernels for a product of every image of `geometry` with weights of its own.
pub fn product(subgroup: u32, geometry: &Geometry) -> Choice {
    let reads = Reads { planes: true, ..Reads::default() };
    let best = points(geometry.output[0] * geometry.output[1], subgroup);
    let pixels = pick(&narrow(subgroup), best, geometry);
    choice((Form::Point, reads), [subgroup, pixels], geometry, Finish::default())
}

/// The pixels that a thread may have whatever it computes.
fn narrow(subgroup: u32) -> Vec<u32> {
    conv_broadcast::pixels(subgroup).iter().copied().filter(|&pixels| pixels != WIDE).collect()
}

/// The pixels of a thread where `all` pixels are read one by one: those by which subgroups have least to do.
fn points(all: u32, subgroup: u32) -> u32 {
    /// What a pixel's share of a subgroup's work is to the work that does not depend on pixels.
    const FIXED: f64 = 1.5;
    let work = |pixels: &u32| f64::from(all.div_ceil(subgroup * pixels)) * (f64::from(*pixels) + FIXED);
    narrow(subgroup).into_iter().min_by(|a, b| work(a).total_cmp(&work(b))).unwrap_or(4)
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

/// The pixels of a thread: those of windows are adjacent, and what is left over at the end of a row is lost.
fn pixels(form: Form, subgroup: u32, geometry: &Geometry) -> u32 {
    /// What they may have of windows, best first where nothing is left over.
    const NUMBERS: [u32; 3] = [7, WIDE, USUAL];
    /// Workgroups of the widest threads below which some cores have more of them to do than others.
    const FEW: u32 = 8;
    let [height, width] = geometry.output;
    let workgroups = |pixels: u32| (geometry.images * height * width.div_ceil(pixels)).div_ceil(subgroup);
    let fits = |pixels: &u32| {
        conv_broadcast::pixels(subgroup).contains(pixels)
            && (*pixels != WIDE || conv_broadcast::is_wide(form) && workgroups(WIDE) >= FEW)
    };
    match form {
        Form::Window { .. } => {
            let fitting = NUMBERS.into_iter().filter(fits);
            fitting.min_by_key(|&pixels| width.next_multiple_of(pixels)).unwrap_or(USUAL)
        }
        Form::Point => points(geometry.images * height * width, subgroup),
        Form::Any => USUAL,
    }
}
