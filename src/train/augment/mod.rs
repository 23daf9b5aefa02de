//! Pictures that are changed from epoch to epoch, with labels that stay right: mirrored, zoomed into, and in another
//! light. What is done to a picture follows from the seed, the epoch and the picture.

mod geometry;
mod light;
#[cfg(test)]
mod tests;

use super::TrainError;
use super::tune::split_mix;
use crate::tasks::{Samples, Task, TaskKind};
use geometry::View;
use serde::{Deserialize, Serialize};

/// How much pictures are changed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Augment {
    /// Whether half of the pictures are mirrored.
    pub flip: bool,
    /// The most that a part of a picture is enlarged to all of it, from 1 (not at all) to [`Augment::MOST_SCALE`].
    pub scale: f32,
    /// How much exposure, contrast and white balance vary: 0 for not at all, 1 as in the training of the bundled network
    /// (by 15 %, 15 % and 6 %), at most [`Augment::MOST_COLOR`].
    pub color: f32,
}

/// A graph input: its form, and how it follows from pixels.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    /// Channels, height, width.
    pub size: [usize; 3],
    /// What was subtracted from each channel; zeros where empty.
    pub mean: Vec<f32>,
    /// What each channel was divided by after that; ones where empty.
    pub std: Vec<f32>,
    /// What the largest pixel value was before that, the smallest having been 0.
    pub white: f32,
}

/// Changes pictures and their labels.
#[derive(Clone, Debug)]
pub struct Augmenter {
    settings: Augment,
    seed: u64,
    pictures: Vec<Picture>,
    labels: Vec<Labels>,
}

/// The labels of a task.
#[derive(Clone, Debug)]
struct Labels {
    kind: TaskKind,
    /// Planes of one picture, height, width.
    size: [usize; 3],
}

/// What is done to one picture.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Draw {
    view: View,
    exposure: f32,
    /// Of the first channels; others are as the last.
    balance: [f32; 3],
    contrast: f32,
}

impl Default for Augment {
    fn default() -> Self {
        Self { flip: false, scale: 1.0, color: 0.0 }
    }
}

impl Augment {
    /// The largest zoom.
    pub const MOST_SCALE: f32 = 4.0;
    /// The largest change of colours.
    pub const MOST_COLOR: f32 = 4.0;

    /// Why these settings, or they for `tasks`, are none: numbers out of range, or labels of which nothing says what
    /// becomes of them in a mirror or closer by.
    ///
    /// # Errors
    /// [`TrainError::Augment`], [`TrainError::Task`].
    pub fn check(&self, tasks: &[Task]) -> Result<(), TrainError> {
        for (name, value, range) in
            [("scale", self.scale, 1.0..=Self::MOST_SCALE), ("color", self.color, 0.0..=Self::MOST_COLOR)]
        {
            if !range.contains(&value) {
                let (least, most) = range.into_inner();
                return Err(TrainError::Augment(format!(
                    "{name} {value}: expected a number from {least} to {most}"
                )));
            }
        }
        let numbers = tasks.iter().find(|task| matches!(task.kind, TaskKind::Regression(_)));
        match numbers {
            Some(task) if self.flip || self.scale > 1.0 => Err(TrainError::Task {
                task: task.name.clone(),
                reason: "pictures cannot be mirrored or zoomed: what becomes of the numbers is not known"
                    .to_owned(),
            }),
            _ => Ok(()),
        }
    }

    /// Whether nothing is changed.
    pub fn is_off(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(feature = "cli")]
impl Picture {
    /// An input of a data set.
    pub fn new(format: &crate::tasks::InputFormat, size: [usize; 3]) -> Self {
        let (mean, std) = (format.mean.clone(), format.std.clone());
        Self { size, mean, std, white: 255.0 * format.scale }
    }
}

impl Augmenter {
    /// Changes the inputs `pictures` and labels for `tasks`, each with the size `[channels, height, width]` of its first
    /// output.
    ///
    /// # Errors
    /// As [`Augment::check`].
    pub fn new(
        settings: Augment,
        seed: u64,
        pictures: Vec<Picture>,
        (tasks, outputs): (&[Task], &[[usize; 3]]),
    ) -> Result<Self, TrainError> {
        settings.check(tasks)?;
        let labels = |(task, &[channels, height, width]): (&Task, &[usize; 3])| {
            let planes = match &task.kind {
                TaskKind::Segmentation | TaskKind::Classification => 1,
                TaskKind::Depth
                | TaskKind::Normals
                | TaskKind::Edges { .. }
                | TaskKind::Multilabel
                | TaskKind::Regression(_) => channels,
                // Boxes are not planes, and agreement has no labels.
                TaskKind::Detection(..) | TaskKind::Agreement(_) => 0,
            };
            Labels { kind: task.kind.clone(), size: [planes, height, width] }
        };
        let labels = tasks.iter().zip(outputs).map(labels).collect();
        Ok(Self { settings, seed, pictures, labels })
    }

    /// Changes `samples`, which are the pictures `chosen` of the data set, as is due in `epoch` (from 0). They have no
    /// targets yet.
    ///
    /// # Panics
    /// If an input or a label has another size than was said.
    pub fn change(&self, epoch: usize, chosen: &[usize], samples: &mut Samples) {
        assert!(samples.targets.is_empty(), "targets follow from pictures as they are");
        if self.settings.is_off() {
            return;
        }
        for (at, &image) in chosen.iter().enumerate() {
            let draw = self.draw(epoch, image);
            for (picture, images) in self.pictures.iter().zip(&mut samples.inputs) {
                self.change_picture(picture, &draw, &mut images[at]);
            }
            for (labels, words) in self.labels.iter().zip(&mut samples.labels) {
                self.change_labels(labels, &draw.view, &mut words[at]);
            }
        }
    }

    /// Changes what a teacher says of a picture for a task, or computes on the way, planes of `size`, as
    /// [`Augmenter::change`] does with the picture in an epoch.
    pub(super) fn change_said(
        &self,
        (epoch, image): (usize, usize),
        task: Option<usize>,
        planes: &mut Vec<f32>,
        size: [usize; 3],
    ) {
        let view = self.draw(epoch, image).view;
        if !view.is_whole() {
            *planes = view.blend(planes, size);
            if let Some(task) = task {
                geometry::turn(&self.labels[task].kind, &view, bytemuck::cast_slice_mut(planes));
            }
        }
    }

    /// What is done to a picture. No setting decides what is drawn for another.
    fn draw(&self, epoch: usize, image: usize) -> Draw {
        let mut state = self.seed;
        for number in [epoch, image] {
            state = split_mix(&mut state) ^ number as u64;
        }
        // 24 bits, exact in `f32`.
        let mut unit = || (split_mix(&mut state) >> 40) as f32 / (1 << 24) as f32;
        let Augment { flip, scale, color } = self.settings;
        let mirrored = unit() < 0.5 && flip;
        let zoom = 1.0 + unit() * (scale - 1.0);
        let room = 1.0 - 1.0 / f64::from(zoom);
        let [left, top] = [(); 2].map(|()| f64::from(unit()) * room);
        let mut vary = |share: f32| (2.0 * unit() - 1.0) * share * color;
        Draw {
            view: View { mirrored, zoom, left, top },
            exposure: vary(0.15),
            balance: [(); 3].map(|()| vary(0.06)),
            contrast: vary(0.15),
        }
    }

    fn change_picture(&self, picture: &Picture, draw: &Draw, floats: &mut Vec<f32>) {
        assert_eq!(floats.len(), picture.size.iter().product::<usize>(), "numbers of an input");
        if !draw.view.is_whole() {
            *floats = draw.view.blend(floats, picture.size);
        }
        if self.settings.color > 0.0 {
            light::change(floats, picture, draw);
        }
    }

    fn change_labels(&self, labels: &Labels, view: &View, words: &mut Vec<u32>) {
        if view.is_whole() {
            return;
        }
        match &labels.kind {
            TaskKind::Detection(..) => {
                let [_, height, width] = self.pictures[0].size;
                *words = view.boxes(words, [width as f64, height as f64]);
            }
            TaskKind::Agreement(_) => {}
            kind => {
                assert_eq!(words.len(), labels.size.iter().product::<usize>(), "words of a label");
                *words = view.pick(words, labels.size);
                geometry::turn(kind, view, words);
            }
        }
    }
}
