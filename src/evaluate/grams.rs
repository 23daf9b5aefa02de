//! Channel products of values over a set of pictures.

use super::EvaluateError;
use super::network::{LARGEST_BATCH, Request, even_batch, joined};
use crate::gpu::{Gpu, Session};
use crate::graph::{Sizes, ValueId};
use crate::optimise::optimise;
use crate::plan::build_with_grams;
use crate::search::Grams;
use crate::tasks::Samples;
use crate::tensor::count;

/// For each of `values` the products of its channels over all of `samples`, where the network computes it.
pub(super) fn grams(
    gpu: &Gpu,
    request: &Request<'_>,
    samples: &Samples,
    values: &[ValueId],
) -> Result<Grams, EvaluateError> {
    let batch = request.options.batch.unwrap_or_else(|| even_batch(request.images, LARGEST_BATCH));
    let batch = batch.min(request.images);
    let sizes = Sizes::new(batch, request.options.symbols.clone());
    let graph = optimise(request.graph, &sizes)?.graph;
    let shapes = graph.infer(&sizes)?;
    let plan = build_with_grams(&graph, &shapes, request.units, &gpu.plan_options(batch), values)?;
    let mut session = Session::new(gpu, plan, 0)?;
    let found = session.plan().grams.clone();
    let mut sums: Grams = vec![None; values.len()];
    for first in (0..request.images).step_by(batch) {
        let images = first..request.images.min(first + batch);
        let mut inputs = Vec::new();
        for (port, list) in session.plan().inputs.iter().zip(&samples.inputs) {
            inputs.push(joined(&port.name, &list[images.clone()], count(&port.shape) / batch, batch, 0.0)?);
        }
        let inputs: Vec<&[f32]> = inputs.iter().map(Vec::as_slice).collect();
        session.run(&inputs)?;
        for gram in &found {
            let Some(at) = values.iter().position(|value| *value == gram.value) else { continue };
            let words = session.read_external(gram.external)?;
            let sums = sums[at].get_or_insert_with(|| vec![0.0; gram.places.len().pow(2)]);
            gram.add(&words, images.len(), sums);
        }
    }
    Ok(sums)
}
