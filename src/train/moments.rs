//! Batch-norm re-estimation: the moments of many pictures take the place of the statistics in the file. After pruning or
//! training those in the file are of another network (arXiv 2007.02491).

use super::forward::{Normalisation, Normalised, forward};
use super::{TrainError, set_weights};
use crate::gpu::{Gpu, Session};
use crate::graph::{Graph, Sizes};
use crate::plan::build;
use crate::tasks::Source;
use crate::units::Units;
use std::collections::{BTreeMap, BTreeSet};

/// The moments of every batch normalisation over pictures.
#[derive(Clone, Debug)]
pub struct Moments {
    normalised: Vec<Normalised>,
    /// Mean and variance of every channel, of each.
    values: Vec<Vec<f64>>,
}

/// How moments are taken.
#[derive(Clone, Debug, PartialEq)]
pub struct MomentOptions {
    /// Pictures, from the beginning of the set; fewer where it has fewer.
    pub images: usize,
    /// Pictures in a run, whose own moments normalise them.
    pub batch: usize,
    /// Sizes of the model's symbolic dimensions other than the batch.
    pub symbols: BTreeMap<String, usize>,
}

impl Moments {
    /// Runs `graph` on pictures, batches normalising by their own moments; those are averaged, and the variance of
    /// their means is added. `None` where nothing normalises by statistics.
    ///
    /// # Errors
    /// [`TrainError`]; also where a picture cannot be read.
    pub fn measure<S: Source>(
        gpu: &Gpu,
        graph: &Graph,
        source: &S,
        options: &MomentOptions,
    ) -> Result<Option<Self>, TrainError> {
        let images = options.images.min(source.len());
        let batch = options.batch.min(images).max(1);
        let sizes = Sizes::new(batch, options.symbols.clone());
        let mut form = forward(graph, &sizes, Normalisation::Train, &BTreeSet::new())?;
        if form.normalised.is_empty() || images == 0 {
            return Ok(None);
        }
        form.graph.outputs = form.normalised.iter().map(|norm| norm.moments).collect();
        form.graph.edit().drop_dead_nodes();
        let plan = build(&form.graph, &form.shapes, &Units::default(), &gpu.plan_options(batch))?;
        let mut session = Session::new(gpu, plan, 0)?;
        let mut sums: Vec<Sums> = Vec::new();
        let runs = images / batch;
        for run in 0..runs {
            let samples = source
                .load(run * batch..(run + 1) * batch)
                .map_err(|error| TrainError::Source(Box::new(error)))?;
            let inputs: Vec<Vec<f32>> = samples.inputs.iter().map(|images| images.concat()).collect();
            let inputs: Vec<&[f32]> = inputs.iter().map(Vec::as_slice).collect();
            let outputs = session.run(&inputs)?;
            sums.resize_with(outputs.len(), Sums::default);
            sums.iter_mut().zip(&outputs).for_each(|(sums, moments)| sums.add(moments));
        }
        let values = sums.iter().map(|sums| sums.moments(runs)).collect();
        Ok(Some(Self { normalised: form.normalised, values }))
    }

    /// Sets the statistics of `graph`, which has the ids of the one that was measured.
    ///
    /// # Errors
    /// [`TrainError::Weights`] where two normalisations share theirs.
    pub fn set(&self, graph: &mut Graph) -> Result<(), TrainError> {
        let mut taken = BTreeSet::new();
        for (norm, values) in self.normalised.iter().zip(&self.values) {
            for statistic in norm.statistics {
                if !taken.insert(statistic) {
                    let value = graph.value(statistic).name.clone();
                    let reason = "several normalisations share it, each has moments of its own".to_owned();
                    return Err(TrainError::Weights { value, reason });
                }
            }
            let floats: Vec<f32> = values.iter().map(|&value| value as f32).collect();
            set_weights(graph, &norm.statistics, &floats);
        }
        debug_assert!(self.values.iter().all(|values| values.iter().all(|value| value.is_finite())));
        Ok(())
    }

    /// How many normalisations there are.
    pub fn len(&self) -> usize {
        self.normalised.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.normalised.is_empty()
    }
}

/// Sums over batches, of `[mean, variance]` and of the squares of the means.
#[derive(Default)]
struct Sums {
    moments: Vec<f64>,
    squares: Vec<f64>,
}

impl Sums {
    fn add(&mut self, moments: &[f32]) {
        self.moments.resize(moments.len(), 0.0);
        self.squares.resize(moments.len() / 2, 0.0);
        self.moments.iter_mut().zip(moments).for_each(|(sum, &moment)| *sum += f64::from(moment));
        let means = &moments[..moments.len() / 2];
        self.squares.iter_mut().zip(means).for_each(|(sum, &mean)| *sum += f64::from(mean).powi(2));
    }

    /// Mean and variance over everything.
    fn moments(&self, batches: usize) -> Vec<f64> {
        let batches = batches as f64;
        let mut moments: Vec<f64> = self.moments.iter().map(|sum| sum / batches).collect();
        let channels = self.squares.len();
        for (channel, square) in self.squares.iter().enumerate() {
            let between = square / batches - moments[channel].powi(2);
            moments[channels + channel] += between.max(0.0);
        }
        moments
    }
}
