//! Recovery within the search: candidates scored with the weights that they would ship with.

use super::Evaluator;
use super::driver::{Driver, Scan, SearchError, worst_increase};
use super::journal::Visit;
use super::state::Network;
use crate::graph::ValueId;
use crate::recover::{self, Fit, readers};

impl<E: Evaluator> Driver<'_, E> {
    /// The fits of everything that reads a unit by weights.
    fn fits(&mut self, network: &Network, unit: usize) -> Result<Vec<Fit>, SearchError<E::Error>> {
        let Network { graph, units } = network;
        let kept = |value: usize| units.live_channels(&[], ValueId(value));
        let resized = |(value, shape): (usize, &Vec<usize>)| {
            let mut shape = shape.clone();
            if let (Some(extent), Some(channels)) = (shape.get_mut(units.axis(ValueId(value))), kept(value)) {
                *extent = channels;
            }
            shape
        };
        let shapes: Vec<Vec<usize>> = self.problem.shapes.iter().enumerate().map(resized).collect();
        let readers = readers(graph, &shapes, units, unit);
        let values: Vec<ValueId> = readers.iter().map(|reader| reader.value).collect();
        let grams = self.evaluator.grams(graph, units, &values).map_err(SearchError::Evaluate)?;
        Ok(readers.into_iter().zip(grams).filter_map(|(reader, gram)| Fit::new(reader, &gram?)).collect())
    }

    /// The network whose candidates are recovered, where the first candidate of a unit is better off in it.
    pub(super) fn recovering(
        &mut self,
        network: &Network,
        (unit, first): (usize, usize),
        scan: &Scan,
    ) -> Result<Option<Network>, SearchError<E::Error>> {
        let fits = self.fits(network, unit)?;
        if fits.is_empty() {
            return Ok(None);
        }
        let (graph, units) = recover::scored(&network.graph, &network.units, &fits);
        let recovered = Network { graph, units };
        let mut candidate: Vec<usize> = network.units.units.iter().map(|unit| unit.channels).collect();
        candidate[unit] = first;
        let mut worst = [0.0; 2];
        for (worst, network) in worst.iter_mut().zip([network, &recovered]) {
            self.prepare(network)?;
            let losses = self.evaluator.score(&[candidate.clone()]).map_err(SearchError::Evaluate)?;
            *worst = worst_increase(self.evaluator.tasks(), &losses[0], scan).0;
        }
        Ok((worst[1] < worst[0]).then_some(recovered))
    }

    /// Gives what reads an accepted unit its recovered weights.
    pub(super) fn ship(
        &mut self,
        unit: usize,
        keeps: &[Vec<usize>],
        visit: &Visit,
    ) -> Result<(), SearchError<E::Error>> {
        let (true, Some(keep)) = (visit.recovered, visit.accepted) else { return Ok(()) };
        let mut ordered = keeps.to_vec();
        ordered[unit] = visit.order.clone();
        let network = self.network(&ordered)?;
        let fits = self.fits(&network, unit)?;
        for (weight, tensor) in recover::shipped(&network.graph, &fits, keep) {
            self.problem.scatter(&mut self.graph, &ordered, (weight, &tensor));
        }
        Ok(())
    }
}
