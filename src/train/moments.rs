//! Batch-norm re-estimation: the moments of many pictures take the place of the statistics in the file. After pruning or
//! training those in the file are of another network (arXiv 2007.02491).

use super::forward::{Normalisation, Normalised, forward};
use super::{TrainError, set_weights};
use crate::gpu::{Gpu, Session};
use crate::graph::{Graph, Sizes, ValueId};
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
            for (sums, moments) in sums.iter_mut().zip(&outputs) {
                let moments: Vec<f64> = moments.iter().map(|&moment| f64::from(moment)).collect();
                sums.add(&moments);
            }
        }
        let values = sums.iter().map(Sums::moments).collect();
        Ok(Some(Self { normalised: form.normalised, values }))
    }

    /// Sets the statistics of `graph`, which has the ids of the one that was measured. Normalisations that share theirs get the
    /// moments over what all of them read.
    ///
    /// # Errors
    /// [`TrainError::Weights`] where two share one of the two alone.
    pub fn set(&self, graph: &mut Graph) -> Result<(), TrainError> {
        let mut uses: BTreeMap<[ValueId; 2], Sums> = BTreeMap::new();
        for (norm, values) in self.normalised.iter().zip(&self.values) {
            uses.entry(norm.statistics).or_default().add(values);
        }
        let mut taken = BTreeSet::new();
        for statistic in uses.keys().flatten() {
            if !taken.insert(*statistic) {
                let value = graph.value(*statistic).name.clone();
                let reason = "normalisations share it that do not share mean and variance both".to_owned();
                return Err(TrainError::Weights { value, reason });
            }
        }
        for (statistics, sums) in uses {
            let floats: Vec<f32> = sums.moments().iter().map(|&value| value as f32).collect();
            set_weights(graph, &statistics, &floats);
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

/// Sums of `[mean, variance]`, and of the squares of the means.
#[derive(Default)]
struct Sums {
    count: usize,
    moments: Vec<f64>,
    squares: Vec<f64>,
}

impl Sums {
    fn add(&mut self, moments: &[f64]) {
        let means = &moments[..moments.len() / 2];
        self.count += 1;
        self.moments.resize(moments.len(), 0.0);
        self.squares.resize(means.len(), 0.0);
        self.moments.iter_mut().zip(moments).for_each(|(sum, moment)| *sum += moment);
        self.squares.iter_mut().zip(means).for_each(|(sum, mean)| *sum += mean.powi(2));
    }

    /// Mean and variance over everything.
    fn moments(&self) -> Vec<f64> {
        let count = self.count as f64;
        let mut moments: Vec<f64> = self.moments.iter().map(|sum| sum / count).collect();
        let channels = self.squares.len();
        for (channel, square) in self.squares.iter().enumerate() {
            let between = square / count - moments[channel].powi(2);
            moments[channels + channel] += between.max(0.0);
        }
        moments
    }
}
