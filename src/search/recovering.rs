//! Recovery within the search: candidates scored with the weights that they would ship with.

use super::driver::{Driver, SearchError, Turn};
use super::journal::Visit;
use super::saliency::Criterion;
use super::scan::{Scan, worst_increase};
use super::state::{Network, Problem};
use super::{Evaluator, Loss};
use crate::graph::ValueId;
use crate::recover::{self, Fit, Reader, readers};

/// How the scan of a unit begins.
#[derive(Default)]
pub(super) struct Start {
    /// Whether the prepared network is the recovered one.
    pub recovered: bool,
    /// The losses of the first candidate, where they are known. Where it breaks a limit, the prepared network may be
    /// another one.
    pub first: Option<Vec<Loss>>,
}

/// A score for every coordinate of a unit, and what gave it where the search's criterion could not.
pub(super) type Ranked = (Vec<f64>, Option<Criterion>);

/// What reads a unit by weights, each with the products of the channels of what it reads.
type Products = Vec<(Reader, Vec<f64>)>;

impl<E: Evaluator> Driver<'_, E> {
    /// Ranks the coordinates of a unit.
    pub(super) fn scores(
        &mut self,
        network: &Network,
        unit: usize,
        scan: &Scan,
    ) -> Result<Ranked, SearchError<E::Error>> {
        let plain = || (scan.rank)(&network.graph, &network.units.units[unit]);
        if self.options.criterion != Criterion::Energy || self.options.faithful {
            return Ok((plain(), None));
        }
        let Some(energy) =
            recover::energy(&network.graph, &grams(&self.problem, self.evaluator, network, unit)?)
        else {
            return Ok((plain(), Some(Criterion::L2)));
        };
        let mut scores = vec![0.0; energy.order.len()];
        energy.order.iter().rev().enumerate().for_each(|(place, &k)| scores[k] = place as f64);
        Ok((scores, None))
    }

    /// Prepares the network whose candidates are scanned: the recovered one, but for a unit of which nothing can be
    /// fitted, or whose first candidate breaks a limit that way and is no worse off plainly.
    pub(super) fn recovering(
        &mut self,
        network: &Network,
        turn: &Turn,
        first: usize,
        scan: &Scan,
    ) -> Result<Start, SearchError<E::Error>> {
        let unit = turn.unit;
        let fits = fits(&self.problem, self.evaluator, network, unit)?;
        if fits.is_empty() {
            self.prepare(network, Some(unit))?;
            return Ok(Start::default());
        }
        let (graph, units) = recover::scored(&network.graph, &network.units, &fits);
        self.fitted = Some((turn.pass, unit, fits));
        let mut candidate: Vec<usize> = network.units.units.iter().map(|unit| unit.channels).collect();
        candidate[unit] = first;
        let recovered = self.first(&Network { graph, units }, unit, &candidate)?;
        let (worst, broken) = worst_increase(self.evaluator.tasks(), &recovered, scan);
        if broken.is_none() {
            return Ok(Start { recovered: true, first: Some(recovered) });
        }
        let plain = self.first(network, unit, &candidate)?;
        let (plainly, broken) = worst_increase(self.evaluator.tasks(), &plain, scan);
        let recovers = broken.is_some() && worst < plainly;
        Ok(Start { recovered: recovers, first: Some(if recovers { recovered } else { plain }) })
    }

    /// The losses of the first candidate in a network, which stays prepared.
    fn first(
        &mut self,
        network: &Network,
        unit: usize,
        candidate: &[usize],
    ) -> Result<Vec<Loss>, SearchError<E::Error>> {
        self.prepare(network, Some(unit))?;
        let mut losses = self.evaluator.score(&[candidate.to_vec()]).map_err(SearchError::Evaluate)?;
        Ok(losses.swap_remove(0))
    }

    /// Gives what reads an accepted unit its recovered weights.
    pub(super) fn ship(
        &mut self,
        turn: &Turn,
        keeps: &[Vec<usize>],
        visit: &Visit,
    ) -> Result<(), SearchError<E::Error>> {
        let (true, Some(keep)) = (visit.recovered, visit.accepted) else { return Ok(()) };
        let mut ordered = keeps.to_vec();
        ordered[turn.unit] = visit.order.clone();
        let network = self.network(&ordered)?;
        let fits = match self.fitted.take() {
            Some((pass, unit, fits)) if (pass, unit) == (turn.pass, turn.unit) => fits,
            _ => fits(&self.problem, self.evaluator, &network, turn.unit)?,
        };
        for (weight, tensor) in recover::shipped(&network.graph, &fits, keep) {
            self.problem.scatter(&mut self.graph, &ordered, (weight, &tensor));
        }
        Ok(())
    }
}

/// The fits of everything that reads a unit of `network` by weights.
pub(super) fn fits<E: Evaluator>(
    problem: &Problem,
    evaluator: &mut E,
    network: &Network,
    unit: usize,
) -> Result<Vec<Fit>, SearchError<E::Error>> {
    let grams = grams(problem, evaluator, network, unit)?;
    Ok(grams.into_iter().filter_map(|(reader, gram)| Fit::new(reader, &gram)).collect())
}

/// Everything that reads a unit of `network` by weights and whose products the evaluator knows.
fn grams<E: Evaluator>(
    problem: &Problem,
    evaluator: &mut E,
    network: &Network,
    unit: usize,
) -> Result<Products, SearchError<E::Error>> {
    let Network { graph, units } = network;
    let kept = |value: usize| units.live_channels(&[], ValueId(value));
    let resized = |(value, shape): (usize, &Vec<usize>)| {
        let mut shape = shape.clone();
        if let (Some(extent), Some(channels)) = (shape.get_mut(units.axis(ValueId(value))), kept(value)) {
            *extent = channels;
        }
        shape
    };
    let shapes: Vec<Vec<usize>> = problem.shapes.iter().enumerate().map(resized).collect();
    let readers = readers(graph, &shapes, units, unit);
    let values: Vec<ValueId> = readers.iter().map(|reader| reader.value).collect();
    let grams = evaluator.grams(graph, units, &values).map_err(SearchError::Evaluate)?;
    Ok(readers.into_iter().zip(grams).filter_map(|(reader, gram)| Some((reader, gram?))).collect())
}
