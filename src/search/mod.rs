//! The PAGCP search: which channels of which units go.

pub use crate::tasks::Loss;

use crate::graph::Graph;
use crate::units::Units;

/// A task as the search sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskLimit {
    /// The task's name.
    pub name: String,
    /// The relative loss increase that the first unit may cause; `None` takes the search's rate.
    pub limit: Option<f64>,
}

/// What the search asks of the world: the losses of candidate prunings of one network.
pub trait Evaluator {
    /// Its failure.
    type Error: std::error::Error + Send + Sync + 'static;

    /// The tasks, in the order of every loss list.
    fn tasks(&self) -> &[TaskLimit];

    /// Makes `graph` the network that the following candidates prune. Its units' channels are already in the order
    /// of which candidates keep prefixes.
    fn prepare(&mut self, graph: &Graph, units: &Units) -> Result<(), Self::Error>;

    /// The loss of every task over the whole scoring set, for each candidate: a candidate is the number of kept
    /// coordinates of every unit, in the order of [`Units::units`].
    fn score(&mut self, candidates: &[Vec<usize>]) -> Result<Vec<Vec<Loss>>, Self::Error>;
}
