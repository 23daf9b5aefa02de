//! The loop: epochs of shuffled batches.

use super::batch::{Batch, batch};
use super::{Augmenter, Settings, Stepped, TrainError, Trainer, Tutor};
use crate::tasks::{Loss, Samples, Source, Task};
use std::sync::mpsc::sync_channel;

/// How far a training is.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress<'a> {
    /// The epoch, from 0.
    pub epoch: usize,
    /// Steps of it that are done.
    pub step: usize,
    /// Steps of an epoch.
    pub steps: usize,
    /// What the last one gave.
    pub last: &'a Stepped,
}

/// One epoch's result.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Epoch {
    /// The epoch, from 0.
    pub epoch: usize,
    /// The mean loss of every task over one of eight batches of the epoch, before the step that it led to.
    pub losses: Vec<f64>,
    /// Steps whose gradients were not finite.
    pub skipped: usize,
    /// Seconds.
    pub seconds: f64,
}

/// Follows a training.
pub trait Follow {
    /// After each step.
    fn stepped(&mut self, progress: &Progress<'_>);

    /// After each epoch; an error ends the training.
    ///
    /// # Errors
    /// What the follower could not do.
    fn finished(&mut self, trainer: &mut Trainer, epoch: &Epoch) -> Result<(), TrainError>;
}

/// What a network is trained on, and with what help.
pub struct Course<'a, S> {
    /// Pictures and labels.
    pub source: &'a S,
    /// The tasks, in the order of the source's label lists.
    pub tasks: &'a [Task],
    /// Gives the labels of lessons that are taught.
    pub tutor: Option<&'a mut Tutor>,
    /// Changes pictures from epoch to epoch.
    pub augmenter: Option<&'a Augmenter>,
}

/// Of so many steps one measures losses, which costs as much as a part of it.
const JUDGED: usize = 8;

/// Batches that wait while the device computes.
const AHEAD: usize = 2;

/// Trains for the epochs that are left, given the steps that `trainer` has made.
///
/// # Errors
/// [`TrainError`]; [`TrainError::Diverged`] where gradients stay infinite.
pub fn tune<S: Source + Sync>(
    trainer: &mut Trainer,
    course: Course<'_, S>,
    (settings, follow): (&Settings, &mut dyn Follow),
) -> Result<(), TrainError> {
    let Course { source, tasks, mut tutor, augmenter } = course;
    let steps = source.len() / settings.batch;
    if steps == 0 {
        let (images, batch) = (source.len(), settings.batch);
        let reason = format!("{images} pictures do not fill a batch of {batch}");
        return Err(TrainError::NothingToTrain(reason));
    }
    let lessons = trainer.lessons().to_vec();
    // Steps without effect, one after another.
    let mut broken = 0;
    for epoch in trainer.steps() as usize / steps..settings.epochs {
        let start = std::time::Instant::now();
        let order = order(source.len(), settings.seed, epoch);
        let mut losses = vec![Loss::default(); tasks.len()];
        let mut skipped = 0;
        let broken = &mut broken;
        std::thread::scope(|scope| -> Result<(), TrainError> {
            let (send, receive) = sync_channel(AHEAD);
            let lessons = &lessons;
            scope.spawn(move || {
                for chosen in order.chunks_exact(settings.batch) {
                    let made = load(source, chosen).map(|mut samples| {
                        if let Some(augmenter) = augmenter {
                            augmenter.change(epoch, chosen, &mut samples);
                        }
                        batch(&samples, lessons)
                    });
                    if send.send(made).is_err() {
                        break;
                    }
                }
            });
            for step in 0..steps {
                let mut batch: Batch = receive.recv().map_err(|_| TrainError::Loader)??;
                if let Some(tutor) = tutor.as_deref_mut() {
                    tutor.teach(&mut batch, lessons)?;
                }
                let rate = settings.rate_at((epoch * steps + step) as f64 / steps as f64);
                let last = trainer.step(&batch, rate, step.is_multiple_of(JUDGED))?;
                skipped += usize::from(!last.finite);
                *broken = if last.finite { 0 } else { *broken + 1 };
                losses.iter_mut().zip(&last.losses).for_each(|(sum, loss)| sum.add(*loss));
                follow.stepped(&Progress { epoch, step: step + 1, steps, last: &last });
                if *broken == MOST_BROKEN {
                    return Err(TrainError::Diverged { epoch, step });
                }
            }
            Ok(())
        })?;
        let losses = losses.iter().map(|loss| loss.mean()).collect();
        let seconds = start.elapsed().as_secs_f64();
        follow.finished(trainer, &Epoch { epoch, losses, skipped, seconds })?;
    }
    Ok(())
}

/// So many steps one after another are without effect, because gradients are not finite, before training ends.
const MOST_BROKEN: usize = 8;

/// Some pictures, one after another.
fn load<S: Source>(source: &S, chosen: &[usize]) -> Result<Samples, TrainError> {
    let mut all = Samples::default();
    for &image in chosen {
        let one = source.load(image..image + 1).map_err(|error| TrainError::Source(Box::new(error)))?;
        all.inputs.resize(one.inputs.len(), Vec::new());
        all.labels.resize(one.labels.len(), Vec::new());
        all.inputs.iter_mut().zip(one.inputs).for_each(|(list, images)| list.extend(images));
        all.labels.iter_mut().zip(one.labels).for_each(|(list, words)| list.extend(words));
    }
    Ok(all)
}

/// The pictures of an epoch in a random order that follows from seed and epoch.
fn order(images: usize, seed: u64, epoch: usize) -> Vec<usize> {
    let mut state = seed ^ (epoch as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut order: Vec<usize> = (0..images).collect();
    for place in (1..images).rev() {
        order.swap(place, (split_mix(&mut state) % (place as u64 + 1)) as usize);
    }
    order
}

/// The splitmix64 generator.
pub(super) fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::order;

    #[test]
    fn every_picture_comes_once_and_seeds_differ() {
        let mut one = order(50, 1, 0);
        assert_ne!(one, order(50, 1, 1));
        assert_ne!(one, order(50, 2, 0));
        assert_eq!(one, order(50, 1, 0));
        one.sort_unstable();
        assert_eq!(one, (0..50).collect::<Vec<_>>());
    }
}
