//! `report.html`: one offline file with inline SVG and pictures.

mod boxes;
mod curves;
mod examples;
mod pictures;
mod plots;

pub use examples::examples;
pub use plots::COLOURS;

use super::summary::{Summary, TaskSummary, TrainingSummary};
use crate::search::Visit;
use minijinja::Environment;
use minijinja::value::Serde;
use serde::Serialize;

/// Everything that the report of a pruning shows.
#[derive(Debug)]
pub struct Report<'a> {
    /// The model file.
    pub model: String,
    /// The numbers of `summary.json`.
    pub summary: &'a Summary,
    /// The course of the losses along the search.
    pub search: Option<Searched<'a>>,
    /// The folders of the rounds, where there were several.
    pub rounds: &'a [String],
    /// Per-layer times before and after.
    pub layers: &'a [LayerTime],
    /// Pictures with every head, before and after.
    pub examples: &'a [Example],
}

/// How losses went along a search.
#[derive(Clone, Copy, Debug)]
pub struct Searched<'a> {
    /// The visits in order.
    pub visits: &'a [Visit],
    /// The unpruned network's mean losses, each with what it is at least taken for, in task order.
    pub base: &'a [(f64, f64)],
}

/// Everything that the report of a training shows.
#[derive(Debug)]
pub struct Tuned<'a> {
    /// The model file.
    pub model: String,
    /// The device.
    pub device: String,
    /// The file of the network whose outputs counted beside the labels.
    pub teacher: Option<String>,
    /// Every task before and after.
    pub tasks: &'a [TaskSummary],
    /// How it went.
    pub training: &'a TrainingSummary,
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

/// What the template of a pruning sees.
#[derive(Serialize)]
struct Page<'a> {
    model: &'a str,
    faster: String,
    summary: &'a Summary,
    colours: [&'static str; 8],
    units: Vec<plots::UnitBar>,
    course: Option<plots::Course>,
    rounds: &'a [String],
    training: Option<curves::Training<'a>>,
    layers: Vec<plots::LayerBar>,
    examples: &'a [Example],
}

/// What the template of a training sees.
#[derive(Serialize)]
struct TunedPage<'a> {
    model: &'a str,
    device: &'a str,
    teacher: &'a Option<String>,
    tasks: &'a [TaskSummary],
    colours: [&'static str; 8],
    training: Option<curves::Training<'a>>,
    examples: &'a [Example],
}

/// The page of a pruning.
pub fn render(report: &Report) -> Result<String, minijinja::Error> {
    let names = report.summary.task_names();
    page(
        "report.html",
        Page {
            model: &report.model,
            faster: report.summary.latency_ms.against_before.map_or(String::new(), |against| against.words()),
            summary: report.summary,
            colours: COLOURS,
            units: plots::unit_bars(report.summary),
            course: report.search.map(|search| plots::course(search.visits, search.base, &names)),
            rounds: report.rounds,
            training: report.summary.training.as_ref().and_then(|training| curves::curves(training, &names)),
            layers: plots::layer_bars(report.layers),
            examples: report.examples,
        },
    )
}

/// The page of a training.
pub fn render_tuned(report: &Tuned) -> Result<String, minijinja::Error> {
    let names: Vec<String> = report.tasks.iter().map(|task| task.name.clone()).collect();
    page(
        "tuned.html",
        TunedPage {
            model: &report.model,
            device: &report.device,
            teacher: &report.teacher,
            tasks: report.tasks,
            colours: COLOURS,
            training: curves::curves(report.training, &names),
            examples: report.examples,
        },
    )
}

fn page(name: &str, page: impl Serialize) -> Result<String, minijinja::Error> {
    let mut environment = Environment::new();
    environment.add_template("parts.html", include_str!("parts.html"))?;
    environment.add_template("report.html", include_str!("report.html"))?;
    environment.add_template("tuned.html", include_str!("tuned.html"))?;
    environment.add_filter("percent", |share: f64| format!("{:.1} %", 100.0 * share));
    environment.add_filter("fixed", |value: f64, digits: usize| format!("{value:.digits$}"));
    environment.add_filter("millions", |value: f64| format!("{:.2} M", value / 1e6));
    environment.get_template(name)?.render(Serde(page))
}
