//! The loop: epochs of shuffled batches.

use super::ahead::{Ahead, ahead};
use super::batch::{Batch, Lesson, batch};
use super::{Assigner, Augmenter, Lectures, Settings, Stepped, TrainError, Trainer, Unassigned};
use crate::tasks::{Loss, Samples, Source, Task, TaskKind};

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
    /// What a teacher says, where lessons are taught.
    pub lectures: Option<&'a Lectures>,
    /// Says which cells of detectors answer for which boxes.
    pub assigner: Option<&'a mut Assigner>,
    /// Changes pictures from epoch to epoch.
    pub augmenter: Option<&'a Augmenter>,
}

/// Of so many steps one measures losses, which costs as much as a part of it.
const JUDGED: usize = 8;

/// Trains for the epochs that are left, given the steps that `trainer` has made.
///
/// # Errors
/// [`TrainError`]; [`TrainError::Diverged`] where gradients stay infinite.
pub fn tune<S: Source + Sync>(
    trainer: &mut Trainer,
    course: Course<'_, S>,
    (settings, follow): (&Settings, &mut dyn Follow),
) -> Result<(), TrainError> {
    let Course { source, tasks, lectures, mut assigner, augmenter } = course;
    let steps = source.len() / settings.batch;
    if steps == 0 {
        let (images, batch) = (source.len(), settings.batch);
        let reason = format!("{images} pictures do not fill a batch of {batch}");
        return Err(TrainError::NothingToTrain(reason));
    }
    let (lessons, thinning) = (trainer.lessons().to_vec(), trainer.thinning().clone());
    let on_cpu = trainer.session().gpu().is_cpu();
    let detects = tasks.iter().any(|task| matches!(task.kind, TaskKind::Detection(..)));
    let mut broken = 0;
    for number in trainer.steps() as usize / steps..settings.epochs {
        let start = std::time::Instant::now();
        let order = order(source.len(), settings.seed, number);
        let losses = vec![Loss::default(); tasks.len()];
        let mut turn = Turn { number, steps, losses, skipped: 0, broken };
        let change = augmenter.map(|augmenter| (augmenter, number));
        let make = |at: usize| -> Result<Made, TrainError> {
            let chosen = &order[at * settings.batch..][..settings.batch];
            let mut samples = load(source, chosen)?;
            if let Some((augmenter, epoch)) = change {
                augmenter.change(epoch, chosen, &mut samples);
            }
            thinning.of_labels(&mut samples);
            let mut made = if detects {
                Made::Unassigned(Unassigned::new(samples, &lessons))
            } else {
                Made::Whole(batch(&samples, &lessons))
            };
            if let Some(lectures) = lectures {
                lectures.fill(made.batch(), &lessons, chosen, change)?;
            }
            Ok(made)
        };
        ahead((steps, on_cpu), &make, |made| {
            let batches = Batches { made, assigner: assigner.as_deref_mut(), tasks, lessons: &lessons };
            turn.run(trainer, batches, (settings, follow))
        })?;
        broken = turn.broken;
        let losses = turn.losses.iter().map(|loss| loss.mean()).collect();
        let seconds = start.elapsed().as_secs_f64();
        follow.finished(trainer, &Epoch { epoch: number, losses, skipped: turn.skipped, seconds })?;
    }
    Ok(())
}

/// What the thread that reads pictures hands over.
enum Made {
    Whole(Batch),
    Unassigned(Unassigned),
}

impl Made {
    fn batch(&mut self) -> &mut Batch {
        match self {
            Self::Whole(batch) => batch,
            Self::Unassigned(unassigned) => &mut unassigned.batch,
        }
    }
}

/// Where batches come from.
struct Batches<'a, 'b> {
    made: &'a mut Ahead<'b, Result<Made, TrainError>>,
    assigner: Option<&'a mut Assigner>,
    tasks: &'a [Task],
    lessons: &'a [Lesson],
}

impl Batches<'_, '_> {
    fn next(&mut self) -> Result<Batch, TrainError> {
        match (self.made.next()?, self.assigner.as_deref_mut()) {
            (Made::Whole(batch), _) => Ok(batch),
            (Made::Unassigned(batch), Some(assigner)) => assigner.assign(batch, (self.tasks, self.lessons)),
            (Made::Unassigned(_), None) => Err(TrainError::Untaught),
        }
    }
}

/// An epoch that is under way.
struct Turn {
    number: usize,
    steps: usize,
    losses: Vec<Loss>,
    skipped: usize,
    /// Steps without effect, one after another.
    broken: usize,
}

impl Turn {
    /// Makes the steps. Each begins before the one before it ends, so that the device does not wait for the host.
    fn run(
        &mut self,
        trainer: &mut Trainer,
        mut batches: Batches<'_, '_>,
        (settings, follow): (&Settings, &mut dyn Follow),
    ) -> Result<(), TrainError> {
        let mut begun = None;
        for step in 0..self.steps {
            let batch = batches.next()?;
            let rate = settings.rate_at((self.number * self.steps + step) as f64 / self.steps as f64);
            let this = trainer.begin_step(&batch, rate, step.is_multiple_of(JUDGED))?;
            if let Some(before) = begun.replace(this) {
                self.add(step, &trainer.end_step(before)?, follow)?;
            }
        }
        match begun {
            Some(last) => self.add(self.steps, &trainer.end_step(last)?, follow),
            None => Ok(()),
        }
    }

    /// Takes in what the last of `done` steps gave.
    fn add(&mut self, done: usize, last: &Stepped, follow: &mut dyn Follow) -> Result<(), TrainError> {
        self.skipped += usize::from(!last.finite);
        self.broken = if last.finite { 0 } else { self.broken + 1 };
        self.losses.iter_mut().zip(&last.losses).for_each(|(sum, loss)| sum.add(*loss));
        follow.stepped(&Progress { epoch: self.number, step: done, steps: self.steps, last });
        if self.broken == MOST_BROKEN {
            return Err(TrainError::Diverged { epoch: self.number, step: done - 1 });
        }
        Ok(())
    }
}

/// So many steps one after another are without effect, because gradients are not finite, before training ends.
const MOST_BROKEN: usize = 8;

/// Some pictures, one after another.
pub(super) fn load<S: Source>(source: &S, chosen: &[usize]) -> Result<Samples, TrainError> {
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
