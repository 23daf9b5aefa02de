//! The page: one offline file with inline SVG, of one bench or of several side by side.

use super::format::{Bench, ModelTimes};
use super::layers::{Layer, layers};
use super::roofline::{Roofline, roofline};
use crate::cli::report::COLOURS;
use minijinja::Environment;
use minijinja::value::Serde;
use serde::Serialize;

/// The longest bar of a layer.
const BAR: f64 = 260.0;
/// The longest bar of a latency.
const LATENCY: f64 = 250.0;

/// What the template sees.
#[derive(Serialize)]
struct Page<'a> {
    machines: Vec<Machine<'a>>,
    batches: Vec<Batch>,
    comparing: bool,
}

/// A bench with its colour.
#[derive(Serialize)]
struct Machine<'a> {
    bench: &'a Bench,
    colour: &'static str,
    clocks: Vec<String>,
}

/// All models of all machines at one batch size.
#[derive(Serialize)]
struct Batch {
    batch: usize,
    series: Vec<Series>,
    roofline: Roofline,
    layers: Vec<Row>,
}

/// A model on a machine.
#[derive(Serialize)]
struct Series {
    name: String,
    colour: &'static str,
    times: ModelTimes,
    gflops: f64,
    of_peak: f64,
    pictures_per_s: f64,
    /// The bar from the fastest run to the 95th percentile, and the median.
    low: f64,
    high: f64,
    median: f64,
    /// A tick for every run.
    runs: Vec<f64>,
    words: Option<String>,
    interval: Option<String>,
}

/// A layer in all series.
#[derive(Serialize)]
struct Row {
    name: String,
    op: String,
    bars: Vec<Option<Bar>>,
}

/// A layer in one series.
#[derive(Serialize)]
struct Bar {
    ms: f64,
    width: f64,
    /// What a pass without work is of it.
    empty: f64,
    share: Option<f64>,
    gflops: Option<f64>,
    kernels: String,
}

type Entry<'a> = (&'a Bench, &'a ModelTimes, &'static str);

/// The page of benches.
pub fn render(benches: &[Bench]) -> Result<String, minijinja::Error> {
    let mut environment = Environment::new();
    environment.add_template("page.html", include_str!("page.html"))?;
    environment.add_filter("fixed", |value: f64, digits: usize| format!("{value:.digits$}"));
    environment.add_filter("percent", |share: f64| format!("{:.0} %", 100.0 * share));
    environment.add_filter("mib", |bytes: f64| format!("{:.2}", bytes / f64::from(1 << 20)));
    environment.add_filter("millions", |value: f64| format!("{:.2} M", value / 1e6));
    let mut batches: Vec<usize> =
        benches.iter().flat_map(|b| b.models.iter().map(|model| model.batch)).collect();
    batches.sort_unstable();
    batches.dedup();
    let machine = |(bench, colour): (_, &&'static str)| Machine { bench, colour, clocks: clocks(bench) };
    let page = Page {
        machines: benches.iter().zip(COLOURS.iter().cycle()).map(machine).collect(),
        batches: batches.into_iter().map(|size| batch(benches, size)).collect(),
        comparing: benches.len() > 1,
    };
    environment.get_template("page.html")?.render(Serde(page))
}

/// How the layers of a bench were timed, once for each way.
fn clocks(bench: &Bench) -> Vec<String> {
    let mut clocks: Vec<String> = Vec::new();
    for model in &bench.models {
        let how = match model.layer_clock.method.as_str() {
            "timestamps" => "device timestamps around a pass for each step",
            _ => "the host's clock around a submission for each step",
        };
        if !clocks.iter().any(|known| known.starts_with(how)) {
            clocks
                .push(format!("{how}, {:.3} ms of which is there without work", model.layer_clock.empty_ms));
        }
    }
    clocks
}

fn batch(benches: &[Bench], size: usize) -> Batch {
    let entries = benches.iter().flat_map(|bench| bench.models.iter().map(move |model| (bench, model)));
    let entries: Vec<Entry> = entries
        .filter(|(_, model)| model.batch == size)
        .zip(COLOURS.iter().cycle())
        .map(|((bench, model), &colour)| (bench, model, colour))
        .collect();
    let longest = entries.iter().flat_map(|(_, model, _)| &model.runs_ms).copied();
    let longest =
        longest.chain(entries.iter().map(|(_, model, _)| model.latency_ms.p95)).fold(1e-9, f64::max);
    let several = benches.len() > 1;
    Batch {
        batch: size,
        series: entries.iter().map(|entry| series(entry, LATENCY / longest, several)).collect(),
        roofline: roofline(&entries, benches, &["#666666", "#a0522d", "#2f6f4f", "#5a4fa0"]),
        layers: rows(&entries),
    }
}

fn series((bench, model, colour): &Entry, scale: f64, several: bool) -> Series {
    let against = model.against_first;
    Series {
        name: name(bench, model, several),
        colour,
        gflops: model.gflops(),
        of_peak: model.gflops() / bench.peaks.gflops,
        pictures_per_s: 1e3 * model.batch as f64 / model.latency_ms.median,
        low: scale * model.latency_ms.min,
        high: scale * model.latency_ms.p95,
        median: scale * model.latency_ms.median,
        runs: model.runs_ms.iter().map(|ms| scale * ms).collect(),
        words: against.map(|against| against.words()),
        interval: against.map(|against| against.interval()),
        times: (*model).clone(),
    }
}

/// The file's name, its path where that alone tells it apart, and the machine where there are several.
fn name(bench: &Bench, model: &ModelTimes, several: bool) -> String {
    let same = bench.models.iter().any(|other| other.path != model.path && other.name() == model.name());
    let name = if same { &model.path } else { model.name() };
    let suffix = model.suffix();
    if several { format!("{name}{suffix} on {}", bench.device.name) } else { format!("{name}{suffix}") }
}

/// A row for every layer of any series, in the order of the networks.
fn rows(entries: &[Entry]) -> Vec<Row> {
    let all: Vec<Vec<Layer>> = entries.iter().map(|(_, model, _)| layers(model)).collect();
    let longest = all.iter().flatten().map(|layer| layer.ms).fold(1e-9, f64::max);
    let mut rows: Vec<Row> = Vec::new();
    for layer in all.iter().flatten() {
        if rows.iter().any(|row| row.name == layer.name) {
            continue;
        }
        let bars = entries.iter().zip(&all).map(|((bench, model, _), layers)| {
            let layer = layers.iter().find(|other| other.name == layer.name)?;
            Some(Bar {
                ms: layer.ms,
                width: BAR * layer.ms / longest,
                empty: BAR * (model.layer_clock.empty_ms / longest).min(1.0),
                share: layer.share(bench),
                gflops: layer.point().map(|(gflops, _)| gflops),
                kernels: layer.kernels.clone(),
            })
        });
        rows.push(Row { name: layer.name.clone(), op: layer.op.clone(), bars: bars.collect() });
    }
    rows
}
