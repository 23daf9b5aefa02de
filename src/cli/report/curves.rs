//! How a training went: losses and learning rate over its epochs, in pixels.

use super::plots::{COLOURS, Tick, WIDTH, polyline, ticks};
use crate::cli::summary::TrainingSummary;
use crate::train::Settings;
use serde::Serialize;

/// The height of the plot of the losses.
const HEIGHT: f64 = 240.0;
/// The height of the plot of the learning rate.
const RATE_HEIGHT: f64 = 60.0;
/// Points at which the learning rate is drawn.
const RATES: usize = 400;
/// Curves of no more epochs have a dot at each.
const DOTTED: usize = 40;

/// A task's losses.
#[derive(Debug, Serialize)]
pub struct Curve {
    name: String,
    colour: &'static str,
    /// The points of an SVG polyline.
    points: String,
    /// The same one by one.
    dots: Vec<(f64, f64)>,
    /// The first epoch's loss.
    first: f64,
    /// The last epoch's.
    last: f64,
}

/// A number on the axis of epochs.
#[derive(Debug, Serialize)]
pub struct EpochTick {
    x: f64,
    label: String,
}

/// What the page shows of a training.
#[derive(Debug, Serialize)]
pub struct Training<'a> {
    width: f64,
    height: f64,
    rate_height: f64,
    lines: Vec<Curve>,
    ticks: Vec<Tick>,
    epochs: Vec<EpochTick>,
    dotted: bool,
    /// Where a further round begins.
    rounds: Vec<f64>,
    /// The points of the learning rate.
    rates: String,
    /// The learning rate at its highest.
    rate: f64,
    skipped: usize,
    images: usize,
    seconds: f64,
    settings: &'a Settings,
}

/// The curves of a training, of one round or of several after another; nothing where it had no epochs.
pub fn curves<'a>(training: &'a TrainingSummary, names: &[String]) -> Option<Training<'a>> {
    let course = &training.course;
    let (first, last) = (course.first()?, course.last()?);
    let settings = training.settings.as_ref()?;
    let count = course.len() as f64;
    let x = |epochs: f64| WIDTH * epochs / count;
    let relative = |task: usize, loss: f64| loss / first.losses[task].abs().max(f64::MIN_POSITIVE);
    let finite = |task: usize| {
        let values =
            course.iter().enumerate().map(move |(at, epoch)| (at, relative(task, epoch.losses[task])));
        values.filter(|(_, value)| value.is_finite())
    };
    let values = (0..names.len()).flat_map(finite).map(|(_, value)| value);
    let high = values.fold(1.0, f64::max);
    let y = |value: f64| HEIGHT * (1.0 - value / high);
    let line = |(task, name): (usize, &String)| {
        // A loss is the mean over an epoch: it stands in the middle of it.
        let dots: Vec<(f64, f64)> = finite(task).map(|(at, value)| (x(at as f64 + 0.5), y(value))).collect();
        Curve {
            name: name.clone(),
            colour: COLOURS[task % COLOURS.len()],
            points: polyline(dots.iter().copied()),
            dots,
            first: first.losses[task],
            last: last.losses[task],
        }
    };
    let lines = names.iter().enumerate().map(line).collect();
    let ticks = ticks(0.0, high).into_iter().map(|value| Tick::new(y(value), format!("×{value:.2}")));
    let begins = (1..course.len()).filter(|&at| course[at].epoch == 0);
    let rates = (0..=RATES).map(|at| {
        let epochs = count * at as f64 / RATES as f64;
        (x(epochs), RATE_HEIGHT * (1.0 - rate_at(settings, epochs, course.len()) / settings.rate))
    });
    Some(Training {
        width: WIDTH,
        height: HEIGHT,
        rate_height: RATE_HEIGHT,
        lines,
        ticks: ticks.collect(),
        epochs: epoch_ticks(course.len(), x),
        dotted: course.len() <= DOTTED,
        rounds: begins.map(|at| x(at as f64)).collect(),
        rates: polyline(rates),
        rate: settings.rate,
        skipped: course.iter().map(|epoch| epoch.skipped).sum(),
        images: training.images,
        seconds: training.seconds,
        settings,
    })
}

/// The learning rate after `epochs` of `all` epochs, where every round of `settings.epochs` has the same.
fn rate_at(settings: &Settings, epochs: f64, all: usize) -> f64 {
    let of_round = settings.epochs as f64;
    // The end is that of the last round, not the beginning of another.
    let round = (epochs / of_round).floor().min(((all - 1) / settings.epochs) as f64);
    settings.rate_at(epochs - round * of_round)
}

fn epoch_ticks(count: usize, x: impl Fn(f64) -> f64) -> Vec<EpochTick> {
    let step = count.div_ceil(10).max(1);
    (0..=count).step_by(step).map(|at| EpochTick { x: x(at as f64), label: at.to_string() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::{Augment, Epoch, Normalisation, Rule};
    use std::collections::BTreeSet;

    fn summary(losses: &[(usize, f64)]) -> TrainingSummary {
        let epoch =
            |&(epoch, loss): &(usize, f64)| Epoch { epoch, losses: vec![loss], skipped: 1, seconds: 1.0 };
        let settings = Settings {
            epochs: 2,
            batch: 4,
            rule: Rule::ADAM_W,
            rate: 0.5,
            final_share: 0.01,
            warm_up: 0.0,
            decay: 0.0,
            clip: 0.0,
            average: 0.0,
            normalisation: Normalisation::Train,
            moment_images: 0,
            frozen: BTreeSet::new(),
            weights: vec![1.0],
            distil: 0.0,
            distil_features: 0.0,
            every: 1,
            augment: Augment::default(),
            seed: 0,
        };
        let course = losses.iter().map(epoch).collect();
        TrainingSummary { epochs: losses.len(), images: 8, seconds: 1.0, course, settings: Some(settings) }
    }

    #[test]
    fn losses_are_drawn_relative_to_the_first_and_rounds_are_marked() {
        let summary = summary(&[(0, 4.0), (1, 2.0), (0, 8.0), (1, f64::NAN)]);
        let found = curves(&summary, &["a".to_owned()]).unwrap();
        // Twice the first loss is the highest; one that is no number is left out.
        let expected = [(0.125, 0.5), (0.375, 0.75), (0.625, 0.0)];
        assert_eq!(found.lines[0].dots, expected.map(|(x, y)| (WIDTH * x, HEIGHT * y)));
        assert_eq!(found.rounds, [WIDTH * 0.5]);
        assert_eq!((found.skipped, found.lines[0].first), (4, 4.0));
        assert!(curves(&TrainingSummary { course: Vec::new(), ..summary.clone() }, &[]).is_none());
    }

    #[test]
    fn every_round_has_its_own_learning_rates() {
        let settings = summary(&[(0, 1.0)]).settings.unwrap();
        assert_eq!(rate_at(&settings, 0.0, 4), 0.5);
        assert_eq!(rate_at(&settings, 2.0, 4), 0.5);
        assert!((rate_at(&settings, 4.0, 4) - 0.005).abs() < 1e-12);
        assert_eq!(rate_at(&settings, 1.0, 4), rate_at(&settings, 3.0, 4));
    }
}
