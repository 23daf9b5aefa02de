//! Dense convolutions on GPUs.

use super::{Choice, Geometry, Part, Threads, form, tiles};
use crate::kernels::blocks::Blocks;
use crate::kernels::conv::{self, Cut, Finish, Form};
use crate::kernels::conv_tiled::{self, CONV_TILED, GROUPS, PIXELS, Slices};
use crate::kernels::conv_uniform::{self, CONV_UNIFORM};
use crate::kernels::gemv::{self, GEMV};

/// Output pixels of all images from which a convolution is tiled, unless it reads pictures, of whose channel groups tiles would
/// stage and multiply a lane in four in vain. Below, tiles of 64 outputs by 64 pixels are too few to fill a GPU where channels
/// are few, and smaller workgroups fill it better. Outputs that do not fill a tile have smaller ones too: what was pruned would
/// be computed all the same.
const LARGE: u32 = 64 * 64;

/// Maps of one pixel up to which threads share the channels that they read, and every map reads all weights anew. With more, they
/// are enough for a thread each.
const VECTORS: u32 = 16;

/// Output pixels up to which a thread has one: with four, most of a workgroup would have none.
const TINY: u32 = 64;

/// The kernels for a dense convolution.
pub(super) fn dense(geometry: &Geometry, finish: Finish) -> Choice {
    let [height, width] = geometry.output;
    let pixels = u64::from(geometry.images) * u64::from(height) * u64::from(width);
    let form = form(geometry);
    let vectors = form == Form::Point && geometry.output == [1, 1] && geometry.images <= VECTORS;
    if vectors && !geometry.direct {
        let part = Part {
            kernel: &GEMV,
            spec: gemv::spec(finish),
            threads: Threads::Elements { per_group: geometry.images, workgroup: 1 },
        };
        return choice(vec![part], [geometry.images, 1]);
    }
    let Some(cut) = cut(form, width, pixels) else {
        return choice(vec![tiled(geometry, Blocks::only(GROUPS), finish)], [0, 0]);
    };
    let [workgroups, tiles, row_tiles] = tiles(form, geometry, cut);
    let uniform = |blocks| {
        let spec = conv_uniform::spec(form, Cut { blocks, ..cut }, geometry.reads(), finish);
        Part {
            kernel: &CONV_UNIFORM,
            spec,
            threads: Threads::Blocks { tiles: workgroups, blocks, planes: 1 },
        }
    };
    let parts = if pixels < u64::from(LARGE) || geometry.depth < 4 {
        vec![uniform(cut.blocks)]
    } else {
        let [tiles, rest] = conv_uniform::behind_tiles(cut);
        vec![tiled(geometry, tiles, finish), uniform(rest)]
    };
    choice(parts, [tiles, row_tiles])
}

fn choice(parts: Vec<Part>, [tiles, row_tiles]: [u32; 2]) -> Choice {
    Choice { parts, pack: conv::pack, channels: None, tiles, row_tiles }
}

/// How the uniform kernel cuts maps of `width` columns and `pixels` pixels, where it runs `form`.
fn cut(form: Form, width: u32, pixels: u64) -> Option<Cut> {
    let cuts = conv_uniform::cuts(form);
    let pick = |wanted: u32| cuts.iter().find(|cut| cut.pixels == wanted).copied();
    let wide = match form {
        Form::Point if pixels <= u64::from(TINY) => pick(1),
        Form::Window { .. } if width.is_multiple_of(7) => pick(7),
        Form::Point | Form::Any | Form::Window { .. } => None,
    };
    wide.or_else(|| pick(4))
}

fn tiled(geometry: &Geometry, blocks: Blocks, finish: Finish) -> Part {
    let [height, width] = geometry.output;
    let tiles = (geometry.images * height * width).div_ceil(PIXELS);
    let spec = conv_tiled::spec(Slices::of(geometry.kernel[1]), geometry.scaled, finish);
    Part { kernel: &CONV_TILED, spec, threads: Threads::Blocks { tiles, blocks, planes: 1 } }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::select::Connection;

    /// The names of the kernels for a square map, and the specialisation of the last.
    fn choose(kernel: u32, stride: u32, size: u32) -> (Vec<&'static str>, Vec<(&'static str, u32)>) {
        let geometry = geometry(kernel, stride, size);
        let mut parts = dense(&geometry, Finish::default()).parts;
        assert!(parts.iter().all(|part| (part.kernel.variants)().contains(&part.spec)), "{geometry:?}");
        let names = parts.iter().map(|part| part.kernel.name).collect();
        (names, parts.pop().expect("there is a kernel").spec.0)
    }

    fn geometry(kernel: u32, stride: u32, size: u32) -> Geometry {
        Geometry {
            connection: Connection::Dense,
            images: 1,
            output: [size; 2],
            kernel: [kernel; 2],
            strides: [stride; 2],
            dilations: [1; 2],
            margins: [kernel / 2; 4],
            inputs: 4,
            depth: 4,
            scaled: false,
            few: false,
            direct: false,
            winograd: None,
            tile: None,
        }
    }

    #[test]
    fn the_map_chooses_the_kernel() {
        let np = |(kernels, spec): (Vec<&'static str>, Vec<(&'static str, u32)>)| {
            assert_eq!(kernels.len(), 1);
            (kernels[0], spec.into_iter().find(|(name, _)| *name == "np").map(|(_, np)| np))
        };
        assert_eq!(np(choose(1, 1, 1)), ("gemv", None));
        assert_eq!(np(choose(1, 1, 7)), ("conv_uniform", Some(1)));
        assert_eq!(np(choose(1, 2, 56)), ("conv_uniform", Some(4)));
        assert_eq!(np(choose(3, 1, 56)), ("conv_uniform", Some(7)));
        assert_eq!(np(choose(3, 1, 16)), ("conv_uniform", Some(4)));
        assert_eq!(np(choose(3, 2, 28)), ("conv_uniform", Some(4)));
        assert_eq!(np(choose(5, 1, 7)), ("conv_uniform", Some(4)));
        let dilated = Geometry { dilations: [2; 2], ..geometry(3, 1, 64) };
        assert!(dense(&dilated, Finish::default()).parts.iter().all(|part| part.kernel == &CONV_TILED));
        for kernel in [1, 3, 7] {
            assert_eq!(choose(kernel, 1, 64).0, ["conv_tiled", "conv_uniform"]);
        }
        let picture = Geometry { depth: 3, ..geometry(7, 2, 112) };
        let parts = dense(&picture, Finish::default()).parts;
        assert!(parts.len() == 1 && parts[0].spec.0.contains(&("depth", 3)));
    }

    #[test]
    fn fewer_outputs_than_a_tile_has_are_less_work() {
        let computed = |size, live| -> u32 {
            dense(&geometry(3, 1, size), Finish::default()).parts.iter().map(|part| part.groups(live)).sum()
        };
        assert_eq!([4, 6, 10, 13, 16, 17, 27].map(|live| computed(64, live)), [4, 8, 12, 16, 16, 20, 28]);
        assert_eq!([5, 16, 17].map(|live| computed(70, live)), [6, 16, 18]);
    }
}
