//! Which input pixels every output pixel of a resize reads, along one axis.

use super::{Coordinates, Filter, Interpolation, Resize, Rounding, Target};

/// The input pixels that one output pixel reads, each with its weight; none where it comes from outside of the input.
pub type Taps = Vec<(usize, f64)>;

/// One axis of a resize.
#[derive(Clone, Copy)]
struct Line {
    axis: usize,
    input: usize,
    output: usize,
    scale: f64,
}

impl Resize {
    /// The output `[height, width]` for an input of `[height, width]`. Scaled sizes are rounded down in `f32`, as
    /// onnxruntime does: 10 pixels at 0.7 give 7. Sizes that are yet to be computed count as 0.
    pub fn output(&self, input: [usize; 2]) -> [usize; 2] {
        [0, 1].map(|axis| match self.target {
            Target::Sizes(sizes) => sizes[axis],
            Target::Computed(_) => 0,
            Target::Scales(scales) => (input[axis] as f32 * scales[axis]).floor() as usize,
            Target::Fit { .. } => (input[axis] as f32 * self.scale(axis, input) as f32).round() as usize,
        })
    }

    /// The factor along an axis: as it is given, or of the given sizes.
    fn scale(&self, axis: usize, input: [usize; 2]) -> f64 {
        let ratio = |axis: usize, size: usize| size as f64 / input[axis] as f64;
        match self.target {
            Target::Scales(scales) => f64::from(scales[axis]),
            Target::Sizes(sizes) => ratio(axis, sizes[axis]),
            Target::Computed(_) => 0.0,
            Target::Fit { sizes, .. } if sizes[axis].is_none() => 1.0,
            Target::Fit { sizes, cover } => {
                let ratios = (0..2).filter_map(|axis| Some(ratio(axis, sizes[axis]?)));
                if cover { ratios.fold(0.0, f64::max) } else { ratios.fold(f64::INFINITY, f64::min) }
            }
        }
    }

    /// What every output pixel along `axis` (0 vertical, 1 horizontal) reads of an input of `[height, width]`.
    ///
    /// Coordinates that are rounded to whole pixels are computed in `f32`, as onnxruntime does: a scale of 1/3 is
    /// exact in neither, and its products in `f32` are whole where those in `f64` fall just short.
    pub fn taps(&self, axis: usize, input: [usize; 2]) -> Vec<Taps> {
        let output = self.output(input)[axis];
        let line = Line { axis, input: input[axis], output, scale: self.scale(axis, input) };
        let last = line.input - 1;
        let taps = |x: usize| {
            let (coarse, fine) = (line.source_f32(self.coordinates, x), line.source_f64(self.coordinates, x));
            let crops = matches!(self.coordinates, Coordinates::Crop { .. });
            if crops && !(0.0..=last as f32).contains(&coarse) {
                return Vec::new();
            }
            match self.interpolation {
                Interpolation::Nearest(rounding) => {
                    vec![(round(coarse, rounding).clamp(0.0, last as f32) as usize, 1.0)]
                }
                Interpolation::Linear => {
                    let at = fine.clamp(0.0, last as f64);
                    let first = at as usize;
                    let weight = at - first as f64;
                    vec![(first, 1.0 - weight), ((first + 1).min(last), weight)]
                }
                Interpolation::Filter(filter) => filter.taps(line, fine),
            }
        };
        (0..output).map(taps).collect()
    }

    /// What an output pixel is that comes from outside of the input.
    pub fn outside(&self) -> f32 {
        match self.coordinates {
            Coordinates::Crop { outside, .. } => outside,
            Coordinates::HalfPixel
            | Coordinates::HalfPixelSymmetric
            | Coordinates::PytorchHalfPixel
            | Coordinates::AlignCorners
            | Coordinates::Asymmetric
            | Coordinates::Phase(_) => 0.0,
        }
    }
}

macro_rules! source {
    ($name:ident, $float:ty) => {
        /// The input coordinate behind output pixel `x`.
        fn $name(self, coordinates: Coordinates, x: usize) -> $float {
            let (x, scale) = (x as $float, self.scale as $float);
            let (input, output) = (self.input as $float, self.output as $float);
            match coordinates {
                Coordinates::HalfPixel => (x + 0.5) / scale - 0.5,
                Coordinates::HalfPixelSymmetric => {
                    let offset = input / 2.0 * (1.0 - output / (scale * input));
                    (f64::from(offset) + (f64::from(x) + 0.5) / f64::from(scale) - 0.5) as $float
                }
                Coordinates::PytorchHalfPixel | Coordinates::AlignCorners if self.output == 1 => 0.0,
                Coordinates::PytorchHalfPixel => (x + 0.5) / scale - 0.5,
                Coordinates::AlignCorners => x * (input - 1.0) / (output - 1.0),
                Coordinates::Asymmetric => x / scale,
                Coordinates::Phase(phase) => (x + phase as $float) / scale - 0.5,
                Coordinates::Crop { start, end, .. } => {
                    let (start, end) = (start[self.axis] as $float, end[self.axis] as $float);
                    if self.output == 1 {
                        0.5 * (start + end) * (input - 1.0)
                    } else {
                        start * (input - 1.0) + x * (end - start) * (input - 1.0) / (output - 1.0)
                    }
                }
            }
        }
    };
}

impl Line {
    source!(source_f32, f32);
    source!(source_f64, f64);
}

/// How far from a half a coordinate is still one, as onnxruntime has it.
const HALF: f64 = 1e-6;

fn round(x: f32, rounding: Rounding) -> f32 {
    let past = f64::from(x) - f64::from(x.floor());
    let up = match rounding {
        Rounding::PreferFloor => past > 0.5 + HALF,
        Rounding::PreferCeil => past >= 0.5 - HALF,
        Rounding::Floor => false,
        Rounding::Ceil => past > 0.0,
    };
    x.floor() + if up { 1.0 } else { 0.0 }
}

impl Filter {
    /// The pixels under the filter around input coordinate `x`.
    fn taps(self, line: Line, x: f64) -> Taps {
        let stretch = if self.antialias { line.scale.min(1.0) } else { 1.0 };
        let support = if self.cubic.is_some() { 2.0 } else { 1.0 };
        let base = x.ceil() - 1.0;
        let first = (-support / stretch).floor() as i64 + 1;
        let last = line.input as i64 - 1;
        let mut taps: Vec<(i64, f64)> = (first..2 - first)
            .map(|at| (base as i64 + at, self.weight((base + at as f64 - x) * stretch)))
            .filter(|(at, _)| !self.exclude_outside || (0..=last).contains(at))
            .collect();
        let sum: f64 = taps.iter().map(|(_, weight)| weight).sum();
        if (self.antialias || self.exclude_outside) && sum != 0.0 {
            taps.iter_mut().for_each(|(_, weight)| *weight /= sum);
        }
        let mut merged: Taps = Vec::with_capacity(taps.len());
        for (at, weight) in taps {
            let at = at.clamp(0, last) as usize;
            match merged.last_mut() {
                Some((before, sum)) if *before == at => *sum += weight,
                _ => merged.push((at, weight)),
            }
        }
        merged
    }

    /// The filter at a distance from its centre.
    fn weight(self, distance: f64) -> f64 {
        let x = distance.abs();
        let Some(a) = self.cubic.map(f64::from) else { return (1.0 - x).max(0.0) };
        match x {
            _ if x <= 1.0 => ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0,
            _ if x < 2.0 => ((x - 5.0) * x + 8.0) * x * a - 4.0 * a,
            _ => 0.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn indices(resize: &Resize, input: usize) -> Vec<usize> {
        resize.taps(1, [1, input]).iter().map(|taps| taps[0].0).collect()
    }

    fn nearest(target: Target, coordinates: Coordinates, rounding: Rounding) -> Resize {
        Resize { target, coordinates, interpolation: Interpolation::Nearest(rounding) }
    }

    #[test]
    fn halves_round_as_asked_even_where_they_are_not_exact() {
        let cases = [
            (Rounding::PreferFloor, 0),
            (Rounding::PreferCeil, 1),
            (Rounding::Floor, 0),
            (Rounding::Ceil, 1),
        ];
        for (rounding, expected) in cases {
            let doubled = nearest(Target::Sizes([1, 4]), Coordinates::Asymmetric, rounding);
            assert_eq!(indices(&doubled, 2)[1], expected, "{rounding:?}");
        }
        // As onnxruntime: (19 + 0.5) / 1.3 - 0.5 is 14.500001 in f32, and 1 / (2 / 7) is 3.4999998.
        let by = |rounding| nearest(Target::Scales([1.0, 1.3]), Coordinates::HalfPixel, rounding);
        assert_eq!(indices(&by(Rounding::PreferFloor), 16)[19], 14);
        let sevenths = nearest(Target::Sizes([1, 2]), Coordinates::Asymmetric, Rounding::PreferCeil);
        assert_eq!(indices(&sevenths, 7), [0, 4]);
    }

    #[test]
    fn nearest_hits_whole_pixels_under_inexact_scales() {
        let third = Target::Scales([1.0 / 3.0; 2]);
        let floor = nearest(third.clone(), Coordinates::Asymmetric, Rounding::Floor);
        assert_eq!(indices(&floor, 30), [0, 3, 6, 9, 12, 15, 18, 21, 24, 27]);
        let symmetric = nearest(third, Coordinates::HalfPixelSymmetric, Rounding::Floor);
        assert_eq!(indices(&symmetric, 3), [0]);
    }

    #[test]
    fn linear_weights_at_borders_and_between() {
        let resize = Resize {
            target: Target::Sizes([4, 4]),
            coordinates: Coordinates::HalfPixel,
            interpolation: Interpolation::Linear,
        };
        let taps = resize.taps(0, [2, 9]);
        assert_eq!(taps[0], [(0, 1.0), (1, 0.0)]);
        assert_eq!(taps[1], [(0, 0.75), (1, 0.25)]);
        assert_eq!(taps[3], [(1, 1.0), (1, 0.0)]);
    }

    #[test]
    fn fitting_sizes_round_one_factor() {
        let fit =
            |sizes, cover| nearest(Target::Fit { sizes, cover }, Coordinates::HalfPixel, Rounding::Floor);
        assert_eq!(fit([Some(1), Some(3)], false).output([2, 4]), [1, 2]);
        assert_eq!(fit([Some(1), Some(3)], true).output([2, 4]), [2, 3]);
        assert_eq!(fit([None, Some(3)], true).output([2, 4]), [2, 3]);
    }

    #[test]
    fn filters_sum_to_one_and_repeat_or_leave_out_the_border() {
        for cubic in [None, Some(-0.75)] {
            for exclude_outside in [false, true] {
                let filter = Filter { cubic, antialias: true, exclude_outside };
                let resize = Resize {
                    target: Target::Scales([0.3, 0.3]),
                    coordinates: Coordinates::HalfPixel,
                    interpolation: Interpolation::Filter(filter),
                };
                for taps in resize.taps(0, [10, 10]) {
                    assert!((taps.iter().map(|(_, weight)| weight).sum::<f64>() - 1.0).abs() < 1e-12);
                    assert!(taps.is_sorted_by(|a, b| a.0 < b.0) && taps.len() > 4);
                }
            }
        }
    }

    #[test]
    fn pixels_outside_of_a_crop_read_nothing() {
        let coordinates = Coordinates::Crop { start: [0.0, 0.5], end: [1.0, 1.5], outside: 9.0 };
        let crop =
            Resize { target: Target::Sizes([1, 3]), coordinates, interpolation: Interpolation::Linear };
        let taps = crop.taps(1, [1, 5]);
        assert_eq!(taps, [vec![(2, 1.0), (3, 0.0)], vec![(4, 1.0), (4, 0.0)], vec![]]);
    }
}
