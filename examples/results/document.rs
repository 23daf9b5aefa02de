//! `results.md`, its plots, and the cells as a file.

use crate::Fallible;
use crate::budget::Budget;
use crate::cells::{Baseline, Cell, Method, Row};
use crate::plot::{Plot, Series};
use crate::statistics::Spread;
use crate::tables::{Beaten, Cells, Stage};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Drops beyond it, in percent, are not drawn.
fn worst(stage: Stage) -> f64 {
    match stage {
        Stage::Pruned => 100.0,
        Stage::Trained => 50.0,
    }
}

/// What stands where no reason is given.
const NO_REASON: &str = "no reason is given.";
const OPEN: &str = "<!-- reason ";
const CLOSE: &str = "<!-- end -->";

/// Writes everything; reasons that stand in the document stay.
pub fn write(docs: &Path, budget: &Budget, baseline: &Baseline, cells: &[Cell]) -> Fallible<()> {
    let all = Cells { budget, baseline, cells };
    let plots = docs.join("results");
    fs::create_dir_all(&plots).map_err(|e| format!("{}: {e}", plots.display()))?;
    let put = |path: &Path, text: &str| fs::write(path, text).map_err(|e| format!("{}: {e}", path.display()));
    for stage in Stage::BOTH {
        put(&plots.join(format!("{}.svg", stage.id())), &drop_plot(&all, stage).svg())?;
    }
    for task in 0..baseline.tasks.len() {
        let name = format!("{}.svg", baseline.tasks[task].task);
        put(&plots.join(name), &task_plot(&all, task).svg())?;
    }
    put(&plots.join("cells.csv"), &all.csv())?;
    let path = docs.join("results.md");
    let reasons = reasons(&fs::read_to_string(&path).unwrap_or_default());
    put(&path, &text(&all, &reasons))?;
    Ok(())
}

/// Okabe and Ito's colours.
fn colour(method: Method) -> &'static str {
    match method {
        Method::Pagcp => "#d55e00",
        Method::Faithful => "#cc79a7",
        Method::Random => "#7f7f7f",
        Method::Uniform => "#0072b2",
        Method::Global => "#009e73",
        Method::Scratch => "#000000",
    }
}

/// A line for every row, where `value` has something.
fn series(all: &Cells, value: impl Fn(Row, f64) -> Option<Spread>) -> Vec<Series> {
    let line = |row: Row| {
        let at = |point: &f64| {
            let (x, y) = (all.removed(row, *point)?, value(row, *point)?);
            Some((100.0 * x.mean, y.mean, y.deviation))
        };
        let points = all.budget.points.iter().filter_map(at).collect();
        Series { name: row.title(), colour: colour(row.method), dashed: !row.recovered, points }
    };
    Row::all().into_iter().map(line).filter(|series| !series.points.is_empty()).collect()
}

fn drop_plot(all: &Cells, stage: Stage) -> Plot {
    let percent =
        |spread: Spread| Spread { mean: 100.0 * spread.mean, deviation: 100.0 * spread.deviation, ..spread };
    Plot {
        title: format!("Mean relative drop {}", stage.title()),
        x: "FLOPs removed, %".to_owned(),
        y: "mean relative drop, %".to_owned(),
        series: series(all, |row, point| all.drop(row, point, stage).map(percent)),
        holds: vec![0.0],
        cap: worst(stage),
        reference: None,
        size: [480.0, 320.0],
        legend: true,
    }
}

fn task_plot(all: &Cells, task: usize) -> Plot {
    let metric = &all.baseline.tasks[task];
    let better = if metric.higher_is_better { "higher" } else { "lower" };
    Plot {
        title: format!("{} after training", metric.task),
        x: "FLOPs removed, %".to_owned(),
        y: format!("{} ({better} is better)", metric.name),
        series: series(all, |row, point| all.metric(row, point, (Stage::Trained, task))),
        holds: vec![metric.value],
        cap: f64::INFINITY,
        reference: Some(metric.value),
        size: [300.0, 210.0],
        legend: false,
    }
}

fn text(all: &Cells, reasons: &BTreeMap<String, String>) -> String {
    let beaten = all.beaten();
    let mut text = INTRODUCTION.replace("{budget}", &budget(all)) + METHODS;
    for stage in Stage::BOTH.into_iter().rev() {
        let title = stage.title();
        text += &format!("\n## Mean relative drop {title}, in percent\n\n");
        text += &format!("![Mean relative drop {title}](results/{}.svg)\n\n", stage.id());
        text += &format!("What lost over {} % is not in the plot.\n\n", worst(stage));
        text += &all.drops(stage, &beaten);
    }
    text += "\n`†`: better than PAGCP as here, recovered, by more than the larger of the two standard deviations.\n";
    text += &excuses(&beaten, reasons);
    text += "\n## What really goes: FLOPs / parameters, in percent\n\n";
    text += &all.sizes();
    text +=
        "\n## Every task\n\nThe dotted line is the unpruned network; colours and dashes are those above.\n\n";
    for task in &all.baseline.tasks {
        text += &format!("![{0}](results/{0}.svg)\n", task.task);
    }
    for (at, task) in all.baseline.tasks.iter().enumerate() {
        let better = if task.higher_is_better { "higher is better" } else { "lower is better" };
        for stage in Stage::BOTH.into_iter().rev() {
            let (name, metric, value, title) = (&task.task, &task.name, task.value, stage.title());
            text += &format!("\n### {name}: {metric} {title} ({better}; unpruned {value:.3})\n\n");
            text += &all.metrics(stage, at);
        }
    }
    text += "\n## What it cost\n\nThe rate of the search that decided, and how many searches there were up to it:\n\n";
    text += &all.limits();
    text += "\nSeconds of a cell: searches + fitting recovered weights again + training + measuring. Searches are\n\
             shared, each is counted wherever it was needed.\n\n";
    text += &all.seconds();
    text
}

fn budget(all: &Cells) -> String {
    let Budget { seeds, search_images, images, epochs, batch, learning_rate, val, .. } = all.budget;
    let done = all.cells.len();
    let planned = crate::cells::keys(all.budget).len();
    let state = if done < planned {
        format!(
            "{done} of {planned} cells are done; what one seed alone has reached stands without a deviation."
        )
    } else {
        format!("All {done} cells are done.")
    };
    format!(
        "| | |\n|---|---|\n\
         | pictures of a search | {search_images}, chosen by the seed |\n\
         | training | {images} pictures, passes: {epochs}, so {} steps of {batch}; AdamW, learning rate {learning_rate}, half of \
         the pictures mirrored, no teacher |\n\
         | measured on | {val} pictures of `val` |\n\
         | seeds | {seeds} |\n\
         | unpruned network | {:.1} M FLOPs, {:.2} M parameters |\n\
         | device | {} |\n\n{state}",
        all.budget.steps(),
        all.baseline.flops as f64 / 1e6,
        all.baseline.params as f64 / 1e6,
        all.baseline.device
    )
}

/// Where controls are better, with a place for the reason.
fn excuses(beaten: &Beaten, reasons: &BTreeMap<String, String>) -> String {
    let mut text = "\n## Where PAGCP as here is not at least as good\n\n".to_owned();
    if beaten.is_empty() {
        return text + "Nowhere among the cells that are done.\n";
    }
    for ((stage, row), points) in beaten {
        let key = format!("{}-{}", stage.id(), row.id());
        let points: Vec<String> = points.iter().map(|point| format!("{point} %")).collect();
        let reason = reasons.get(&key).map_or(NO_REASON, String::as_str);
        let (title, stage) = (row.title(), stage.title());
        text += &format!("- {title}, {stage}, at {}:\n  {OPEN}{key} -->{reason}{CLOSE}\n", points.join(", "));
    }
    text
}

/// The reasons that a document gives, by what they are for.
pub fn reasons(text: &str) -> BTreeMap<String, String> {
    let reason = |part: &str| {
        let (key, rest) = part.split_once(" -->")?;
        let (reason, _) = rest.split_once(CLOSE)?;
        Some((key.to_owned(), reason.to_owned()))
    };
    text.split(OPEN).skip(1).filter_map(reason).collect()
}

const INTRODUCTION: &str = "# Pruning methods at equal sizes, before and after equal training

Written by `make results` (`examples/results`); reasons between comments stay when it is written again. All figures are of
the bundled network (`models/scenes`) on pictures of `wgpu-pagcp scenes`, means over the seeds with their standard
deviations. The relative drop of a task is the share of the unpruned network's metric that is lost; the mean is over the
tasks. Only cells that remove at least what their column says count; where a search cannot get there, the row says how many
seeds end where. `results/cells.csv` has every cell.

## Budget

{budget}

";

const METHODS: &str = "## Methods

- **PAGCP as here**: the search of `wgpu-pagcp prune --scan bracket --target-flops`, which stops once the target is
  reached. Its limits decide, not the target alone: the rate of the first unit starts small and grows until a search reaches
  the target, and the smallest that does is taken, so that the limits are nearly used up where it stops. The total is what
  half of the units could use up undecayed, `(1 + rate)^(units / 2)`, the proportions of the reference's own run. Recovered:
  `--criterion energy`, judged with recovered weights, on the half of the pictures that they are not fitted on. Else
  `--no-recover --criterion bn`, judged on all of them.
- **PAGCP `--faithful`**: the reference code's search with its own criterion (L1), exact scan and grid, its limits grown in the
  same way. It has no target; where it removes more, top-k gives back as many units as can be.
- **random channels**: a seeded order, the same share of every unit.
- **uniform ratio**: by L1 (batch norms folded in), the same share of every unit.
- **L1, global**: the same scores relative to their unit's mean, ranked over all units at once. No control keeps fewer channels
  of a unit than a search could.
- **from scratch**: what PAGCP as here, recovered, leaves, with weights as `models/scenes/network.py` begins, after the same
  training.

*Recovered* controls have least-squares weights from the same pictures, fitted unit by unit in the search's visiting order.
Nothing judges them, so all pictures are used to fit. Batch norms have the moments of the unpruned network before training,
and those of 128 training pictures after it.
";
