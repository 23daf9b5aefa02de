//! Mirrors and zooms.

use crate::tasks::detection::{Rect, Truth};
use crate::tasks::{TaskKind, UNLABELLED};

/// The part of a picture that is shown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct View {
    /// Whether left and right are swapped, after the zoom.
    pub mirrored: bool,
    /// How many times it is enlarged, at least 1.
    pub zoom: f32,
    /// Where it begins, as shares of the picture's sides.
    pub left: f64,
    /// See `left`.
    pub top: f64,
}

/// Of the area of a box, what must be in sight for it to stay a label.
const VISIBLE: f64 = 0.25;

impl View {
    /// Whether it is the whole picture as it is.
    pub fn is_whole(&self) -> bool {
        !self.mirrored && self.zoom == 1.0
    }

    /// For every row or column of a plane where its centre is in the plane that it is taken from, in pixels from the
    /// first edge. Whole pixels stay whole where nothing is enlarged.
    fn sources(&self, side: usize, begin: f64, mirrored: bool) -> impl Iterator<Item = f64> {
        let zoom = f64::from(self.zoom);
        (0..side).map(move |at| {
            let at = if mirrored { side - 1 - at } else { at };
            (at as f64 + 0.5) / zoom + begin * side as f64
        })
    }

    fn columns(&self, width: usize) -> impl Iterator<Item = f64> {
        self.sources(width, self.left, self.mirrored)
    }

    fn rows(&self, height: usize) -> impl Iterator<Item = f64> {
        self.sources(height, self.top, false)
    }

    /// Planes of labels, each of which is that of the nearest pixel.
    pub fn pick(&self, planes: &[u32], [_, height, width]: [usize; 3]) -> Vec<u32> {
        let nearest = |source: f64, side: usize| (source as usize).min(side - 1);
        let columns: Vec<usize> = self.columns(width).map(|x| nearest(x, width)).collect();
        let rows: Vec<usize> = self.rows(height).map(|y| nearest(y, height)).collect();
        let mut picked = Vec::with_capacity(planes.len());
        for plane in planes.chunks_exact(height * width) {
            for &row in &rows {
                picked.extend(columns.iter().map(|&column| plane[row * width + column]));
            }
        }
        picked
    }

    /// Planes of a picture, each pixel a mean of the four around it, weighed by distance.
    pub fn blend(&self, planes: &[f32], [_, height, width]: [usize; 3]) -> Vec<f32> {
        let around = |source: f64, side: usize| {
            let place = (source - 0.5).clamp(0.0, (side - 1) as f64);
            let first = place as usize;
            (first, (first + 1).min(side - 1), (place - first as f64) as f32)
        };
        let mix = |a: f32, b: f32, share: f32| if share == 0.0 { a } else { a + (b - a) * share };
        let columns: Vec<_> = self.columns(width).map(|x| around(x, width)).collect();
        let rows: Vec<_> = self.rows(height).map(|y| around(y, height)).collect();
        let mut blended = Vec::with_capacity(planes.len());
        for plane in planes.chunks_exact(height * width) {
            for &(above, below, down) in &rows {
                let [above, below] = [above, below].map(|row| &plane[row * width..(row + 1) * width]);
                blended.extend(columns.iter().map(|&(left, right, over)| {
                    let upper = mix(above[left], above[right], over);
                    mix(upper, mix(below[left], below[right], over), down)
                }));
            }
        }
        blended
    }

    /// The label words of the boxes that can still be seen, for a picture of `[width, height]`: cut off at its edges, and
    /// left out where less than a quarter of a box is left.
    pub fn boxes(&self, words: &[u32], [width, height]: [f64; 2]) -> Vec<u32> {
        let zoom = f64::from(self.zoom);
        let across = |x: f64| (x - self.left * width) * zoom;
        let along = |y: f64| (y - self.top * height) * zoom;
        let seen = |truth: Truth| {
            let Rect { left, top, right, bottom } = truth.rect;
            let (left, right) = (across(left), across(right));
            let (left, right) = if self.mirrored { (width - right, width - left) } else { (left, right) };
            let (top, bottom) = (along(top), along(bottom));
            let area = (right - left) * (bottom - top);
            let rect = Rect {
                left: left.clamp(0.0, width),
                top: top.clamp(0.0, height),
                right: right.clamp(0.0, width),
                bottom: bottom.clamp(0.0, height),
            };
            let visible = (rect.right - rect.left) * (rect.bottom - rect.top);
            (visible >= VISIBLE * area && visible > 0.0).then_some(Truth { rect, ..truth })
        };
        Truth::list(words).into_iter().filter_map(seen).flat_map(|truth| truth.words()).collect()
    }
}

/// What a view makes of labels that are numbers. In a mirror, normals look the other way across. What is enlarged looks
/// as near as if it were closer by that factor, so that depths are divided by it: the network cannot know that it was not.
/// Normals stay as they are in a zoom, which is right at the centre of a view and off by the angle between two
/// perspectives elsewhere.
pub fn turn(kind: &TaskKind, view: &View, words: &mut [u32]) {
    let change = |words: &mut [u32], f: &dyn Fn(f32) -> f32| {
        for word in words.iter_mut().filter(|word| **word != UNLABELLED) {
            *word = f(f32::from_bits(*word)).to_bits();
        }
    };
    match kind {
        TaskKind::Depth => change(words, &|depth| depth / view.zoom),
        TaskKind::Normals if view.mirrored => {
            let across = words.len() / 3;
            change(&mut words[..across], &|x| -x);
        }
        TaskKind::Normals
        | TaskKind::Segmentation
        | TaskKind::Classification
        | TaskKind::Edges { .. }
        | TaskKind::Multilabel
        | TaskKind::Regression(_)
        | TaskKind::Detection(..)
        | TaskKind::Agreement(_) => {}
    }
}
