//! Adding steps: operands in the layout that a kernel expects, grids, and host packing.

use super::gather::{Form, relayout};
use super::{Lowering, PlanError, Stored, unsupported};
use crate::graph::Node;
use crate::kernels::live::StoredSegment;
use crate::kernels::{Kernel, Spec};
use crate::plan::{Grid, Operand, Step};

/// Threads of a workgroup of every kernel that computes one element per thread.
pub(super) const WORKGROUP: u32 = 64;

/// A step without the names that it takes from its node.
pub(super) struct Dispatch {
    pub(super) kernel: &'static Kernel,
    pub(super) spec: Spec,
    pub(super) params: Vec<u32>,
    pub(super) operands: Vec<Operand>,
    pub(super) grid: Grid,
}

impl Lowering<'_> {
    /// Adds a step that does no multiply-accumulates worth counting.
    pub(super) fn dispatch(&mut self, node: &Node, dispatch: Dispatch) {
        let Dispatch { kernel, spec, params, operands, grid } = dispatch;
        let (node, op) = (node.name.clone(), node.op.name());
        self.steps.push(Step { node, op, kernel, spec, params, operands, grid, macs: 0 });
    }

    /// Input `input` of `node` with its channels in the same dimension as the output's, counted from the last, cut as
    /// `segments`: the slot where it is computed and stored so, else a copy; a packed constant where it is known.
    pub(super) fn operand(
        &mut self,
        node: &Node,
        input: usize,
        segments: &[StoredSegment],
    ) -> Result<(Operand, Stored), PlanError> {
        let value = node.inputs[input];
        let mut stored = self.stored(value);
        if self.graph.constant(value).is_none() {
            let output = node.outputs[0];
            let (rank, from_end) =
                (self.shapes[value.0].len(), self.shapes[output.0].len() - self.axis(output));
            let axis = rank.checked_sub(from_end).filter(|&axis| axis < rank).unwrap_or(stored.axis);
            if axis == stored.axis && stored.segments == segments {
                return Ok((self.slot(value), stored));
            }
            return relayout(self, node, value, &Form { rank, axis, segments });
        }
        stored.segments = segments.to_vec();
        stored.groups = segments.iter().map(|s| s.channels.div_ceil(4)).sum();
        stored.record = self.live.record(segments.to_vec());
        Ok((self.packed(node, input, &stored)?, stored))
    }

    /// Input 0 of a `node` whose output has its channels in dimension 1, with its channels there too: cut as they are
    /// where they are there already, else whole.
    pub(super) fn channels_first(&mut self, node: &Node) -> Result<(Operand, Stored), PlanError> {
        let value = node.inputs[0];
        let own = self.stored(value);
        let segments = if own.axis == 1 { own.segments } else { self.plain(value).segments };
        self.operand(node, 0, &segments)
    }

    /// The constant input `input` of `node`, packed as `stored`.
    pub(super) fn packed(
        &mut self,
        node: &Node,
        input: usize,
        stored: &Stored,
    ) -> Result<Operand, PlanError> {
        let name = &self.graph.value(node.inputs[input]).name;
        let tensor = self.constant(node, input)?;
        let values = tensor.f32s().map_err(|e| unsupported(node, format!("input {input} ({name}): {e}")))?;
        Ok(self.pack(stored.pack(values)))
    }
}

impl Stored {
    /// One thread for every pixel of every live channel group.
    pub(super) fn elements(&self) -> Grid {
        Grid::Elements { record: self.record, per_group: self.images * self.pixels(), workgroup: WORKGROUP }
    }

    /// `values`, in row-major order, as this value is stored; lanes of no channel are 0.
    ///
    /// # Panics
    /// If `values` has another length than the logical shape.
    pub fn pack(&self, values: &[f32]) -> Vec<f32> {
        let mut stored = vec![0.0; self.floats()];
        self.visit(|logical, at| stored[at] = values[logical]);
        stored
    }

    /// The row-major values behind a stored buffer.
    ///
    /// # Panics
    /// If `stored` is shorter than [`Stored::floats`].
    pub fn unpack(&self, stored: &[f32]) -> Vec<f32> {
        let mut values = vec![0.0; self.images as usize * self.channels as usize * self.pixels() as usize];
        self.visit(|logical, at| values[logical] = stored[at]);
        values
    }

    fn visit(&self, mut each: impl FnMut(usize, usize)) {
        let (pixels, inner) = (self.pixels() as usize, self.inner as usize);
        for (channel, place) in self.places().into_iter().enumerate() {
            for image in 0..self.images as usize {
                let plane = image * self.groups as usize + place as usize / 4;
                for pixel in 0..pixels {
                    let outer = (image * pixels + pixel) / inner;
                    let logical = (outer * self.channels as usize + channel) * inner + pixel % inner;
                    each(logical, (plane * pixels + pixel) * 4 + place as usize % 4);
                }
            }
        }
    }
}
