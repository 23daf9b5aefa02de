//! `report.html`: one offline file with inline SVG and pictures.

mod boxes;
mod pictures;
mod plots;

pub use pictures::{Head, example};
pub use plots::COLOURS;

use super::summary::Summary;
use crate::search::Visit;
use minijinja::Environment;
use minijinja::value::Serde;
use serde::Serialize;

/// Everything a report shows.
#[derive(Debug)]
pub struct Report<'a> {
    /// The model file.
    pub model: String,
    /// The numbers of `summary.json`.
    pub summary: &'a Summary,
    /// The visits in order, for the course of the losses.
    pub visits: &'a [Visit],
    /// The unpruned network's mean losses, each with what it is at least taken for, in task order.
    pub base: &'a [(f64, f64)],
    /// Per-layer times before and after.
    pub layers: &'a [LayerTime],
    /// Pictures with every head, before and after.
    pub examples: &'a [Example],
}

/// The time of one node of the unpruned network, and of the node of that name in the pruned one.
#[derive(Clone, Debug, Serialize)]
pub struct LayerTime {
    /// The node.
    pub name: String,
    /// Its operator.
    pub op: String,
    /// Milliseconds unpruned.
    pub before: f64,
    /// Milliseconds pruned.
    pub after: f64,
}

/// One picture with what every head makes of it.
#[derive(Clone, Debug, Serialize)]
pub struct Example {
    /// The picture's name.
    pub name: String,
    /// The picture, as a data URI.
    pub image: String,
    /// One for each task.
    pub heads: Vec<ExampleHead>,
}

/// What one head makes of a picture: pictures as data URIs, or words.
#[derive(Clone, Debug, Serialize)]
pub struct ExampleHead {
    /// The task.
    pub task: String,
    /// The label.
    pub label: Shown,
    /// The unpruned network's output.
    pub before: Shown,
    /// The pruned network's output.
    pub after: Shown,
}

/// A picture or words.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Shown {
    /// A data URI.
    pub picture: Option<String>,
    /// Words.
    pub words: Option<String>,
}

/// What the template sees.
#[derive(Serialize)]
struct Page<'a> {
    model: &'a str,
    faster: String,
    summary: &'a Summary,
    colours: [&'static str; 8],
    units: Vec<plots::UnitBar>,
    course: plots::Course,
    layers: Vec<plots::LayerBar>,
    examples: &'a [Example],
}

/// The page.
pub fn render(report: &Report) -> Result<String, minijinja::Error> {
    let mut environment = Environment::new();
    environment.add_template("report.html", include_str!("report.html"))?;
    environment.add_filter("percent", |share: f64| format!("{:.1} %", 100.0 * share));
    environment.add_filter("fixed", |value: f64, digits: usize| format!("{value:.digits$}"));
    environment.add_filter("millions", |value: f64| format!("{:.2} M", value / 1e6));
    let page = Page {
        model: &report.model,
        faster: report.summary.latency_ms.against_before.map_or(String::new(), |against| against.words()),
        summary: report.summary,
        colours: COLOURS,
        units: plots::unit_bars(report.summary),
        course: plots::course(report.visits, report.base, &report.summary.task_names()),
        layers: plots::layer_bars(report.layers),
        examples: report.examples,
    };
    environment.get_template("report.html")?.render(Serde(page))
}
