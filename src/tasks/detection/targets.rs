//! What a detector's losses compare with: for every cell the labelled box that it answers for, as words.

use super::{Detector, Rect};
use crate::tasks::UNLABELLED;

/// Words of a labelled box: class, then left, top, right and bottom as floats.
const TRUTH_WORDS: usize = 5;

/// Words of a cell: left, top, right and bottom as floats, the class or [`UNLABELLED`], the score as a float. A map has
/// one plane for each, one after another.
pub const PLANES: usize = 6;

/// A labelled box.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Truth {
    /// Its class.
    pub class: usize,
    /// Where.
    pub rect: Rect,
}

/// What a cell answers for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Target {
    /// The box that it should find.
    pub rect: Rect,
    /// The class.
    pub class: usize,
    /// YOLOv5: the objectness. YOLOX: the probability of the class. YOLOv8: that too, and the weight of the box.
    pub score: f64,
}

/// For every map, for every cell: what it answers for, if for anything.
pub type Targets = Vec<Vec<Option<Target>>>;

impl Truth {
    /// Labelled boxes from label words.
    pub fn list(words: &[u32]) -> Vec<Self> {
        let float = |word: u32| f64::from(f32::from_bits(word));
        let truth = |words: &[u32]| Self {
            class: words[0] as usize,
            rect: Rect {
                left: float(words[1]),
                top: float(words[2]),
                right: float(words[3]),
                bottom: float(words[4]),
            },
        };
        words.chunks_exact(TRUTH_WORDS).map(truth).collect()
    }

    /// Its label words.
    pub fn words(&self) -> [u32; TRUTH_WORDS] {
        let Rect { left, top, right, bottom } = self.rect;
        let bits = |side: f64| (side as f32).to_bits();
        [self.class as u32, bits(left), bits(top), bits(right), bits(bottom)]
    }
}

impl Detector {
    /// No targets.
    pub(super) fn no_targets(&self) -> Targets {
        self.maps.iter().map(|map| vec![None; map.cells()]).collect()
    }

    /// The words of all cells of an image.
    pub fn target_words(&self) -> usize {
        PLANES * self.cells()
    }

    /// The word at which map `map` begins.
    pub fn target_first(&self, map: usize) -> usize {
        PLANES * self.maps[..map].iter().map(super::Map::cells).sum::<usize>()
    }

    /// Targets as words.
    pub fn encode(&self, targets: &Targets) -> Vec<u32> {
        let mut words = Vec::with_capacity(self.target_words());
        for cells in targets {
            let bits = |value: f64| (value as f32).to_bits();
            let mut plane = |word: &dyn Fn(&Target) -> u32, none: u32| {
                words.extend(cells.iter().map(|target| target.as_ref().map_or(none, word)));
            };
            plane(&|target| bits(target.rect.left), 0);
            plane(&|target| bits(target.rect.top), 0);
            plane(&|target| bits(target.rect.right), 0);
            plane(&|target| bits(target.rect.bottom), 0);
            plane(&|target| target.class as u32, UNLABELLED);
            plane(&|target| bits(target.score), 0);
        }
        words
    }

    /// What a cell of map number `map` answers for.
    pub fn target(&self, words: &[u32], map: usize, cell: usize) -> Option<Target> {
        let cells = self.maps[map].cells();
        let word = |plane: usize| words[self.target_first(map) + plane * cells + cell];
        let float = |plane: usize| f64::from(f32::from_bits(word(plane)));
        (word(4) != UNLABELLED).then(|| Target {
            rect: Rect { left: float(0), top: float(1), right: float(2), bottom: float(3) },
            class: word(4) as usize,
            score: float(5),
        })
    }

    /// The targets of an image: which cells answer for which of the boxes in `truth`, given what the unpruned network
    /// makes of the image.
    pub fn targets(&self, truth: &[u32], output: &[f32]) -> Vec<u32> {
        self.encode(&self.assign(&Truth::list(truth), output))
    }
}
