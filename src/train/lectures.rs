//! What a teacher says of the pictures of a data set, asked once before training and kept in a file.

use super::ahead::ahead;
use super::augment::Augmenter;
use super::batch::{Batch, Lesson};
use super::tutor::Tutor;
use super::{TrainError, tune};
use crate::tasks::Source;
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// A teacher's outputs for every picture as it is in the data set. The file is removed with it.
#[derive(Debug)]
pub struct Lectures {
    file: Mutex<File>,
    path: PathBuf,
    /// Floats of a picture.
    floats: usize,
    /// What of them which lesson learns from.
    parts: Vec<Part>,
}

#[derive(Clone, Copy, Debug)]
struct Part {
    lesson: usize,
    /// Channels, rows, columns.
    size: [usize; 3],
    at: usize,
}

impl Lectures {
    /// Has `tutor` look at all pictures of `source`, for those of `lessons` that are taught, and keeps what it says at
    /// `path`, for which `progress` is told how many pictures are done.
    ///
    /// # Errors
    /// [`TrainError`].
    pub fn hear<S: Source + Sync>(
        tutor: &mut Tutor,
        source: &S,
        lessons: &[Lesson],
        path: &Path,
        mut progress: impl FnMut(usize),
    ) -> Result<Self, TrainError> {
        let (mut parts, mut floats) = (Vec::new(), 0);
        for (lesson, goal) in lessons.iter().map(|lesson| &lesson.goal).enumerate() {
            if lessons[lesson].taught {
                let (channels, rest) = (goal.shape[0], &goal.shape[1..]);
                let width = if rest.is_empty() { 1 } else { rest[rest.len() - 1] };
                let pixels: usize = rest.iter().product();
                parts.push(Part { lesson, size: [channels, pixels / width, width], at: floats });
                floats += channels * pixels;
            }
        }
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(true).open(path)?;
        let heard = Self { file: Mutex::new(file), path: path.to_owned(), floats, parts };
        let (images, batch) = (source.len(), tutor.batch());
        let load = |at: usize| -> Result<Vec<Vec<f32>>, TrainError> {
            let first = at * batch;
            // The last batch is filled up with its last picture.
            let chosen: Vec<usize> = (first..first + batch).map(|at| at.min(images - 1)).collect();
            Ok(tune::load(source, &chosen)?.inputs.iter().map(|all| all.concat()).collect())
        };
        ahead((images.div_ceil(batch), tutor.on_cpu()), &load, |loaded| {
            for first in (0..images).step_by(batch) {
                let said = tutor.say(&loaded.next()?)?;
                let count = batch.min(images - first);
                heard.write(&said, (count, batch))?;
                progress(first + count);
            }
            Ok(heard)
        })
    }

    /// Appends the first `count` pictures of a batch's outputs, one output after another.
    fn write(&self, said: &[Vec<f32>], (count, batch): (usize, usize)) -> Result<(), TrainError> {
        let mut file = self.file.lock().map_err(|_| TrainError::Loader)?;
        for image in 0..count {
            for output in said {
                let floats = output.len() / batch;
                let own = &output[image * floats..(image + 1) * floats];
                file.write_all(bytemuck::cast_slice(own))?;
            }
        }
        Ok(())
    }

    /// Bytes of the file.
    pub fn bytes(&self, images: usize) -> u64 {
        4 * self.floats as u64 * images as u64
    }

    /// Fills in the labels of the taught `lessons` for the pictures `chosen`, changed as the pictures are in an epoch, and
    /// the factors of those that are relative to them.
    ///
    /// # Errors
    /// [`TrainError::Lectures`].
    pub fn fill(
        &self,
        batch: &mut Batch,
        lessons: &[Lesson],
        chosen: &[usize],
        change: Option<(&Augmenter, usize)>,
    ) -> Result<(), TrainError> {
        let inputs = batch.inputs.len() - 2 * lessons.len();
        let mut record = vec![0.0_f32; self.floats];
        for part in &self.parts {
            batch.inputs[inputs + 2 * part.lesson].clear();
        }
        for &image in chosen {
            {
                let mut file = self.file.lock().map_err(|_| TrainError::Loader)?;
                file.seek(SeekFrom::Start(self.bytes(image)))?;
                file.read_exact(bytemuck::cast_slice_mut(&mut record))?;
            }
            for &Part { lesson, size, at } in &self.parts {
                let mut planes = record[at..at + size.iter().product::<usize>()].to_vec();
                let Lesson { task, goal, relative, .. } = &lessons[lesson];
                if let Some((augmenter, epoch)) = change {
                    augmenter.change_said((epoch, image), (!relative).then_some(*task), &mut planes, size);
                }
                batch.inputs[inputs + 2 * lesson].extend(goal.taught(&planes));
            }
        }
        for (at, lesson) in lessons.iter().enumerate().filter(|(_, lesson)| lesson.relative) {
            let labels = &batch.inputs[inputs + 2 * at];
            let squares: f64 = labels.iter().map(|label| f64::from(*label).powi(2)).sum();
            let scale = if squares > 0.0 { lesson.weight / squares } else { 0.0 };
            batch.inputs[inputs + 2 * at + 1] = vec![scale as f32];
        }
        Ok(())
    }
}

impl Drop for Lectures {
    fn drop(&mut self) {
        // Nothing depends on whether it goes: the next training writes it anew.
        let _ = std::fs::remove_file(&self.path);
    }
}
