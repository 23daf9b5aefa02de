//! The order in which a unit's channels go at the least cost to what reads them, every loss being made up for.
//!
//! Let `G = E[x xᵀ]` be the products of a value's channels, of which the set `K` stays, `P` the inverse of `G` there, and
//! the rows of `A = P G[K, ..]` what least squares puts of each kept channel into all of them. Without channel `j` of `K`,
//! weights `W` that read the value lose the energy `|W A[j, ..]|² / P[j, j]` more (optimal brain surgeon, Hassibi and
//! Stork 1993). A channel that others make up for is cheap, however large it is. The sum of what went, the dropped energy,
//! is the suffix sum of `|V_j|²` of the order that results (`recover`), and so the error of the recovered prefix.

use super::Reader;
use super::fit::ridged;
use crate::graph::Graph;
use crate::tensor::{Tensor, count};

/// Costs that differ by no more, relatively, are equal: those of copies differ by rounding.
const EQUAL: f64 = 1e-9;

/// An order of a unit's coordinates, and what its prefixes cost.
#[derive(Clone, Debug, PartialEq)]
pub struct Energy {
    /// The coordinates, from the one that stays longest to the one that goes first.
    pub order: Vec<usize>,
    /// For every number of kept coordinates, none and all included: the share of the energy of what reads the unit that
    /// is lost though recovered, the mean over the weights that read it.
    pub dropped: Vec<f64>,
}

/// Takes away one coordinate after another, each time the one that costs least, of equal ones the last. `gram` is, for
/// each reader of the unit, a row-major square of the products of the value's channels. `None` where no reader has an
/// energy to lose.
pub fn energy(graph: &Graph, read: &[(Reader, Vec<f64>)]) -> Option<Energy> {
    let mut weights = 0;
    let mut readings = Vec::new();
    for (reader, gram) in read {
        let (count, demand) = demand(graph, reader, gram);
        let Some(inverse) = inverse(reader, gram).filter(|_| count > 0) else { continue };
        weights += count;
        readings.push(Reading { stride: reader.channels.len(), inverse, demand });
    }
    let mut left: Vec<usize> = (0..readings.first()?.stride).collect();
    let (mut order, mut dropped, mut sum) = (Vec::new(), vec![0.0], 0.0);
    while !left.is_empty() {
        let cost = |at: usize| readings.iter().map(|reading| reading.cost(at)).sum::<f64>();
        let costs: Vec<f64> = (0..left.len()).map(cost).collect();
        let bound = costs.iter().copied().fold(f64::INFINITY, f64::min) * (1.0 + EQUAL);
        let at = (0..left.len()).filter(|&at| costs[at] <= bound).max_by_key(|&at| left[at])?;
        sum += costs[at] / weights as f64;
        readings.iter_mut().for_each(|reading| reading.remove(at, left.len()));
        order.push(left.swap_remove(at));
        dropped.push(sum);
    }
    order.reverse();
    dropped.reverse();
    sum.is_finite().then_some(Energy { order, dropped })
}

/// What one value's readers need of the channels that are left.
struct Reading {
    stride: usize,
    /// `P`, row-major.
    inverse: Vec<f64>,
    /// `A Wᵀ W Aᵀ`, row-major.
    demand: Vec<f64>,
}

impl Reading {
    fn cost(&self, at: usize) -> f64 {
        let diagonal = at * self.stride + at;
        self.demand[diagonal] / self.inverse[diagonal]
    }

    /// Takes away the channel at `at` of the first `left`; the last of them takes its place.
    fn remove(&mut self, at: usize, left: usize) {
        let (stride, last) = (self.stride, left - 1);
        for square in [&mut self.inverse, &mut self.demand] {
            for k in 0..left {
                square.swap(at * stride + k, last * stride + k);
            }
            for row in square.chunks_mut(stride).take(left) {
                row.swap(at, last);
            }
        }
        let row = |square: &[f64]| square[last * stride..][..left].to_vec();
        let (gone, wanted) = (row(&self.inverse), row(&self.demand));
        let factors: Vec<f64> = gone.iter().map(|p| p / gone[last]).collect();
        for i in 0..last {
            let inverse = &mut self.inverse[i * stride..][..last];
            let demand = &mut self.demand[i * stride..][..last];
            let (factor, own) = (factors[i], wanted[i] - factors[i] * wanted[last]);
            for k in 0..last {
                inverse[k] -= factor * gone[k];
                demand[k] -= factor * wanted[k] + factors[k] * own;
            }
        }
    }
}

/// How many weights read a value that has an energy, and the sum of their `WᵀW`, each relative to the energy of what it
/// computes, at the unit's channels.
fn demand(graph: &Graph, reader: &Reader, gram: &[f64]) -> (usize, Vec<f64>) {
    let size = reader.channels.len();
    let (mut found, mut sum) = (0, vec![0.0; size * size]);
    for &(weight, axis) in &reader.weights {
        let Some(squares) = graph.constant(weight).and_then(|tensor| products(tensor, axis)) else {
            continue;
        };
        let whole: f64 = squares.iter().zip(gram).map(|(a, b)| a * b).sum();
        if !(whole.is_finite() && whole > 0.0) {
            continue;
        }
        found += 1;
        for (i, &row) in reader.channels.iter().enumerate() {
            for (j, &column) in reader.channels.iter().enumerate() {
                sum[i * size + j] += squares[row * reader.width + column] / whole;
            }
        }
    }
    (found, sum)
}

/// The sum of the products of every pair along `axis`, over all else: `WᵀW`, row-major.
fn products(weight: &Tensor, axis: usize) -> Option<Vec<f64>> {
    let (shape, values) = (weight.shape(), weight.f32s().ok()?);
    let (width, inner) = (shape[axis], count(&shape[axis + 1..]));
    let mut squares = vec![0.0; width * width];
    for outer in values.chunks(width * inner) {
        for offset in 0..inner {
            let line: Vec<f64> = (0..width).map(|k| f64::from(outer[k * inner + offset])).collect();
            for (row, a) in squares.chunks_mut(width).zip(&line) {
                row.iter_mut().zip(&line).for_each(|(sum, b)| *sum += a * b);
            }
        }
    }
    Some(squares)
}

/// The inverse of the products of the unit's channels, row-major.
fn inverse(reader: &Reader, gram: &[f64]) -> Option<Vec<f64>> {
    let inverse = ridged(reader, gram)?.cholesky()?.inverse();
    inverse.iter().all(|x| x.is_finite()).then(|| inverse.as_slice().to_vec())
}
