//! Graph inputs that a step reads as the caller has them, and outputs that one writes so.

use super::{Lowering, Stored};
use crate::graph::ValueId;
use crate::kernels::Access;
use crate::plan::Operand;
use crate::plan::select::{Geometry, reads_planes};

impl Lowering<'_> {
    /// The caller's buffer of the graph input `value`, where the convolution of `geometry`, with weights of so many floats, alone
    /// reads it and can do so from there: the input is not packed then. Where all values are kept, and in training, it is.
    pub(super) fn caller_planes(
        &mut self,
        value: ValueId,
        (weights, geometry): (usize, &Geometry),
    ) -> Option<Operand> {
        let place = self.graph.inputs.iter().position(|input| *input == value)?;
        let slot = self.slot(value);
        let can = reads_planes(self.class_for(weights), geometry) && !self.keep_all;
        if !can || !self.is_read_once(slot) || self.trains() {
            return None;
        }
        self.direct.insert(value);
        Some(Operand::External(place))
    }

    /// Lets the steps that compute the graph output `value`, stored as `y`, write it into the caller's buffer `external`, where it is
    /// stored as the caller reads it: one pixel of channels in their order that always live. Whoever reads it otherwise must
    /// not exist, as in training, which looks for the step that unpacks a gradient. Tells whether they do; the buffer must be as
    /// long as what is stored.
    pub(in crate::plan) fn write_direct(&mut self, value: ValueId, y: &Stored, external: usize) -> bool {
        let dense = y.images == 1 || y.channels.is_multiple_of(4);
        let plain = matches!(&y.segments[..], [segment] if segment.unit.is_none());
        let slot = self.slot_index(value);
        let shared = self.graph.nodes.iter().flat_map(|node| &node.inputs).chain(&self.graph.outputs);
        let others = shared.filter(|other| self.slot_of[other.0] == Some(slot)).count();
        let alone = others == 1 && self.is_alone(slot) && !self.trains();
        if y.pixels() != 1 || !dense || !plain || !alone {
            return false;
        }
        let bound = |(operand, access): (&Operand, &Access)| {
            (*operand == Operand::Slot(slot)).then_some(*access == Access::Write)
        };
        let uses = |at: usize| {
            let step = &self.steps[at];
            step.operands.iter().zip(step.kernel.bindings).filter_map(bound)
        };
        let steps: Vec<usize> = (0..self.steps.len()).filter(|&at| uses(at).next().is_some()).collect();
        if steps.is_empty() || !steps.iter().all(|&at| uses(at).all(|writes| writes)) {
            return false;
        }
        for at in steps {
            let own = self.steps[at].operands.iter_mut().filter(|operand| **operand == Operand::Slot(slot));
            own.for_each(|operand| *operand = Operand::External(external));
        }
        true
    }
}
