//! Labels on disk: one file per picture, or one table for all, as label words (see [`super::Samples`]).

use super::boxes;
use super::picture::{decode, read_npy};
use super::{DataError, LabelFormat, Task, TaskKind, UNLABELLED};
use image::DynamicImage;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The labels of one task in one split.
pub(super) struct LabelSet {
    task: Task,
    format: LabelFormat,
    folder: PathBuf,
    /// Of the output: channels, height, width.
    size: [usize; 3],
    table: Option<Table>,
}

/// A `NAME.csv`: for each picture its line number and cells.
struct Table {
    path: PathBuf,
    rows: BTreeMap<String, (usize, Vec<String>)>,
}

/// Where a picture is inside the input: left, top, width and height in pixels of the input.
pub(super) type Place<'a> = dyn Fn() -> Result<[f64; 4], DataError> + 'a;

/// Two- or three-dimensional contents of a label file, row-major.
enum Plane {
    Grey8(Vec<u8>),
    Grey16(Vec<u16>),
    Rgb(Vec<u8>),
}

impl LabelSet {
    /// Opens the labels of `task` for outputs `[channels, height, width]`; tables are read, pictures are not.
    pub(super) fn open(
        task: &Task,
        format: &LabelFormat,
        split: &Path,
        size: [usize; 3],
    ) -> Result<Self, DataError> {
        let folder = split.join(&format.folder);
        let csv = split.join(format!("{}.csv", format.folder));
        let table = match &task.kind {
            TaskKind::Classification | TaskKind::Multilabel => Some(Table::read(csv)?),
            TaskKind::Regression(_) if csv.exists() => Some(Table::read(csv)?),
            TaskKind::Regression(_)
            | TaskKind::Segmentation
            | TaskKind::Depth
            | TaskKind::Normals
            | TaskKind::Edges { .. }
            | TaskKind::Detection(..)
            | TaskKind::Agreement(_) => None,
        };
        Ok(Self { task: task.clone(), format: format.clone(), folder, size, table })
    }

    /// The label words of one picture; `place` says where it is inside the input.
    pub(super) fn read(&self, stem: &str, place: &Place) -> Result<Vec<u32>, DataError> {
        match &self.task.kind {
            TaskKind::Detection(detector, _) => {
                let path = self.folder.join(format!("{stem}.txt"));
                if !path.exists() {
                    return Err(self.missing(&path, stem));
                }
                boxes::read(&path, detector.classes, place()?)
            }
            TaskKind::Agreement(_) => Ok(Vec::new()),
            TaskKind::Segmentation => self.classes(stem),
            TaskKind::Depth => self.depth(stem),
            TaskKind::Normals => self.normals(stem),
            TaskKind::Edges { .. } => self.edges(stem),
            TaskKind::Classification => self.cells(stem, 1, |cell| self.class(cell.parse().ok()?)),
            TaskKind::Multilabel => self.cells(stem, self.words(), |cell| match cell {
                "0" => Some(0),
                "1" => Some(1),
                _ => None,
            }),
            TaskKind::Regression(_) if self.table.is_some() => {
                let number = |cell: &str| cell.parse::<f32>().ok().filter(|value| value.is_finite());
                self.cells(stem, self.words(), |cell| number(cell).map(f32::to_bits))
            }
            TaskKind::Regression(_) => self.numbers(stem),
        }
    }

    fn words(&self) -> usize {
        let [channels, height, width] = self.size;
        self.task.kind.label_words(channels, height * width)
    }

    fn missing(&self, path: &Path, stem: &str) -> DataError {
        DataError::MissingLabel { path: path.to_owned(), stem: stem.into(), task: self.task.name.clone() }
    }

    /// A class index as a label word; `None` where there is no such class.
    fn class(&self, index: u32) -> Option<u32> {
        match index {
            index if self.format.ignore == Some(index) => Some(UNLABELLED),
            index if (index as usize) < self.size[0] => Some(index),
            _ => None,
        }
    }

    /// The picture of one label, checked to have the output's size.
    fn plane(&self, stem: &str) -> Result<(PathBuf, Plane), DataError> {
        let path = self.folder.join(format!("{stem}.png"));
        if !path.exists() {
            return Err(self.missing(&path, stem));
        }
        let picture = decode(&path)?;
        let [_, height, width] = self.size;
        let (found_width, found_height) = (picture.width() as usize, picture.height() as usize);
        if (found_height, found_width) != (height, width) {
            let reason = format!(
                "labels of task {} must be {width}x{height} as its output is, found {found_width}x{found_height}",
                self.task.name
            );
            return Err(DataError::content(&path, reason));
        }
        match picture {
            DynamicImage::ImageLuma8(grey) => Ok((path, Plane::Grey8(grey.into_raw()))),
            DynamicImage::ImageLuma16(grey) => Ok((path, Plane::Grey16(grey.into_raw()))),
            DynamicImage::ImageRgb8(rgb) => Ok((path, Plane::Rgb(rgb.into_raw()))),
            other => {
                let reason = format!("expected 8-bit or 16-bit grey or 8-bit RGB, found {:?}", other.color());
                Err(DataError::content(&path, reason))
            }
        }
    }

    fn classes(&self, stem: &str) -> Result<Vec<u32>, DataError> {
        let (path, plane) = self.plane(stem)?;
        let indices: Vec<u32> = match plane {
            Plane::Grey8(values) => values.into_iter().map(u32::from).collect(),
            Plane::Grey16(values) => values.into_iter().map(u32::from).collect(),
            Plane::Rgb(_) => {
                let reason = "expected class indices as a grey PNG, found colours (RGB or a palette)";
                return Err(DataError::content(&path, reason));
            }
        };
        let word = |(pixel, index): (usize, &u32)| {
            self.class(*index).ok_or_else(|| {
                let reason = format!(
                    "class {index} at pixel {} is out of range: output {} has classes 0 to {}",
                    self.position(pixel),
                    self.task.shown(),
                    self.size[0] - 1
                );
                DataError::content(&path, reason)
            })
        };
        indices.iter().enumerate().map(word).collect()
    }

    fn position(&self, pixel: usize) -> String {
        let width = self.size[2];
        format!("({}, {})", pixel % width, pixel / width)
    }

    fn depth(&self, stem: &str) -> Result<Vec<u32>, DataError> {
        let npy = self.folder.join(format!("{stem}.npy"));
        if npy.exists() {
            return self.depth_array(&npy);
        }
        let (path, plane) = self.plane(stem)?;
        let Plane::Grey16(steps) = plane else {
            return Err(DataError::content(&path, "expected depth as a 16-bit grey PNG, found 8 bits"));
        };
        let Some(unit) = self.format.unit else {
            let reason = format!("task {} needs unit (metres per step) to read it", self.task.name);
            return Err(DataError::content(&path, reason));
        };
        Ok(steps.into_iter().map(|step| metres(f32::from(step) * unit)).collect())
    }

    fn depth_array(&self, path: &Path) -> Result<Vec<u32>, DataError> {
        let values = self.array(path)?;
        if let Some(pixel) = values.iter().position(|value| *value < 0.0 || value.is_infinite()) {
            let reason = format!("depth {} at pixel {} is no distance", values[pixel], self.position(pixel));
            return Err(DataError::content(path, reason));
        }
        Ok(values.into_iter().map(metres).collect())
    }

    fn normals(&self, stem: &str) -> Result<Vec<u32>, DataError> {
        let (path, plane) = self.plane(stem)?;
        let Plane::Rgb(bytes) = plane else {
            return Err(DataError::content(&path, "expected normals as an 8-bit RGB PNG, found grey"));
        };
        let pixels = bytes.len() / 3;
        let mut words = vec![UNLABELLED; bytes.len()];
        for (pixel, rgb) in bytes.chunks_exact(3).enumerate() {
            if rgb == [0, 0, 0] {
                continue;
            }
            let direction = [rgb[0], rgb[1], rgb[2]].map(|byte| f64::from(byte) / 127.5 - 1.0);
            let length = direction.iter().map(|x| x * x).sum::<f64>().sqrt();
            for (axis, x) in direction.into_iter().enumerate() {
                words[axis * pixels + pixel] = ((x / length) as f32).to_bits();
            }
        }
        Ok(words)
    }

    fn edges(&self, stem: &str) -> Result<Vec<u32>, DataError> {
        let (path, plane) = self.plane(stem)?;
        let Plane::Grey8(values) = plane else {
            return Err(DataError::content(&path, "expected a binary map as an 8-bit grey PNG"));
        };
        Ok(values.into_iter().map(|value| u32::from(value > 127)).collect())
    }

    fn numbers(&self, stem: &str) -> Result<Vec<u32>, DataError> {
        let path = self.folder.join(format!("{stem}.npy"));
        if !path.exists() {
            return Err(self.missing(&path, stem));
        }
        let values = self.array(&path)?;
        if let Some(at) = values.iter().position(|value| value.is_infinite()) {
            return Err(DataError::content(&path, format!("element {at} is infinite")));
        }
        Ok(values
            .into_iter()
            .map(|value| if value.is_nan() { UNLABELLED } else { value.to_bits() })
            .collect())
    }

    /// An array of the output's form; leading dimensions of 1 may be left out, and those between channels and columns joined.
    fn array(&self, path: &Path) -> Result<Vec<f32>, DataError> {
        let (shape, values) = read_npy(path)?;
        if !is_of(&shape, &self.size) {
            let reason =
                format!("expected an array of shape {:?} as the output's, found {shape:?}", self.size);
            return Err(DataError::content(path, reason));
        }
        Ok(values)
    }

    fn cells(
        &self,
        stem: &str,
        expected: usize,
        word: impl Fn(&str) -> Option<u32>,
    ) -> Result<Vec<u32>, DataError> {
        let table = self.table.as_ref().expect("this kind opened its table");
        let Some((line, cells)) = table.rows.get(stem) else {
            return Err(self.missing(&table.path, stem));
        };
        let fail = |reason| DataError::content(&table.path, format!("line {line}, {stem}: {reason}"));
        if cells.len() != expected {
            return Err(fail(format!("expected {expected} labels, found {}", cells.len())));
        }
        let parse = |cell: &String| word(cell).ok_or_else(|| fail(self.bad_cell(cell)));
        cells.iter().map(parse).collect()
    }

    fn bad_cell(&self, cell: &str) -> String {
        let expected = match &self.task.kind {
            TaskKind::Multilabel => "0 or 1".to_owned(),
            TaskKind::Regression(_) => "a finite number".to_owned(),
            TaskKind::Segmentation
            | TaskKind::Classification
            | TaskKind::Depth
            | TaskKind::Normals
            | TaskKind::Edges { .. }
            | TaskKind::Detection(..)
            | TaskKind::Agreement(_) => {
                format!("a class from 0 to {}", self.size[0] - 1)
            }
        };
        format!("expected {expected}, found {cell:?}")
    }
}

/// A depth as a label word; 0 and NaN are no label.
fn metres(depth: f32) -> u32 {
    if depth > 0.0 { depth.to_bits() } else { UNLABELLED }
}

impl Table {
    fn read(path: PathBuf) -> Result<Self, DataError> {
        let text = fs::read_to_string(&path).map_err(|source| DataError::read(&path, source))?;
        let mut rows = BTreeMap::new();
        for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let mut cells = line.split(',').map(|cell| cell.trim().to_owned());
            let stem = cells.next().expect("split yields at least one part");
            if rows.insert(stem.clone(), (index + 1, cells.collect())).is_some() {
                return Err(DataError::content(&path, format!("line {}: {stem} occurs twice", index + 1)));
            }
        }
        Ok(Self { path, rows })
    }
}

/// Whether an array of `shape` holds channels, rows and columns of `size`, dimensions of 1 aside.
fn is_of(shape: &[usize], size: &[usize; 3]) -> bool {
    let trim = |shape: &[usize]| -> Vec<usize> { shape.iter().copied().filter(|side| *side != 1).collect() };
    let joined = |shape: &[usize]| match *shape {
        [channels, ref rows @ .., columns] if rows.len() > 1 => {
            vec![channels, rows.iter().product(), columns]
        }
        _ => shape.to_vec(),
    };
    let ones = shape.iter().take_while(|side| **side == 1).count();
    (0..=ones).any(|first| trim(&joined(&shape[first..])) == trim(size))
}

#[cfg(test)]
mod tests {
    use super::is_of;

    #[test]
    fn arrays_have_the_form_of_the_output() {
        let fitting: [(&[usize], [usize; 3]); 7] = [
            (&[3, 8, 9], [3, 8, 9]),
            (&[1, 3, 8, 9], [3, 8, 9]),
            (&[8, 9], [1, 8, 9]),
            (&[5], [5, 1, 1]),
            (&[1, 5], [5, 1, 1]),
            (&[3, 4, 2, 9], [3, 8, 9]),
            (&[1, 1, 4, 2, 9], [1, 8, 9]),
        ];
        assert!(fitting.iter().all(|(shape, size)| is_of(shape, size)));
        let others: [(&[usize], [usize; 3]); 4] =
            [(&[8, 3, 9], [3, 8, 9]), (&[24, 9], [3, 8, 9]), (&[2, 3, 8, 9], [3, 8, 9]), (&[6], [5, 1, 1])];
        assert!(!others.iter().any(|(shape, size)| is_of(shape, size)));
    }
}
