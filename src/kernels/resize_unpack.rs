//! Nearest and bilinear enlargement of a graph output, written as the caller reads it.

use super::params::params;
use super::{Access, Kernel, Spec};

params! {
    /// Parameters of [`RESIZE_UNPACK`].
    ResizeUnpackParams {
        /// The live record of the output.
        record: u32,
        /// Images.
        images: u32,
        /// Stored channel groups of one image.
        groups: u32,
        /// Rows of the output, in fours.
        rows: u32,
        /// Columns of the output, in fours.
        columns: u32,
        /// Pixels of one channel of the input.
        in_pixels: u32,
        /// Columns of the input.
        in_width: u32,
    }
}

/// Tensors `x` (stored), `axes` and `y` (row-major, live channels only). `axes` is a [`Quads::table`] of the rows, then one
/// of the columns.
pub static RESIZE_UNPACK: Kernel = Kernel {
    name: "resize_unpack",
    source: include_str!("../../shaders/resize_unpack.wgsl"),
    bindings: &[Access::Read, Access::Read, Access::Write],
    params: ResizeUnpackParams::NAMES,
    variants,
};

/// Where the outputs along an axis are read from, in fours that are all made alike.
#[derive(Clone, Debug, PartialEq)]
pub struct Quads {
    /// Bit `i`: output `i + 1` of a four begins to read one input further than output `i`.
    pub steps: u32,
    /// For every four the inputs that it reads, as a vec4, and where it is linear the weights of each output's first and of
    /// each output's second input.
    pub table: Vec<f32>,
}

/// The [`Quads::steps`] for which there are kernels: of enlargement by 2, by 4 and by 8.
const LINEAR: [u32; 3] = [0b101, 0b010, 0b000];
const NEAREST: [u32; 2] = [0b010, 0b000];

pub(super) fn patterns(linear: bool) -> &'static [u32] {
    if linear { &LINEAR } else { &NEAREST }
}

impl Quads {
    /// Of outputs that read `(first, second, weight of first, weight of second)`, without a second where they are not
    /// `linear`. `None` where there is no kernel for them.
    pub fn of(lines: &[[f32; 4]], linear: bool) -> Option<Self> {
        let (fours, []) = lines.as_chunks::<4>() else { return None };
        let fits = |&&steps: &&u32| fours.iter().all(|four| inputs(four, steps, linear).is_some());
        let steps = *patterns(linear).iter().find(fits)?;
        let mut table = Vec::new();
        for four in fours {
            table.extend(inputs(four, steps, linear)?);
            if linear {
                table.extend(four.map(|line| line[2]));
                table.extend(four.map(|line| line[3]));
            }
        }
        Some(Self { steps, table })
    }
}

/// The inputs that four outputs read, ascending, where they step forward by `steps` and none comes from outside. A second
/// input without weight may be any.
fn inputs(four: &[[f32; 4]; 4], steps: u32, linear: bool) -> Option<[f32; 4]> {
    let mut found = [None; 4];
    for (i, &[first, second, _, weight]) in four.iter().enumerate() {
        let at = (steps & ((1 << i) - 1)).count_ones() as usize;
        let second = (linear && weight != 0.0).then_some(second);
        for (place, input) in found[at..].iter_mut().zip([Some(first), second].into_iter().flatten()) {
            if input < 0.0 || place.is_some_and(|known| known != input) {
                return None;
            }
            *place = Some(input);
        }
    }
    Some(found.map(|input| input.unwrap_or(four[0][0])))
}

/// The specialisation of [`RESIZE_UNPACK`] for the [`Quads::steps`] of rows and columns.
pub fn spec(linear: bool, [rows, columns]: [u32; 2]) -> Spec {
    Spec(vec![("linear", u32::from(linear)), ("row_steps", rows), ("column_steps", columns)])
}

fn variants() -> Vec<Spec> {
    let mut all = Vec::new();
    for linear in [false, true] {
        let patterns = patterns(linear);
        let each = patterns.iter().flat_map(|&rows| patterns.iter().map(move |&columns| [rows, columns]));
        all.extend(each.map(|steps| spec(linear, steps)));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn linear(scale: usize, inputs: usize) -> Vec<[f32; 4]> {
        let line = |at: usize| {
            let from = ((at as f32 + 0.5) / scale as f32 - 0.5).clamp(0.0, inputs as f32 - 1.0);
            let first = from.floor();
            [first, (first + 1.0).min(inputs as f32 - 1.0), 1.0 - from.fract(), from.fract()]
        };
        (0..scale * inputs).map(line).collect()
    }

    #[test]
    fn fours_of_whole_scales_are_alike() {
        for (scale, steps, first) in [(2, 0b101, [0.0, 0.0, 1.0, 2.0]), (4, 0b010, [0.0, 0.0, 1.0, 0.0])] {
            let mut lines = linear(scale, 6);
            let quads = Quads::of(&lines, true).expect("there is a kernel");
            assert_eq!((quads.steps, &quads.table[..4]), (steps, &first[..]));
            assert_eq!(quads.table.len(), 3 * lines.len());
            assert_eq!(quads.table[4..8], [lines[0][2], lines[1][2], lines[2][2], lines[3][2]]);
            lines[5][0] += 1.0;
            assert_eq!(Quads::of(&lines, true), None);
        }
        assert_eq!(Quads::of(&linear(3, 4), true), None);
        assert_eq!(Quads::of(&linear(4, 4)[..15], true), None);
        let nearest: Vec<[f32; 4]> = (0..8).map(|at| [(at / 2) as f32, -7.0, 1.0, 0.0]).collect();
        assert_eq!(Quads::of(&nearest, false).map(|quads| quads.steps), Some(0b010));
        assert_eq!(Quads::of(&[[-1.0; 4]; 4], false), None);
    }
}
