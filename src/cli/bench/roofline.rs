//! The numbers behind a page's SVG: positions in pixels, so that the template only draws.

use super::format::{Bench, ModelTimes};
use super::layers::layers;
use serde::Serialize;

/// The plot's width.
pub const WIDTH: f64 = 760.0;
/// The plot's height.
pub const HEIGHT: f64 = 380.0;

/// A roofline plot: operations per second over operations per byte, both logarithmic.
#[derive(Debug, Serialize)]
pub struct Roofline {
    roofs: Vec<Roof>,
    dots: Vec<Dot>,
    columns: Vec<Tick>,
    rows: Vec<Tick>,
    width: f64,
    height: f64,
}

/// What one device allows.
#[derive(Debug, Serialize)]
struct Roof {
    /// The points of an SVG polyline.
    points: String,
    label: String,
    /// Where the label stands.
    y: f64,
    colour: &'static str,
}

/// A layer.
#[derive(Debug, Serialize)]
struct Dot {
    x: f64,
    y: f64,
    radius: f64,
    colour: &'static str,
    title: String,
}

/// A grid line.
#[derive(Debug, Serialize)]
struct Tick {
    at: f64,
    label: String,
}

/// A logarithmic axis.
struct Axis {
    low: f64,
    high: f64,
    length: f64,
}

impl Axis {
    /// Around these values, with some room.
    fn around(values: &[f64], length: f64) -> Self {
        let low = values.iter().copied().fold(f64::INFINITY, f64::min);
        let high = values.iter().copied().fold(0.0, f64::max);
        Self { low: (low / 1.5).log10(), high: (high * 1.5).log10(), length }
    }

    fn at(&self, value: f64) -> f64 {
        self.length * (value.log10() - self.low) / (self.high - self.low)
    }

    /// 1, 2 and 5 of every power of ten; only the powers where there are many.
    fn ticks(&self) -> Vec<(f64, String)> {
        let decades = self.low.floor() as i32..=self.high.ceil() as i32;
        let steps: &[f64] = if self.high - self.low > 3.5 { &[1.0] } else { &[1.0, 2.0, 5.0] };
        let values = decades.flat_map(|decade| steps.iter().map(move |step| step * 10f64.powi(decade)));
        let inside = values.filter(|value| (self.low..=self.high).contains(&value.log10()));
        inside.map(|value| (self.at(value), format!("{value}"))).collect()
    }
}

/// A plot of the layers of `series`: models with the bench they are of and their colour.
pub fn roofline(
    series: &[(&Bench, &ModelTimes, &'static str)],
    benches: &[Bench],
    colours: &[&'static str],
) -> Roofline {
    let layers = series
        .iter()
        .flat_map(|&(_, model, colour)| layers(model).into_iter().map(move |l| (model, l, colour)));
    let points: Vec<_> =
        layers.filter_map(|(model, layer, colour)| Some((layer.point()?, model, layer, colour))).collect();
    let ridges = benches.iter().map(|bench| bench.peaks.gflops / bench.peaks.copy_gb_per_s);
    let xs: Vec<f64> = points.iter().map(|((_, x), ..)| *x).chain(ridges).collect();
    let ys: Vec<f64> =
        points.iter().map(|((y, _), ..)| *y).chain(benches.iter().map(|b| b.peaks.gflops)).collect();
    let (x, y) = (Axis::around(&xs, WIDTH), Axis::around(&ys, HEIGHT));
    let slowest = points.iter().map(|(_, _, layer, _)| layer.ms).fold(1e-9, f64::max);
    let dots = points.iter().map(|((gflops, intensity), model, layer, colour)| Dot {
        x: x.at(*intensity),
        y: HEIGHT - y.at(*gflops),
        radius: 3.0 + 7.0 * (layer.ms / slowest).sqrt(),
        colour,
        title: format!(
            "{} of {}, batch {}: {gflops:.1} GFLOP/s at {intensity:.1} operations per byte, {:.3} ms, {}",
            layer.name,
            format_args!("{}{}", model.name(), model.suffix()),
            model.batch,
            layer.ms,
            layer.kernels
        ),
    });
    let roofs =
        benches.iter().zip(colours.iter().cycle()).map(|(bench, &colour)| roof(bench, colour, &x, &y));
    let rows = y.ticks().into_iter().map(|(at, label)| Tick { at: HEIGHT - at, label });
    Roofline {
        roofs: roofs.collect(),
        dots: dots.collect(),
        columns: x.ticks().into_iter().map(|(at, label)| Tick { at, label }).collect(),
        rows: rows.collect(),
        width: WIDTH,
        height: HEIGHT,
    }
}

/// Along the copy's slope from the plot's left or lower side to the ridge, then level.
fn roof(bench: &Bench, colour: &'static str, x: &Axis, y: &Axis) -> Roof {
    let peaks = &bench.peaks;
    let start = 10f64.powf(x.low).max(10f64.powf(y.low) / peaks.copy_gb_per_s);
    let ridge = peaks.gflops / peaks.copy_gb_per_s;
    let corners = [start, ridge, 10f64.powf(x.high)];
    let points = corners.map(|at| format!("{:.1},{:.1}", x.at(at), HEIGHT - y.at(peaks.roof(at))));
    Roof {
        points: points.join(" "),
        label: format!("{:.0} GFLOP/s · {:.1} GB/s", peaks.gflops, peaks.copy_gb_per_s),
        y: HEIGHT - y.at(peaks.gflops) - 6.0,
        colour,
    }
}
