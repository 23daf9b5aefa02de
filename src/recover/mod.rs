//! Least-squares recovery: when channels go, the weights of what reads them make up for it as well as weights can.
//!
//! Of a value `x` whose channels are in saliency order, let `G = E[x xᵀ] = L Lᵀ` over pixels and pictures. The best
//! reconstruction of `W x` from the first `k` channels has the weights `W G[:, ..k] G[..k, ..k]⁻¹`. With `z = L⁻¹ x` and
//! `V = W L` it is `V[:, ..k] z[..k]` for every `k` at once: a network that computes `z` by a triangular 1x1
//! convolution and reads it by `V` is, for every prefix that is kept, the recovered network. So candidates are scored
//! with the weights that they would ship with, as prefixes, and nothing is copied for any of them.

mod energy;
mod fit;
mod readers;
#[cfg(test)]
mod tests;

pub use energy::{Energy, energy};
pub use fit::Fit;
pub use readers::{Form, Reader, readers};

use crate::graph::{Graph, ValueId};
use crate::tensor::Tensor;
use crate::units::Units;

/// The network that is, for every kept prefix of the fitted unit, the recovered one, with its units.
pub fn scored(graph: &Graph, units: &Units, fits: &[Fit]) -> (Graph, Units) {
    let (mut graph, mut units) = (graph.clone(), units.clone());
    for fit in fits {
        fit.insert(&mut graph, &mut units);
    }
    (graph, units)
}

/// The weights of every fitted reader when the first `keep` coordinates stay; columns of the others are as they were.
pub fn shipped(graph: &Graph, fits: &[Fit], keep: usize) -> Vec<(ValueId, Tensor)> {
    fits.iter().flat_map(|fit| fit.shipped(graph, keep)).collect()
}

/// For every number of kept coordinates, none and all included: the share of the energy of what reads the fitted unit that is
/// lost though it is recovered, the mean over the weights that read it. Coordinates are in the order of the fits. `None` where
/// nothing has an energy to lose.
pub fn dropped(graph: &Graph, fits: &[Fit]) -> Option<Vec<f64>> {
    let curves: Vec<Vec<f64>> = fits.iter().flat_map(|fit| fit.dropped(graph)).collect();
    let points = curves.iter().map(Vec::len).min()?;
    let mean = |keep| curves.iter().map(|curve| curve[keep]).sum::<f64>() / curves.len() as f64;
    Some((0..points).map(mean).collect())
}
