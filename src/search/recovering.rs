//! Recovery within the search: candidates scored with the weights that they would ship with.

use super::driver::{Driver, SearchError, Turn};
use super::journal::Visit;
use super::saliency::Criterion;
use super::scan::{Candidates, Scan, Scanned, worst};
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

/// The recovery of the candidates of a visit.
pub(super) struct Fitted {
    /// The pass and the unit.
    visit: (usize, usize),
    fits: Vec<Fit>,
    /// What is dropped of the energy of what reads the unit, for every kept count.
    dropped: Option<Vec<f64>>,
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

    /// The network whose candidates have recovered weights; `None` where nothing can be fitted.
    pub(super) fn recovered(
        &mut self,
        Candidates { network, turn, .. }: &Candidates,
    ) -> Result<Option<Network>, SearchError<E::Error>> {
        self.fitted = None;
        if !self.options.recover || self.options.faithful {
            return Ok(None);
        }
        let fits = fits(&self.problem, self.evaluator, network, turn.unit)?;
        if fits.is_empty() {
            return Ok(None);
        }
        let (graph, units) = recover::scored(&network.graph, &network.units, &fits);
        let dropped = recover::dropped(&network.graph, &fits);
        self.fitted = Some(Fitted { visit: (turn.pass, turn.unit), fits, dropped });
        Ok(Some(Network { graph, units }))
    }

    /// What recovery drops of the energy of what reads the unit, for every kept count; `None` where the prepared candidates have
    /// plain weights.
    pub(super) fn dropped(&self) -> Option<&[f64]> {
        self.fitted.as_ref()?.dropped.as_deref()
    }

    /// Scans the candidates of a unit one after another: with recovered weights, but for a unit of which nothing can be
    /// fitted, or whose first candidate breaks a limit that way and is no worse off plainly. And whether they had them.
    pub(super) fn ascend(
        &mut self,
        candidates: &Candidates,
    ) -> Result<(Scanned, bool), SearchError<E::Error>> {
        let start = match self.recovered(candidates)? {
            Some(network) => self.start(candidates, &network)?,
            None => {
                self.prepare(candidates.network, Some(candidates.turn.unit))?;
                Start::default()
            }
        };
        let recovered = start.recovered;
        Ok((self.scan(candidates, start)?, recovered))
    }

    /// Judges the first candidate in the network with recovered weights and, where it breaks a limit, in the plain one.
    fn start(&mut self, candidates: &Candidates, network: &Network) -> Result<Start, SearchError<E::Error>> {
        let judge = |driver: &Self, losses: &[Loss]| worst(driver.evaluator.tasks(), losses, candidates.scan);
        let recovered = self.first(candidates, network)?;
        let with = judge(self, &recovered);
        if with.broken.is_none() {
            return Ok(Start { recovered: true, first: Some(recovered) });
        }
        let plain = self.first(candidates, candidates.network)?;
        let without = judge(self, &plain);
        let recovers = without.broken.is_some() && with.increase < without.increase;
        self.fitted = self.fitted.take().filter(|_| recovers);
        Ok(Start { recovered: recovers, first: Some(if recovers { recovered } else { plain }) })
    }

    /// The losses of the first candidate in a network, which stays prepared.
    fn first(
        &mut self,
        candidates: &Candidates,
        network: &Network,
    ) -> Result<Vec<Loss>, SearchError<E::Error>> {
        self.prepare(network, Some(candidates.turn.unit))?;
        self.losses(candidates, candidates.tries[0])
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
            Some(Fitted { visit, fits, .. }) if visit == (turn.pass, turn.unit) => fits,
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
