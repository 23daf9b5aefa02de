//! A split of a data set on disk, matched against a model's inputs and outputs.

use super::input::Placement;
use super::labels::LabelSet;
use super::picture::{decode, dimensions};
use super::{DataError, InputFormat, Samples, Source, Task, TaskKind, TasksFile};
use crate::tensor::count;
use image::RgbImage;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// The inputs and outputs of a model: names and shapes `[N, C, …]`, in graph order.
#[derive(Clone, Debug, PartialEq)]
pub struct Signature {
    /// Inputs.
    pub inputs: Vec<(String, Vec<usize>)>,
    /// Outputs.
    pub outputs: Vec<(String, Vec<usize>)>,
}

/// The pictures and labels of one split, in the order of their names.
pub struct Dataset {
    stems: Vec<String>,
    inputs: Vec<Pictures>,
    labels: Vec<LabelSet>,
    tasks: Vec<Task>,
}

struct Pictures {
    format: InputFormat,
    size: [usize; 3],
    files: BTreeMap<String, PathBuf>,
}

impl Dataset {
    /// Opens the split `train` or `val` for a model. Pictures and labels are read when they are asked for.
    ///
    /// # Errors
    /// Names the task, file or folder that does not fit the model or cannot be read.
    pub fn open(file: &TasksFile, split: &str, model: &Signature) -> Result<Self, DataError> {
        let folder = file.split(split)?;
        let inputs = pictures(file, folder, model)?;
        let (mut labels, mut tasks) = (Vec::new(), Vec::new());
        for format in &file.tasks {
            let fail = |source| DataError::Task { path: file.path.clone(), source };
            for task in format.resolve(model).map_err(fail)? {
                let outputs = model.outputs.iter().map(|(name, shape)| (name.as_str(), shape.as_slice()));
                let output = task.find(outputs).map_err(fail)?[0];
                let shape = &model.outputs[output].1;
                check_names(&task, shape[1]).map_err(|reason| DataError::content(&file.path, reason))?;
                labels.push(LabelSet::open(&task, &format.labels, folder, image_size(shape))?);
                tasks.push(task);
            }
        }
        let stems = inputs[0].files.keys().cloned().collect();
        Ok(Self { stems, inputs, labels, tasks })
    }

    /// The tasks, in file order.
    pub fn tasks(&self) -> &[Task] {
        &self.tasks
    }

    /// The pictures' names without their endings, in order.
    pub fn stems(&self) -> &[String] {
        &self.stems
    }

    /// How every graph input shows pictures, and its size `[channels, height, width]`.
    pub fn formats(&self) -> impl Iterator<Item = (&InputFormat, [usize; 3])> {
        self.inputs.iter().map(|pictures| (&pictures.format, pictures.size))
    }

    /// Picture number `image` of graph input number `input`, as it is on disk.
    ///
    /// # Errors
    /// Names the file that cannot be read or decoded.
    ///
    /// # Panics
    /// If there is no such picture or input.
    pub fn picture(&self, input: usize, image: usize) -> Result<RgbImage, DataError> {
        Ok(decode(&self.inputs[input].files[&self.stems[image]])?.to_rgb8())
    }

    /// The same as the input shows it.
    ///
    /// # Errors
    /// As [`Dataset::picture`].
    ///
    /// # Panics
    /// If there is no such picture or input.
    pub fn fitted(&self, input: usize, image: usize) -> Result<RgbImage, DataError> {
        let pictures = &self.inputs[input];
        let [_, height, width] = pictures.size;
        Ok(pictures.format.fitted(&self.picture(input, image)?, height as u32, width as u32))
    }

    /// Keeps `images` pictures, chosen by `seed`, in the order they had; all where there are no more than that.
    pub fn subset(&mut self, images: usize, seed: u64) {
        let mut state = seed;
        let mut order: Vec<usize> = (0..self.stems.len()).collect();
        let chosen = images.min(order.len());
        for place in 0..chosen {
            let rest = (order.len() - place) as u64;
            order.swap(place, place + (split_mix(&mut state) % rest) as usize);
        }
        order.truncate(chosen);
        order.sort_unstable();
        self.stems = order.into_iter().map(|index| self.stems[index].clone()).collect();
    }
}

impl Source for Dataset {
    type Error = DataError;

    fn len(&self) -> usize {
        self.stems.len()
    }

    fn load(&self, images: Range<usize>) -> Result<Samples, DataError> {
        let stems = &self.stems[images];
        let pictures = |input: &Pictures| {
            stems.iter().map(|stem| input.format.read(&input.files[stem], input.size)).collect()
        };
        let labels = |set: &LabelSet| {
            stems.iter().map(|stem| set.read(stem, &|| self.inputs[0].place(stem))).collect()
        };
        Ok(Samples {
            inputs: self.inputs.iter().map(pictures).collect::<Result<_, _>>()?,
            labels: self.labels.iter().map(labels).collect::<Result<_, _>>()?,
            targets: Vec::new(),
        })
    }
}

impl Pictures {
    /// Where a picture is inside the input: left, top, width and height in pixels of the input.
    fn place(&self, stem: &str) -> Result<[f64; 4], DataError> {
        let [_, height, width] = self.size;
        let size = dimensions(&self.files[stem])?;
        let Placement { left, top, width, height } =
            self.format.placement(size, (width as u32, height as u32));
        Ok([left, top, width, height].map(f64::from))
    }
}

/// Names of classes go with outputs that have a channel for each; a detector's are checked with its layout.
fn check_names(task: &Task, channels: usize) -> Result<(), String> {
    let names = task.names.len();
    if names == 0 || names == channels || matches!(task.kind, TaskKind::Detection(..)) {
        return Ok(());
    }
    Err(format!("task {} names {names} classes, output {} has {channels}", task.name, task.shown()))
}

/// The splitmix64 generator.
fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// `[N, C, …, W]` as `[C, H, W]`, the middle axes joined.
fn image_size(shape: &[usize]) -> [usize; 3] {
    let rest = &shape[2..];
    let width = rest.last().copied().unwrap_or(1);
    [shape[1], count(rest) / width.max(1), width]
}

fn pictures(file: &TasksFile, folder: &Path, model: &Signature) -> Result<Vec<Pictures>, DataError> {
    let names: Vec<&str> = model.inputs.iter().map(|(name, _)| name.as_str()).collect();
    for (name, _) in file.inputs.iter().filter(|(name, _)| !name.is_empty()) {
        if !names.contains(&name.as_str()) {
            let reason = format!("the model has no input {name}; its inputs are {}", names.join(", "));
            return Err(DataError::content(&file.path, reason));
        }
    }
    let mut all: Vec<Pictures> = Vec::new();
    for (name, shape) in &model.inputs {
        let found = file.inputs.iter().find(|(key, _)| key == name || key.is_empty() && names.len() == 1);
        let Some((_, format)) = found else {
            return Err(DataError::content(
                &file.path,
                format!("expected a table [input.{name}], found none"),
            ));
        };
        if shape.len() != 4 {
            let reason = format!("input {name} of shape {shape:?} takes no pictures: expected [N, C, H, W]");
            return Err(DataError::content(&file.path, reason));
        }
        let path = folder.join(&format.images);
        let files = list(&path)?;
        if let Some(stem) = all.first().and_then(|first| first.files.keys().find(|s| !files.contains_key(*s)))
        {
            return Err(DataError::content(&path, format!("picture {stem} is missing for input {name}")));
        }
        all.push(Pictures { format: format.clone(), size: image_size(shape), files });
    }
    if all.is_empty() {
        return Err(DataError::content(&file.path, "the model has no inputs to give pictures to"));
    }
    Ok(all)
}

/// The PNG and JPEG files of a folder by their stems.
fn list(folder: &Path) -> Result<BTreeMap<String, PathBuf>, DataError> {
    let read = |source| DataError::read(folder, source);
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder).map_err(read)? {
        let path = entry.map_err(read)?.path();
        let ending = path.extension().and_then(OsStr::to_str).map(str::to_lowercase);
        let (Some("png" | "jpg" | "jpeg"), Some(stem)) =
            (ending.as_deref(), path.file_stem().and_then(OsStr::to_str))
        else {
            continue;
        };
        if let Some(other) = files.insert(stem.to_owned(), path.clone()) {
            let reason = format!("has the same name but for the ending as {}", other.display());
            return Err(DataError::content(&path, reason));
        }
    }
    if files.is_empty() {
        return Err(DataError::content(folder, "expected PNG or JPEG pictures, found none"));
    }
    Ok(files)
}

#[cfg(test)]
#[path = "dataset_tests.rs"]
mod tests;
