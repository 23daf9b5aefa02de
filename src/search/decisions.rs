//! Prunings that are already decided, by a search or without one: carried out unit by unit, as a search does it.

use super::Evaluator;
use super::driver::SearchError;
use super::journal::Visit;
use super::recovering::fits;
use super::state::Problem;
use crate::graph::Graph;
use crate::recover;
use crate::units::{Keeps, Units};

/// What becomes of one unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Its place in [`Units::units`].
    pub unit: usize,
    /// Its original coordinates, those that stay longest first.
    pub order: Vec<usize>,
    /// How many of them stay.
    pub keep: usize,
    /// Whether what reads it gets least-squares weights.
    pub recovered: bool,
}

impl Decision {
    /// What a visit decided; `None` where nothing went, or for a unit that is not among `units`.
    pub fn of(visit: &Visit, units: &Units) -> Option<Self> {
        let unit = units.units.iter().position(|unit| unit.id == visit.unit)?;
        let order = visit.order.clone();
        Some(Self { unit, order, keep: visit.accepted?, recovered: visit.recovered })
    }
}

/// Carries out `decisions` one after another, each on the network that the earlier ones left: what every unit keeps, in
/// ascending order, and the unpruned graph with the recovered weights, which are fitted on the evaluator's pictures for
/// that. Those of a search's visits give the search's outcome.
///
/// # Errors
/// [`SearchError::Evaluate`], [`SearchError::Compact`].
pub fn apply<E: Evaluator>(
    problem: Problem,
    decisions: &[Decision],
    evaluator: &mut E,
) -> Result<(Keeps, Graph), SearchError<E::Error>> {
    let (mut keeps, mut graph) = (problem.all(), problem.graph.clone());
    for Decision { unit, order, keep, recovered } in decisions {
        keeps[*unit].clone_from(order);
        if *recovered {
            let network = Problem { graph: &graph, ..problem }.network(&keeps)?;
            let fits = fits(&problem, evaluator, &network, *unit)?;
            for (weight, tensor) in recover::shipped(&network.graph, &fits, *keep) {
                problem.scatter(&mut graph, &keeps, (weight, &tensor));
            }
        }
        keeps[*unit].truncate(*keep);
    }
    Ok((Keeps(keeps).sorted(), graph))
}
