//! Measures networks on a device: losses of candidate prunings for the search, losses and metrics for reports.

mod error;
mod grams;
mod network;
mod report;
mod scorer;
mod shared;
mod teacher;

pub use error::EvaluateError;
pub use report::{Report, Subject, TaskReport, evaluate};
pub use scorer::GpuEvaluator;
pub(crate) use teacher::answer;

use std::collections::BTreeMap;

/// How networks are measured. No result depends on the batch size, but for `mean_of_batches`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Images in one run; `None` takes as many as are worth it and fit.
    pub batch: Option<usize>,
    /// As many as are worth it, but no more than this.
    pub most: Option<usize>,
    /// Sizes of the model's symbolic dimensions other than the batch.
    pub symbols: BTreeMap<String, usize>,
    /// Weighs every batch's mean loss by its images, as PAGCP's reference code does, instead of adding sums and
    /// counts: a batch with few labels then counts as much as one with many.
    pub mean_of_batches: bool,
}

#[cfg(feature = "cli")]
mod signature {
    use super::{EvaluateError, Options};
    use crate::graph::{Graph, Sizes, ValueId};
    use crate::tasks::Signature;

    /// The inputs and outputs of a model, at one image, for a data set to be matched against.
    ///
    /// # Errors
    /// Where the graph has no shapes at these sizes.
    pub fn signature(graph: &Graph, options: &Options) -> Result<Signature, EvaluateError> {
        let shapes = graph.infer(&Sizes::new(1, options.symbols.clone()))?;
        let named = |list: &[ValueId]| {
            list.iter().map(|id| (graph.value(*id).name.clone(), shapes[id.0].clone())).collect()
        };
        Ok(Signature { inputs: named(&graph.inputs), outputs: named(&graph.outputs) })
    }
}
#[cfg(feature = "cli")]
pub use signature::signature;
