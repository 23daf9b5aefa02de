//! Channel products of values over a set of pictures.

use super::EvaluateError;
use super::network::{LARGEST_BATCH, Request, even_batch};
use super::shared::{Head, Set, Whole, keys};
use crate::gpu::Gpu;
use crate::graph::{Sizes, ValueId};
use crate::optimise::optimise;
use crate::search::Grams;

/// For each of `values` the products of its channels over a set, where the network computes it; and the
/// multiply-accumulates that were executed.
pub(super) fn grams(
    gpu: &Gpu,
    request: &Request<'_>,
    set: &mut Set,
    values: &[ValueId],
) -> Result<(Grams, u64), EvaluateError> {
    let batch = request.options.batch.unwrap_or_else(|| even_batch(request.images, LARGEST_BATCH));
    let batch = batch.min(request.images);
    let sizes = Sizes::new(batch, request.options.symbols.clone());
    let graph = optimise(request.graph, &sizes)?.graph;
    let shapes = graph.infer(&sizes)?;
    let whole = Whole { graph: &graph, shapes: &shapes, units: request.units, batch };
    let computed = |value: &&ValueId| graph.nodes.iter().any(|node| node.outputs.contains(value));
    let wanted: Vec<ValueId> = values.iter().filter(computed).copied().collect();
    let mut sums: Grams = vec![None; values.len()];
    if wanted.is_empty() {
        return Ok((sums, 0));
    }
    set.next_turn();
    let mut head = Head::summing(gpu, (&whole, &keys(&whole)), set, &wanted)?;
    let found = head.piece.session.plan().grams.clone();
    for first in (0..request.images).step_by(batch) {
        let images = first..request.images.min(first + batch);
        let count = images.len();
        head.run(set, images)?;
        for gram in &found {
            let words = head.piece.session.read_external(gram.external)?;
            for (_, sums) in values.iter().zip(&mut sums).filter(|(value, _)| **value == gram.value) {
                gram.add(&words, count, sums.get_or_insert_with(|| vec![0.0; gram.places.len().pow(2)]));
            }
        }
    }
    let runs = request.images.div_ceil(batch) as u64;
    Ok((sums, runs * head.piece.macs(&[])))
}
