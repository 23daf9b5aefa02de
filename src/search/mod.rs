//! The PAGCP search (arXiv 2303.11923): which channels of which units go. Units are visited by the FLOPs they free;
//! each is judged on the network that the earlier decisions left; the loss of every task, measured on data, decides
//! how much of it may go.

mod bracket;
mod close_in;
mod decisions;
mod driver;
mod faithful;
mod journal;
mod latency;
mod options;
mod recovering;
pub mod saliency;
mod scan;
pub mod schedule;
mod state;
#[cfg(test)]
mod tests;
mod unshared;

pub use decisions::{Decision, apply};
pub use driver::{Outcome, SearchError, search};
pub use journal::{Header, Journal, JournalError, Record, Scored, Visit};
pub use latency::{Granularity, LatencyTable, NodeMs, Point, Times, UnitTimes};
pub use options::{Options, Order, ScanMode, counts, visiting_order};
pub use state::{Hash, Problem, fingerprint};

pub use crate::tasks::{LEAST_BASE, Loss};

use crate::graph::{Graph, ValueId};
use crate::units::Units;

/// A task as the search sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskLimit {
    /// The task's name.
    pub name: String,
    /// The relative loss increase that the first unit may cause; `None` takes the search's rate.
    pub limit: Option<f64>,
    /// Where a relative increase is taken of a loss below this, it is taken of this; [`LEAST_BASE`] for most.
    pub floor: f64,
}

/// What the search asks of the world: the losses of candidate prunings of one network.
pub trait Evaluator {
    /// Its failure.
    type Error: std::error::Error + Send + Sync + 'static;

    /// The tasks, in the order of every loss list.
    fn tasks(&self) -> &[TaskLimit];

    /// Makes `graph` the network that the following candidates prune. Its units' channels are already in the order
    /// of which candidates keep prefixes. The candidates keep all of every unit but `varying`; `None` says nothing
    /// about them.
    fn prepare(&mut self, graph: &Graph, units: &Units, varying: Option<usize>) -> Result<(), Self::Error>;

    /// The loss of every task over the whole scoring set, for each candidate: a candidate is the number of kept
    /// coordinates of every unit, in the order of [`Units::units`].
    fn score(&mut self, candidates: &[Vec<usize>]) -> Result<Vec<Vec<Loss>>, Self::Error>;

    /// The losses of a candidate over the first pictures of the scoring set alone. It costs a small part of scoring it, and
    /// scoring it after that only the rest. `None` where there are too few pictures for that.
    fn probe(&mut self, candidate: &[usize]) -> Result<Part, Self::Error> {
        let _ = candidate;
        Ok(None)
    }

    /// For each of `values` of `graph`, the products of every pair of its channels, summed over the pixels of the
    /// pictures that recovery is fitted on: row-major squares. `None` for a value that is not computed when `graph`
    /// runs, and for all where there are no such pictures. The prepared network is gone afterwards.
    fn grams(&mut self, graph: &Graph, units: &Units, values: &[ValueId]) -> Result<Grams, Self::Error> {
        let _ = (graph, units);
        Ok(vec![None; values.len()])
    }

    /// The multiply-accumulates of everything that it has run so far, empty places of a last batch included.
    fn macs(&self) -> u64 {
        0
    }
}

/// What [`Evaluator::grams`] gives, one entry for each value.
pub type Grams = Vec<Option<Vec<f64>>>;

/// What [`Evaluator::probe`] gives: a loss for each task, where the candidates of the prepared network can differ in it.
pub type Part = Option<Vec<Option<Loss>>>;

/// Told how the search goes.
pub trait Observer {
    /// Unit number `done` of `total` is about to be visited.
    fn visiting(&mut self, done: usize, total: usize, unit: &str);
    /// A candidate of it was scored; `worst` is its largest loss relative to the current base over the tasks.
    fn scored(&mut self, keep: usize, channels: usize, worst: f64);
    /// The unit is settled.
    fn settled(&mut self, visit: &Visit);
}

/// An observer that does nothing.
#[derive(Debug, Default)]
pub struct Silent;

impl Observer for Silent {
    fn visiting(&mut self, _done: usize, _total: usize, _unit: &str) {}
    fn scored(&mut self, _keep: usize, _channels: usize, _worst: f64) {}
    fn settled(&mut self, _visit: &Visit) {}
}
