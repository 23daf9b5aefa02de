//! Resizing: which input rows and columns every output row and column reads, computed in f64 on the host.

use super::step::Dispatch;
use super::{Lowering, PlanError};
use crate::graph::{Coordinates, Interpolation, Node, Resize, Rounding, Target};
use crate::kernels::Spec;
use crate::kernels::resize::{RESIZE, ResizeParams};

/// Lowers a resize.
pub(super) fn lower(cx: &mut Lowering, node: &Node, resize: &Resize) -> Result<(), PlanError> {
    let y = cx.stored(node.outputs[0]);
    let (source, x) = cx.operand(node, 0, &y.segments)?;
    let mut axes = Vec::with_capacity(4 * (y.height + y.width) as usize);
    for (axis, input, output) in [(0, x.height, y.height), (1, x.width, y.width)] {
        let line = Line::new(resize, axis, input, output);
        axes.extend((0..output).flat_map(|at| line.taps(at)));
    }
    let axes = cx.pack(axes);
    let out = cx.slot(node.outputs[0]);
    let params = ResizeParams {
        record: y.record.0,
        images: y.images,
        pixels: y.pixels(),
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
            grid: y.elements(),
        },
    );
    Ok(())
}

/// One axis of a resize.
struct Line {
    input: f64,
    output: f64,
    scale: f64,
    coordinates: Coordinates,
    interpolation: Interpolation,
}

impl Line {
    fn new(resize: &Resize, axis: usize, input: u32, output: u32) -> Self {
        let (input, output) = (f64::from(input), f64::from(output));
        let scale = match resize.target {
            Target::Scales(scales) => f64::from(scales[axis]),
            Target::Sizes(_) => output / input,
        };
        let Resize { coordinates, interpolation, .. } = *resize;
        Self { input, output, scale, coordinates, interpolation }
    }

    /// The two input coordinates that output coordinate `at` reads, and their weights.
    fn taps(&self, at: u32) -> [f32; 4] {
        let last = self.input - 1.0;
        let x = self.original(f64::from(at));
        match self.interpolation {
            Interpolation::Nearest(rounding) => {
                let nearest = round(x, rounding).clamp(0.0, last) as f32;
                [nearest, nearest, 1.0, 0.0]
            }
            Interpolation::Linear => {
                let x = x.clamp(0.0, last);
                let first = x.floor();
                let second = (first + 1.0).min(last);
                let weight = x - first;
                [first as f32, second as f32, (1.0 - weight) as f32, weight as f32]
            }
        }
    }

    /// The input coordinate behind output coordinate `x`.
    fn original(&self, x: f64) -> f64 {
        let half_pixel = (x + 0.5) / self.scale - 0.5;
        match self.coordinates {
            Coordinates::HalfPixel => half_pixel,
            Coordinates::HalfPixelSymmetric => {
                let adjustment = self.output / (self.scale * self.input);
                self.input / 2.0 * (1.0 - adjustment) + half_pixel
            }
            Coordinates::PytorchHalfPixel if self.output > 1.0 => half_pixel,
            Coordinates::AlignCorners if self.output > 1.0 => x * (self.input - 1.0) / (self.output - 1.0),
            Coordinates::PytorchHalfPixel | Coordinates::AlignCorners => 0.0,
            Coordinates::Asymmetric => x / self.scale,
        }
    }
}

fn round(x: f64, rounding: Rounding) -> f64 {
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

    fn line(coordinates: Coordinates, interpolation: Interpolation) -> Line {
        let resize = Resize { target: Target::Sizes([4, 4]), coordinates, interpolation };
        Line::new(&resize, 0, 2, 4)
    }

    #[test]
    fn halves_round_as_asked() {
        let cases = [
            (Rounding::PreferFloor, [0.0, 0.0]),
            (Rounding::PreferCeil, [1.0, 1.0]),
            (Rounding::Floor, [0.0, 0.0]),
            (Rounding::Ceil, [1.0, 1.0]),
        ];
        for (rounding, expected) in cases {
            let line = line(Coordinates::Asymmetric, Interpolation::Nearest(rounding));
            assert_eq!(line.taps(1)[..2], expected, "{rounding:?}");
        }
    }

    #[test]
    fn linear_weights_at_borders_and_between() {
        let line = line(Coordinates::HalfPixel, Interpolation::Linear);
        assert_eq!(line.taps(0), [0.0, 1.0, 1.0, 0.0]);
        assert_eq!(line.taps(1), [0.0, 1.0, 0.75, 0.25]);
        assert_eq!(line.taps(3), [1.0, 1.0, 1.0, 0.0]);
    }
}
