//! Resizing: which input rows and columns every output row and column reads, computed in f64 on the host.

use super::step::{Dispatch, WORKGROUP};
use super::{Lowering, PlanError};
use crate::graph::{Coordinates, Interpolation, Node, Resize, Rounding, Target};
use crate::kernels::Spec;
use crate::kernels::resize::{RESIZE, ResizeParams};
use crate::plan::Grid;

/// Output rows of one thread: enough that most rows of an enlarged image find their input rows read already.
const ROWS: u32 = 8;

/// Lowers a resize.
pub(super) fn lower(cx: &mut Lowering, node: &Node, resize: &Resize) -> Result<(), PlanError> {
    let y = cx.stored(node.outputs[0]);
    let (source, x) = cx.operand(node, 0, &y.segments)?;
    let mut axes = Vec::with_capacity(4 * (y.height + y.width) as usize);
    for (axis, input, output) in [(0, x.height, y.height), (1, x.width, y.width)] {
        axes.extend(taps(resize, axis, input, output).into_iter().flatten());
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
    };
    let linear = u32::from(resize.interpolation == Interpolation::Linear);
    cx.dispatch(
        node,
        Dispatch {
            kernel: &RESIZE,
            spec: Spec(vec![("linear", linear)]),
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

/// One axis of a resize, in `f64`, or in `f32` where coordinates are rounded to whole pixels: a scale of 1/3 is not
/// exact in either, and onnxruntime's `f32` products are whole where those in `f64` fall just short.
struct Line<F> {
    input: F,
    output: F,
    scale: F,
    coordinates: Coordinates,
}

/// The two input coordinates that every output coordinate of an axis reads, and their weights.
fn taps(resize: &Resize, axis: usize, input: u32, output: u32) -> Vec<[f32; 4]> {
    match resize.interpolation {
        Interpolation::Nearest(rounding) => {
            let line = Line::<f32>::new(resize, axis, input, output);
            let nearest = |at: u32| round(line.original(at as f32), rounding).clamp(0.0, line.input - 1.0);
            (0..output).map(nearest).map(|at| [at, at, 1.0, 0.0]).collect()
        }
        Interpolation::Linear => {
            let line = Line::<f64>::new(resize, axis, input, output);
            let last = line.input - 1.0;
            let pair = |at: u32| {
                let x = line.original(f64::from(at)).clamp(0.0, last);
                let first = x.floor();
                let second = (first + 1.0).min(last);
                [first, second, 1.0 - (x - first), x - first].map(|value| value as f32)
            };
            (0..output).map(pair).collect()
        }
    }
}

macro_rules! line {
    ($float:ty) => {
        impl Line<$float> {
            fn new(resize: &Resize, axis: usize, input: u32, output: u32) -> Self {
                let (input, output) = (input as $float, output as $float);
                let scale = match resize.target {
                    Target::Scales(scales) => <$float>::from(scales[axis]),
                    Target::Sizes(_) => output / input,
                };
                Self { input, output, scale, coordinates: resize.coordinates }
            }

            /// The input coordinate behind output coordinate `x`.
            fn original(&self, x: $float) -> $float {
                let half_pixel = (x + 0.5) / self.scale - 0.5;
                match self.coordinates {
                    Coordinates::HalfPixel => half_pixel,
                    Coordinates::HalfPixelSymmetric => {
                        let adjustment = self.output / (self.scale * self.input);
                        self.input / 2.0 * (1.0 - adjustment) + half_pixel
                    }
                    Coordinates::PytorchHalfPixel if self.output > 1.0 => half_pixel,
                    Coordinates::AlignCorners if self.output > 1.0 => {
                        x * (self.input - 1.0) / (self.output - 1.0)
                    }
                    Coordinates::PytorchHalfPixel | Coordinates::AlignCorners => 0.0,
                    Coordinates::Asymmetric => x / self.scale,
                }
            }
        }
    };
}

line!(f32);
line!(f64);

fn round(x: f32, rounding: Rounding) -> f32 {
    match rounding {
        Rounding::PreferFloor => (x - 0.5).ceil(),
        Rounding::PreferCeil => (x + 0.5).floor(),
        Rounding::Floor => x.floor(),
        Rounding::Ceil => x.ceil(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn doubled(coordinates: Coordinates, interpolation: Interpolation) -> Vec<[f32; 4]> {
        taps(&Resize { target: Target::Sizes([4, 4]), coordinates, interpolation }, 0, 2, 4)
    }

    #[test]
    fn halves_round_as_asked() {
        let cases = [
            (Rounding::PreferFloor, 0.0),
            (Rounding::PreferCeil, 1.0),
            (Rounding::Floor, 0.0),
            (Rounding::Ceil, 1.0),
        ];
        for (rounding, expected) in cases {
            let taps = doubled(Coordinates::Asymmetric, Interpolation::Nearest(rounding));
            assert_eq!(taps[1], [expected, expected, 1.0, 0.0], "{rounding:?}");
        }
    }

    #[test]
    fn linear_weights_at_borders_and_between() {
        let taps = doubled(Coordinates::HalfPixel, Interpolation::Linear);
        assert_eq!(taps[0], [0.0, 1.0, 1.0, 0.0]);
        assert_eq!(taps[1], [0.0, 1.0, 0.75, 0.25]);
        assert_eq!(taps[3], [1.0, 1.0, 1.0, 0.0]);
    }

    #[test]
    fn nearest_hits_whole_pixels_under_inexact_scales() {
        let third = Resize {
            target: Target::Scales([1.0 / 3.0; 2]),
            coordinates: Coordinates::Asymmetric,
            interpolation: Interpolation::Nearest(Rounding::Floor),
        };
        let found: Vec<f32> = taps(&third, 0, 30, 10).iter().map(|tap| tap[0]).collect();
        assert_eq!(found, [0.0, 3.0, 6.0, 9.0, 12.0, 15.0, 18.0, 21.0, 24.0, 27.0]);
    }
}
