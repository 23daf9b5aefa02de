//! The numbers behind the report's SVG: positions in pixels, so that the template only draws.

use super::LayerTime;
use crate::cli::summary::Summary;
use crate::search::{Loss, Visit};
use serde::Serialize;

/// One colour for each task, again from the start where there are more tasks; chosen to be told apart by colour-blind
/// readers (Okabe and Ito).
pub const COLOURS: [&str; 8] =
    ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7f7f7f", "#b8a800"];

/// The longest bar.
const BAR: f64 = 340.0;
/// The width of plots of losses.
pub(super) const WIDTH: f64 = 560.0;
/// The height of the plot of the losses.
const HEIGHT: f64 = 260.0;

/// A unit's bar.
#[derive(Debug, Serialize)]
pub struct UnitBar {
    id: String,
    channels: usize,
    kept: usize,
    /// The bar of all channels.
    whole: f64,
    /// The part that stays.
    filled: f64,
    limited_by: Option<String>,
    recovered: bool,
    ranked_by: Option<String>,
    colour: &'static str,
}

/// One bar for each unit, as long as its channels; the kept part in the colour of the task that stopped it.
pub fn unit_bars(summary: &Summary) -> Vec<UnitBar> {
    let widest = summary.units.iter().map(|unit| unit.channels).max().unwrap_or(1) as f64;
    let names = summary.task_names();
    let colour = |task: &Option<String>| {
        let index = task.as_ref().and_then(|task| names.iter().position(|name| name == task));
        index.map_or("#999999", |index| COLOURS[index % COLOURS.len()])
    };
    let bar = |unit: &crate::cli::summary::UnitSummary| UnitBar {
        id: unit.id.clone(),
        channels: unit.channels,
        kept: unit.kept,
        whole: BAR * unit.channels as f64 / widest,
        filled: BAR * unit.kept as f64 / widest,
        limited_by: unit.limited_by.clone(),
        recovered: unit.recovered,
        ranked_by: unit.ranked_by.map(|criterion| criterion.to_string()),
        colour: colour(&unit.limited_by),
    };
    summary.units.iter().map(bar).collect()
}

/// A line of the plot.
#[derive(Debug, Serialize)]
pub struct Line {
    name: String,
    colour: &'static str,
    /// The points of an SVG polyline.
    points: String,
    /// The last value, relative.
    last: f64,
}

/// A horizontal grid line.
#[derive(Debug, Serialize)]
pub struct Tick {
    y: f64,
    label: String,
}

impl Tick {
    /// A line at height `y`.
    pub fn new(y: f64, label: String) -> Self {
        Self { y, label }
    }
}

/// The course of the losses over the accepted units.
#[derive(Debug, Serialize)]
pub struct Course {
    width: f64,
    height: f64,
    lines: Vec<Line>,
    ticks: Vec<Tick>,
    steps: usize,
}

/// Every task's loss after each accepted unit, relative to the unpruned network's.
pub fn course(visits: &[Visit], base: &[(f64, f64)], names: &[String]) -> Course {
    let relative = |losses: &[Loss]| -> Vec<f64> {
        losses
            .iter()
            .zip(base)
            .map(|(loss, (base, floor))| 1.0 + (loss.mean() - base) / base.max(*floor))
            .collect()
    };
    let accepted = visits.iter().filter_map(|visit| {
        let keep = visit.accepted?;
        visit.candidates.iter().find(|scored| scored.keep == keep).map(|scored| relative(&scored.losses))
    });
    let mut series = vec![vec![1.0; base.len()]];
    series.extend(accepted);
    let values = series.iter().flatten().copied();
    let low = values.clone().fold(1.0, f64::min);
    let high = values.fold(1.0, f64::max).max(low + 0.01);
    let steps = series.len() - 1;
    let x = |step: usize| WIDTH * step as f64 / steps.max(1) as f64;
    let y = |value: f64| HEIGHT * (1.0 - (value - low) / (high - low));
    let line = |(task, name): (usize, &String)| Line {
        name: name.clone(),
        colour: COLOURS[task % COLOURS.len()],
        points: polyline(series.iter().enumerate().map(|(step, values)| (x(step), y(values[task])))),
        last: series[steps][task],
    };
    let lines = names.iter().enumerate().map(line).collect();
    let ticks = ticks(low, high).into_iter().map(|value| Tick::new(y(value), percent(value - 1.0)));
    Course { width: WIDTH, height: HEIGHT, lines, ticks: ticks.collect(), steps }
}

/// The points of an SVG polyline.
pub(super) fn polyline(points: impl Iterator<Item = (f64, f64)>) -> String {
    let points: Vec<String> = points.map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
    points.join(" ")
}

fn percent(share: f64) -> String {
    format!("{:+.1} %", 100.0 * share)
}

/// Four to nine round values between `low` and `high`.
pub(super) fn ticks(low: f64, high: f64) -> Vec<f64> {
    let raw = (high - low) / 6.0;
    let magnitude = 10f64.powf(raw.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|m| m * magnitude).into_iter().find(|step| *step >= raw);
    let step = step.unwrap_or(10.0 * magnitude);
    let first = (low / step).ceil() as i64;
    (first..).map(|i| i as f64 * step).take_while(|value| *value <= high).collect()
}

/// A layer's pair of bars.
#[derive(Debug, Serialize)]
pub struct LayerBar {
    name: String,
    op: String,
    before: f64,
    after: f64,
    before_width: f64,
    after_width: f64,
}

/// Two bars for each layer, as long as its time.
pub fn layer_bars(layers: &[LayerTime]) -> Vec<LayerBar> {
    let longest = layers.iter().flat_map(|layer| [layer.before, layer.after]).fold(1e-9, f64::max);
    let bar = |layer: &LayerTime| LayerBar {
        name: layer.name.clone(),
        op: layer.op.clone(),
        before: layer.before,
        after: layer.after,
        before_width: BAR * layer.before / longest,
        after_width: BAR * layer.after / longest,
    };
    layers.iter().map(bar).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_inside() {
        for (low, high) in [(1.0, 1.01), (0.93, 5.7), (1.0, 1.4), (0.5, 1.0)] {
            let found = ticks(low, high);
            assert!((3..=9).contains(&found.len()), "{low} {high}: {found:?}");
            assert!(found.iter().all(|t| (low - 1e-9..=high + 1e-9).contains(t)));
        }
    }
}
