//! Outputs and labels as pictures.

use super::{Example, ExampleHead, Shown, boxes};
use crate::tasks::{TaskKind, UNLABELLED};
use base64::Engine;
use image::{ImageError, ImageFormat, Rgb, RgbImage};
use std::io::Cursor;

/// One head on one picture.
#[derive(Clone, Debug)]
pub struct Head<'a> {
    /// The task's name.
    pub task: &'a str,
    /// Its kind.
    pub kind: &'a TaskKind,
    /// The picture as the network's input shows it.
    pub picture: &'a RgbImage,
    /// Names of its classes, where the tasks file has them.
    pub names: &'a [String],
    /// Channels, rows and columns of the output.
    pub shape: [usize; 3],
    /// The label, in words.
    pub label: &'a [u32],
    /// The unpruned network's output, `[C, H, W]`; all outputs, one after another, of a task that reads several.
    pub before: &'a [f32],
    /// The pruned network's output.
    pub after: &'a [f32],
}

/// A picture with all its heads.
pub fn example(name: &str, picture: &RgbImage, heads: &[Head]) -> Result<Example, ImageError> {
    let heads: Result<Vec<ExampleHead>, ImageError> = heads.iter().map(Head::shown).collect();
    Ok(Example { name: name.to_owned(), image: data_uri(picture)?, heads: heads? })
}

impl Head<'_> {
    fn shown(&self) -> Result<ExampleHead, ImageError> {
        let range = self.range();
        Ok(ExampleHead {
            task: self.task.to_owned(),
            label: self.label_shown(range)?,
            before: self.output_shown(self.before, range)?,
            after: self.output_shown(self.after, range)?,
        })
    }

    fn pixels(&self) -> usize {
        self.shape[1] * self.shape[2]
    }

    /// Smallest and largest label, the range of the colours of numbers.
    fn range(&self) -> [f32; 2] {
        let labels = self.label.iter().filter(|&&word| word != UNLABELLED).map(|&word| f32::from_bits(word));
        let range = labels
            .filter(|v| v.is_finite())
            .fold([f32::MAX, f32::MIN], |[low, high], v| [low.min(v), high.max(v)]);
        if range[0] < range[1] { range } else { [0.0, 1.0] }
    }

    fn label_shown(&self, range: [f32; 2]) -> Result<Shown, ImageError> {
        let float = |at: usize| (self.label[at] != UNLABELLED).then(|| f32::from_bits(self.label[at]));
        let pixels = self.pixels();
        match self.kind {
            TaskKind::Segmentation => self.map(|p| class_colour(self.label[p])),
            TaskKind::Depth => self.map(|p| float(p).map_or(Rgb([0; 3]), |v| gradient(v, range))),
            TaskKind::Normals => self.map(|p| {
                float(p).map_or(Rgb([0; 3]), |x| {
                    direction([x, float(p + pixels).unwrap_or(0.0), float(p + 2 * pixels).unwrap_or(0.0)])
                })
            }),
            TaskKind::Edges { .. } => self.map(|p| grey(f32::from(u8::from(self.label[p] == 1)))),
            TaskKind::Classification => Ok(words(self.class_name(self.label[0] as usize))),
            TaskKind::Multilabel => Ok(self.listed(|c| self.label[c] == 1)),
            TaskKind::Regression(_) | TaskKind::Agreement(_) => {
                Ok(words(numbers(self.label.iter().map(|&word| f32::from_bits(word)))))
            }
            TaskKind::Detection(..) => shown(&boxes::labelled(self.picture, self.label)),
        }
    }

    fn output_shown(&self, output: &[f32], range: [f32; 2]) -> Result<Shown, ImageError> {
        let pixels = self.pixels();
        match self.kind {
            TaskKind::Segmentation => self.map(|p| class_colour(self.largest(output, p) as u32)),
            TaskKind::Depth => self.map(|p| gradient(output[p], range)),
            TaskKind::Normals => {
                self.map(|p| direction([output[p], output[p + pixels], output[p + 2 * pixels]]))
            }
            TaskKind::Edges { .. } => self.map(|p| grey(1.0 / (1.0 + (-output[p]).exp()))),
            TaskKind::Classification => Ok(words(self.class_name(self.largest(output, 0)))),
            TaskKind::Multilabel => Ok(self.listed(|c| output[c] > 0.0)),
            TaskKind::Regression(_) | TaskKind::Agreement(_) => Ok(words(numbers(output.iter().copied()))),
            TaskKind::Detection(detector, _) => shown(&boxes::found(self.picture, detector, output)),
        }
    }

    fn largest(&self, output: &[f32], pixel: usize) -> usize {
        let value = |channel: usize| output[channel * self.pixels() + pixel];
        (0..self.shape[0]).max_by(|&a, &b| value(a).total_cmp(&value(b))).unwrap_or(0)
    }

    fn class_name(&self, class: usize) -> String {
        self.names.get(class).cloned().unwrap_or_else(|| format!("class {class}"))
    }

    fn listed(&self, holds: impl Fn(usize) -> bool) -> Shown {
        let held: Vec<String> =
            (0..self.shape[0]).filter(|&c| holds(c)).map(|c| self.class_name(c)).collect();
        words(if held.is_empty() { "none".to_owned() } else { held.join(", ") })
    }

    fn map(&self, colour: impl Fn(usize) -> Rgb<u8>) -> Result<Shown, ImageError> {
        let [_, height, width] = self.shape;
        let picture =
            RgbImage::from_fn(width as u32, height as u32, |x, y| colour(y as usize * width + x as usize));
        shown(&picture)
    }
}

fn shown(picture: &RgbImage) -> Result<Shown, ImageError> {
    Ok(Shown { picture: Some(data_uri(picture)?), words: None })
}

fn words(words: String) -> Shown {
    Shown { picture: None, words: Some(words) }
}

fn numbers(values: impl Iterator<Item = f32>) -> String {
    let values: Vec<String> = values.take(6).map(|v| format!("{v:.3}")).collect();
    values.join(", ")
}

fn data_uri(picture: &RgbImage) -> Result<String, ImageError> {
    let mut png = Cursor::new(Vec::new());
    picture.write_to(&mut png, ImageFormat::Png)?;
    let text = base64::engine::general_purpose::STANDARD.encode(png.into_inner());
    Ok(format!("data:image/png;base64,{text}"))
}

/// A colour for each class, far apart in hue for neighbouring numbers; black where there is no label.
pub fn class_colour(class: u32) -> Rgb<u8> {
    if class == UNLABELLED {
        return Rgb([0; 3]);
    }
    let hue = (class as f32 * 0.618_034).fract() * 6.0;
    let value = 0.95 - 0.13 * (class % 3) as f32;
    let channel = |shift: f32| {
        let k = (shift + hue) % 6.0;
        let saturation = 0.62;
        (255.0 * value * (1.0 - saturation * k.min(4.0 - k).clamp(0.0, 1.0))) as u8
    };
    Rgb([channel(5.0), channel(3.0), channel(1.0)])
}

/// From dark blue over green to yellow (the viridis map, at six points).
fn gradient(value: f32, [low, high]: [f32; 2]) -> Rgb<u8> {
    const POINTS: [[f32; 3]; 6] = [
        [68.0, 1.0, 84.0],
        [65.0, 68.0, 135.0],
        [42.0, 120.0, 142.0],
        [34.0, 168.0, 132.0],
        [122.0, 209.0, 81.0],
        [253.0, 231.0, 37.0],
    ];
    let at = ((value - low) / (high - low)).clamp(0.0, 1.0) * 5.0;
    let first = (at as usize).min(4);
    let part = at - first as f32;
    Rgb([0, 1, 2].map(|c| (POINTS[first][c] * (1.0 - part) + POINTS[first + 1][c] * part) as u8))
}

fn direction(v: [f32; 3]) -> Rgb<u8> {
    let length = v.iter().map(|x| x * x).sum::<f32>().sqrt().max(1e-12);
    Rgb(v.map(|x| (127.5 * (x / length + 1.0)) as u8))
}

fn grey(value: f32) -> Rgb<u8> {
    Rgb([(255.0 * value.clamp(0.0, 1.0)) as u8; 3])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(kind: &TaskKind, shape: [usize; 3], label: &[u32], output: &[f32]) -> ExampleHead {
        let picture = &RgbImage::new(1, 1);
        let (before, after) = (output, output);
        Head { task: "t", kind, picture, names: &[], shape, label, before, after }.shown().unwrap()
    }

    #[test]
    fn edges_that_are_found_look_like_their_labels() {
        let expected = data_uri(&RgbImage::from_fn(2, 1, |x, _| Rgb([255 * (1 - x as u8); 3]))).unwrap();
        let shown = show(&TaskKind::Edges { positive_weight: 1.0 }, [1, 1, 2], &[1, 0], &[99.0, -99.0]);
        assert_eq!(shown.label.picture.as_ref(), Some(&expected));
        assert_eq!(shown.after.picture, Some(expected));
    }

    #[test]
    fn answers_that_hold_are_listed() {
        let shown = show(&TaskKind::Multilabel, [3, 1, 1], &[1, 0, 1], &[-1.0, 2.0, 3.0]);
        assert_eq!(shown.label.words.as_deref(), Some("class 0, class 2"));
        assert_eq!(shown.before.words.as_deref(), Some("class 1, class 2"));
    }
}
