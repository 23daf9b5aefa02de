//! Sums of channel products of a value, as a step behind what computes it.

use super::{Gram, Grid, Lowering, Operand, Step};
use crate::graph::{Node, ValueId};
use crate::kernels::Spec;
use crate::kernels::gram::{GRAM, GramParams, SPAN};

impl Gram {
    /// Bytes of its buffer for `images` images.
    pub(super) fn bytes(&self, images: usize) -> u64 {
        64 * (images * self.partials * self.groups * self.groups) as u64
    }

    /// Adds the sums of the first `images` images in `words` to `sums`, a row-major square of the logical channels.
    ///
    /// # Panics
    /// If `words` is shorter than the buffer of so many images, or `sums` not the square of the channels.
    pub fn add(&self, words: &[f32], images: usize, sums: &mut [f64]) {
        let (channels, pairs) = (self.places.len(), self.groups * self.groups);
        for block in words.chunks_exact(pairs * 16).take(images * self.partials) {
            for (i, &a) in self.places.iter().enumerate() {
                for (j, &b) in self.places.iter().enumerate() {
                    let (low, high) = (a.min(b) as usize, a.max(b) as usize);
                    let (row, column) =
                        if high / 4 == low / 4 { (a as usize, b as usize) } else { (high, low) };
                    let at = (row / 4 * self.groups + column / 4) * 16 + row % 4 * 4 + column % 4;
                    sums[i * channels + j] += f64::from(block[at]);
                }
            }
        }
    }
}

/// Adds the step for `value`, which `node` computes.
pub(super) fn add(cx: &mut Lowering, node: &Node, value: ValueId, external: usize) -> Gram {
    let stored = cx.stored(value);
    let partials = stored.pixels().div_ceil(SPAN);
    let params = GramParams { groups: stored.groups, pixels: stored.pixels(), span: SPAN, partials };
    let source = cx.slot(value);
    cx.steps.push(Step {
        node: node.name.clone(),
        op: "Gram",
        kernel: &GRAM,
        spec: Spec::default(),
        params: params.words(),
        operands: vec![source, Operand::External(external)],
        grid: Grid::Fixed([(stored.groups * stored.groups).div_ceil(64), partials, stored.images]),
        macs: 0,
    });
    let (groups, partials) = (stored.groups as usize, partials as usize);
    Gram { value, external, groups, partials, places: stored.places() }
}
