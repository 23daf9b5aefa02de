//! Cells put together over the seeds, and the tables of them.

use crate::budget::Budget;
use crate::cells::{Baseline, Cell, Row};
use crate::statistics::{Spread, mean_drop};
use std::collections::BTreeMap;

/// Before or after training.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    Pruned,
    Trained,
}

impl Stage {
    pub const BOTH: [Self; 2] = [Self::Pruned, Self::Trained];

    pub fn id(self) -> &'static str {
        match self {
            Self::Pruned => "pruned",
            Self::Trained => "trained",
        }
    }

    pub fn title(self) -> &'static str {
        match self {
            Self::Pruned => "before training",
            Self::Trained => "after training",
        }
    }

    fn values(self, cell: &Cell) -> &[f64] {
        match self {
            Self::Pruned => &cell.pruned,
            Self::Trained => &cell.trained,
        }
    }
}

/// All cells.
pub struct Cells<'a> {
    pub budget: &'a Budget,
    pub baseline: &'a Baseline,
    pub cells: &'a [Cell],
}

/// Where a control is better than PAGCP as here by more than a standard deviation.
pub type Beaten = BTreeMap<(Stage, Row), Vec<f64>>;

impl Cells<'_> {
    /// The cells of a row at a point, over the seeds.
    pub fn at(&self, row: Row, point: f64) -> impl Iterator<Item = &Cell> {
        self.cells.iter().filter(move |cell| cell.key.row == row && cell.key.point == point)
    }

    /// Numbers of the cells that reach their point.
    pub fn spread(&self, row: Row, point: f64, number: impl Fn(&Cell) -> Option<f64>) -> Option<Spread> {
        let numbers: Vec<f64> = self.at(row, point).filter(|cell| cell.reached).filter_map(number).collect();
        Spread::of(&numbers)
    }

    /// The mean relative drop.
    pub fn drop(&self, row: Row, point: f64, stage: Stage) -> Option<Spread> {
        self.spread(row, point, |cell| mean_drop(&self.baseline.tasks, stage.values(cell)))
    }

    /// One task's metric.
    pub fn metric(&self, row: Row, point: f64, (stage, task): (Stage, usize)) -> Option<Spread> {
        self.spread(row, point, |cell| stage.values(cell).get(task).copied())
    }

    /// How much of the FLOPs goes.
    pub fn removed(&self, row: Row, point: f64) -> Option<Spread> {
        self.spread(row, point, |cell| Some(1.0 - cell.flops))
    }

    /// Where PAGCP as here is not at least as good as another row within a standard deviation. One that does not get to
    /// a point is worse there than all that do.
    pub fn beaten(&self) -> Beaten {
        let mut beaten = Beaten::new();
        for (stage, row) in Stage::BOTH.into_iter().flat_map(|s| Row::all().into_iter().map(move |r| (s, r)))
        {
            let better = |point: &&f64| {
                let other = self.drop(row, **point, stage);
                match (self.drop(Row::SUBJECT, **point, stage), other) {
                    (Some(ours), Some(theirs)) => ours.exceeds(&theirs),
                    (None, Some(_)) => self.at(Row::SUBJECT, **point).next().is_some(),
                    (_, None) => false,
                }
            };
            let points: Vec<f64> = self.budget.points.iter().filter(better).copied().collect();
            if !points.is_empty() && row != Row::SUBJECT {
                beaten.insert((stage, row), points);
            }
        }
        beaten
    }

    /// Every row at every point, each cell as `shown` says.
    pub fn table(&self, shown: impl Fn(Row, f64) -> String) -> String {
        let heads: String = self.budget.points.iter().map(|point| format!(" {point} % |")).collect();
        let rules = "---|".repeat(self.budget.points.len());
        let mut table = format!("| FLOPs removed, at least |{heads}\n|---|{rules}\n");
        for row in Row::all() {
            let cells: Vec<String> = self.budget.points.iter().map(|&point| shown(row, point)).collect();
            if cells.iter().any(|cell| !cell.is_empty()) {
                table += &format!("| {} | {} |\n", row.title(), cells.join(" | "));
            }
        }
        table
    }

    /// The mean relative drop of every row, `†` where it is better than PAGCP as here.
    pub fn drops(&self, stage: Stage, beaten: &Beaten) -> String {
        self.table(|row, point| {
            let marked = beaten.get(&(stage, row)).is_some_and(|points| points.contains(&point));
            let shown = self.drop(row, point, stage).map(|drop| percent(&drop));
            match shown {
                Some(text) if marked => format!("{text} †"),
                Some(text) => {
                    self.short_of(row, point).map_or(text.clone(), |short| format!("{text}, {short}"))
                }
                None => self.short_of(row, point).unwrap_or_default(),
            }
        })
    }

    /// How far the seeds come that do not get to a point.
    fn short_of(&self, row: Row, point: f64) -> Option<String> {
        let cells = self.at(row, point).filter(|cell| !cell.reached);
        let removed: Vec<f64> = cells.map(|cell| 1.0 - cell.flops).collect();
        Spread::of(&removed).map(|short| format!("{} ends at {:.0} %", short.count, 100.0 * short.mean))
    }

    /// The FLOPs and parameters that really go.
    pub fn sizes(&self) -> String {
        self.table(|row, point| {
            let params = self.spread(row, point, |cell| Some(1.0 - cell.params?));
            match (self.removed(row, point), params) {
                (Some(flops), Some(params)) => {
                    format!("{:.1} / {:.1}", 100.0 * flops.mean, 100.0 * params.mean)
                }
                _ => String::new(),
            }
        })
    }

    /// One task's metric.
    pub fn metrics(&self, stage: Stage, task: usize) -> String {
        let digits = if self.baseline.tasks[task].value.abs() >= 10.0 { 2 } else { 3 };
        self.table(|row, point| {
            let spread = self.metric(row, point, (stage, task));
            spread.map_or(String::new(), |spread| spread.shown(1.0, digits))
        })
    }

    /// Limits and searches of what searches.
    pub fn limits(&self) -> String {
        self.table(|row, point| {
            let rate = self.spread(row, point, |cell| cell.rate);
            let searches = self.spread(row, point, |cell| Some(cell.searches as f64));
            match (rate, searches) {
                (Some(rate), Some(searches)) => format!("{:.3}, {:.1}", rate.mean, searches.mean),
                _ => String::new(),
            }
        })
    }

    /// Mean seconds of a cell.
    pub fn seconds(&self) -> String {
        self.table(|row, point| {
            let part = |part: fn(&Cell) -> f64| self.spread(row, point, |cell| Some(part(cell)));
            let parts = [
                part(|cell| cell.seconds.search),
                part(|cell| cell.seconds.fit),
                part(|cell| cell.seconds.train),
                part(|cell| cell.seconds.evaluate),
            ];
            let shown: Option<Vec<String>> =
                parts.iter().map(|part| part.map(|part| format!("{:.0}", part.mean))).collect();
            shown.map_or(String::new(), |shown| shown.join(" + "))
        })
    }

    /// Every cell, comma-separated.
    pub fn csv(&self) -> String {
        let names = self.baseline.tasks.iter().map(|task| task.task.as_str());
        let heads = Stage::BOTH.map(|stage| {
            names.clone().map(|name| format!("{name} {}", stage.title())).collect::<Vec<_>>().join(",")
        });
        let mut csv = format!("method,recovered,point,seed,FLOPs left,parameters left,{}\n", heads.join(","));
        for Cell { key, flops, params, pruned, trained, .. } in self.cells {
            let values = [pruned, trained].map(|values| {
                let number = |at| values.get(at).map_or(String::new(), |v: &f64| format!("{v:.6}"));
                (0..self.baseline.tasks.len()).map(number).collect::<Vec<_>>().join(",")
            });
            let params = params.map_or(String::new(), |params| format!("{params:.6}"));
            let (method, recovered) = (key.row.method.id(), key.row.recovered);
            let (point, seed, values) = (key.point, key.seed, values.join(","));
            csv += &format!("{method},{recovered},{point},{seed},{flops:.6},{params},{values}\n");
        }
        csv
    }
}

/// `4.2 ± 0.3`.
pub fn percent(spread: &Spread) -> String {
    spread.shown(100.0, 1)
}
