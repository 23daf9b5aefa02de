//! Cells: what is computed of a method at a size and a seed, each in a file of its own.

use crate::Fallible;
use crate::budget::Budget;
use crate::statistics::{Metric, mean_drop};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};

/// What decides which channels go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    Pagcp,
    Faithful,
    Random,
    Uniform,
    Global,
    Scratch,
}

impl Method {
    pub const ALL: [Self; 6] =
        [Self::Pagcp, Self::Faithful, Self::Random, Self::Uniform, Self::Global, Self::Scratch];

    /// Its name in files.
    pub fn id(self) -> &'static str {
        match self {
            Self::Pagcp => "pagcp",
            Self::Faithful => "faithful",
            Self::Random => "random",
            Self::Uniform => "uniform",
            Self::Global => "global",
            Self::Scratch => "scratch",
        }
    }

    /// Its name in tables.
    pub fn title(self) -> &'static str {
        match self {
            Self::Pagcp => "PAGCP as here",
            Self::Faithful => "PAGCP `--faithful`",
            Self::Random => "random channels",
            Self::Uniform => "uniform ratio",
            Self::Global => "L1, global",
            Self::Scratch => "shape of PAGCP, from scratch",
        }
    }
}

/// A row of the tables: a method, with or without recovery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Row {
    pub method: Method,
    pub recovered: bool,
}

impl Row {
    /// The subject of the comparison.
    pub const SUBJECT: Self = Self { method: Method::Pagcp, recovered: true };

    /// All rows; what starts from scratch has nothing to recover.
    pub fn all() -> Vec<Self> {
        let both = |method| [true, false].map(|recovered| Self { method, recovered });
        let rows = Method::ALL.into_iter().flat_map(both);
        rows.filter(|row| row.method != Method::Scratch || row.recovered).collect()
    }

    /// Its name in files.
    pub fn id(self) -> String {
        match (self.method, self.recovered) {
            (Method::Scratch, _) => self.method.id().to_owned(),
            (_, true) => format!("{}-recovered", self.method.id()),
            (_, false) => format!("{}-plain", self.method.id()),
        }
    }

    /// Its name in tables.
    pub fn title(self) -> String {
        match (self.method, self.recovered) {
            (Method::Scratch, _) => self.method.title().to_owned(),
            (_, true) => format!("{}, recovered", self.method.title()),
            (_, false) => self.method.title().to_owned(),
        }
    }
}

/// Which cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Key {
    pub row: Row,
    /// How much of the FLOPs is to go, in percent.
    pub point: f64,
    pub seed: u64,
}

impl Key {
    fn file(&self) -> String {
        format!("{}-{}-seed{}.json", self.row.id(), self.point, self.seed)
    }

    /// How long it takes, relative to others.
    pub fn weight(&self) -> f64 {
        120.0 - self.point
    }

    /// The share of FLOPs that may stay.
    pub fn left(&self) -> f64 {
        1.0 - self.point / 100.0
    }
}

/// All cells, seed by seed, so that a part of them is a table of fewer seeds.
pub fn keys(budget: &Budget) -> Vec<Key> {
    let of_seed = |seed| {
        let points = budget.points.iter();
        points.flat_map(move |&point| Row::all().into_iter().map(move |row| Key { row, point, seed }))
    };
    (0..budget.seeds).flat_map(of_seed).collect()
}

/// Seconds that a cell took.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Seconds {
    /// All searches that this point needed, those with too small limits included, whether or not other points share them.
    pub search: f64,
    /// Fitting recovered weights again.
    pub fit: f64,
    pub evaluate: f64,
    pub train: f64,
}

/// A result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cell {
    pub key: Key,
    /// The share of FLOPs that is left.
    pub flops: f64,
    /// The share of parameters; `None` where the FLOPs are more than those asked for.
    pub params: Option<f64>,
    /// Whether the FLOPs are at most those asked for; else nothing is trained.
    pub reached: bool,
    /// The limits of the search that decided, and how many it took to find them.
    pub rate: Option<f64>,
    pub searches: usize,
    /// The metric of every task before training; empty for what starts from scratch.
    pub pruned: Vec<f64>,
    /// The same after it.
    pub trained: Vec<f64>,
    pub seconds: Seconds,
}

impl Cell {
    /// In a line.
    pub fn told(&self, baseline: &Baseline) -> String {
        let Key { row, point, seed } = &self.key;
        let gone = 100.0 * (1.0 - self.flops);
        let name = format!("{}, {point} %, seed {seed}", row.title());
        if !self.reached {
            return format!("{name}: ends at {gone:.1} %");
        }
        let drop = |values: &[f64]| match mean_drop(&baseline.tasks, values) {
            Some(drop) => format!("{:.1} %", 100.0 * drop),
            None => "-".to_owned(),
        };
        let Seconds { search, fit, evaluate, train } = self.seconds;
        format!(
            "{name}: {gone:.1} % gone, mean drop {} before and {} after training; {search:.0} + {fit:.0} + {evaluate:.0} \
             + {train:.0} s",
            drop(&self.pruned),
            drop(&self.trained)
        )
    }
}

/// The unpruned network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    pub tasks: Vec<Metric>,
    /// FLOPs of a picture.
    pub flops: u64,
    pub params: u64,
    /// The device and its driver.
    pub device: String,
}

/// The folder of all that is computed.
pub struct Store {
    folder: PathBuf,
}

impl Store {
    /// Makes the folder, or goes on with one of the same budget.
    pub fn open(folder: &Path, budget: &Budget) -> Fallible<Self> {
        for part in ["cells", "searches"] {
            fs::create_dir_all(folder.join(part)).map_err(|e| format!("{}: {e}", folder.display()))?;
        }
        let path = folder.join("budget.json");
        match read::<Budget>(&path) {
            Some(found) if found != *budget => {
                let folder = folder.display();
                return Err(
                    format!("{folder} holds cells of another budget: {found:?}; take another --out").into()
                );
            }
            Some(_) => {}
            None => write(&path, budget)?,
        }
        Ok(Self { folder: folder.to_owned() })
    }

    /// The unpruned network.
    pub fn baseline(&self) -> Fallible<Baseline> {
        let path = self.folder.join("baseline.json");
        read(&path).ok_or_else(|| format!("{}: not there yet", path.display()).into())
    }

    pub fn put_baseline(&self, baseline: &Baseline) -> Fallible<()> {
        write(&self.folder.join("baseline.json"), baseline)
    }

    /// A cell that is done.
    pub fn cell(&self, key: &Key) -> Option<Cell> {
        read(&self.folder.join("cells").join(key.file()))
    }

    pub fn put(&self, cell: &Cell) -> Fallible<()> {
        write(&self.folder.join("cells").join(cell.key.file()), cell)
    }

    /// All cells that are done.
    pub fn cells(&self, budget: &Budget) -> Fallible<Vec<Cell>> {
        let cells: Vec<Cell> = keys(budget).iter().filter_map(|key| self.cell(key)).collect();
        if cells.is_empty() { Err("no cell is done".into()) } else { Ok(cells) }
    }

    /// Searches are kept there.
    pub fn searches(&self) -> PathBuf {
        self.folder.join("searches")
    }
}

/// The value in a file; `None` where there is no whole one.
pub fn read<T: DeserializeOwned>(path: &Path) -> Option<T> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

/// Writes a value under another name and renames it: a file is whole or not there.
pub fn write(path: &Path, value: &impl Serialize) -> Fallible<()> {
    let part = path.with_extension("part");
    let fail = |e: std::io::Error| format!("{}: {e}", path.display());
    fs::write(&part, serde_json::to_vec_pretty(value)?).map_err(fail)?;
    fs::rename(&part, path).map_err(fail)?;
    Ok(())
}
