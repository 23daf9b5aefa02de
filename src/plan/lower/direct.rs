//! Graph outputs that a step writes as the caller has them.

use super::{Lowering, Stored};
use crate::graph::ValueId;
use crate::kernels::Access;
use crate::plan::Operand;

impl Lowering<'_> {
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
