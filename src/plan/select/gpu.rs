//! Dense convolutions on GPUs.

use super::{Choice, Geometry, Threads, form, tiles};
use crate::kernels::conv::{Blocks, Cut, Finish, Form};
use crate::kernels::conv_tiled::{self, CONV_TILED, GROUPS, PIXELS, Slices};
use crate::kernels::conv_uniform::{self, CONV_UNIFORM};

/// Output pixels of all images from which a convolution is tiled. Below, tiles of 64 outputs by 64 pixels are too few
/// to fill a GPU where channels are few, and cut smaller workgroups fill it better.
const LARGE: u32 = 64 * 64;

/// Output pixels up to which a thread has one: with four, most of a workgroup would have none.
const TINY: u32 = 64;

/// The kernel for a dense convolution.
pub(super) fn dense(geometry: &Geometry, finish: Finish) -> Choice {
    let [height, width] = geometry.output;
    let pixels = u64::from(geometry.images) * u64::from(height) * u64::from(width);
    let form = form(geometry);
    match cut(form, width, pixels) {
        Some(cut) if pixels < u64::from(LARGE) => uniform(geometry, form, cut, finish),
        _ => tiled(geometry, finish),
    }
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

fn uniform(geometry: &Geometry, form: Form, cut: Cut, finish: Finish) -> Choice {
    let [workgroups, tiles, row_tiles] = tiles(form, geometry, cut);
    let threads = Threads::Blocks { tiles: workgroups, blocks: cut.blocks, planes: 1 };
    let spec = conv_uniform::spec(form, cut, geometry.wide_reads(), finish);
    Choice::single(&CONV_UNIFORM, spec, threads, [tiles, row_tiles])
}

fn tiled(geometry: &Geometry, finish: Finish) -> Choice {
    let [height, width] = geometry.output;
    let tiles = (geometry.images * height * width).div_ceil(PIXELS);
    let threads = Threads::Blocks { tiles, blocks: Blocks::only(GROUPS), planes: 1 };
    let spec = conv_tiled::spec(Slices::of(geometry.kernel[1]), geometry.scaled, finish);
    Choice::single(&CONV_TILED, spec, threads, [tiles, 1])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::select::Connection;

    fn choose(kernel: u32, stride: u32, size: u32) -> (&'static str, Vec<(&'static str, u32)>) {
        let geometry = Geometry {
            connection: Connection::Dense,
            images: 1,
            output: [size; 2],
            kernel: [kernel; 2],
            strides: [stride; 2],
            dilations: [1; 2],
            margins: [kernel / 2; 4],
            depth: 4,
            scaled: false,
            few: false,
            winograd: None,
            tile: None,
        };
        let part = dense(&geometry, Finish::default()).parts.remove(0);
        assert!((part.kernel.variants)().contains(&part.spec), "{geometry:?}");
        (part.kernel.name, part.spec.0)
    }

    #[test]
    fn the_map_chooses_the_kernel() {
        let np = |(kernel, spec): (&'static str, Vec<(&'static str, u32)>)| {
            (kernel, spec.into_iter().find(|(name, _)| *name == "np").map(|(_, np)| np))
        };
        assert_eq!(np(choose(1, 1, 1)), ("conv_uniform", Some(1)));
        assert_eq!(np(choose(1, 2, 56)), ("conv_uniform", Some(4)));
        assert_eq!(np(choose(3, 1, 56)), ("conv_uniform", Some(7)));
        assert_eq!(np(choose(3, 1, 16)), ("conv_uniform", Some(4)));
        assert_eq!(np(choose(3, 2, 28)), ("conv_uniform", Some(4)));
        assert_eq!(np(choose(5, 1, 7)), ("conv_tiled", None));
        for kernel in [1, 3, 7] {
            assert_eq!(choose(kernel, 1, 64).0, "conv_tiled");
        }
    }
}
