//! Sums that are computed in parts, which a second step adds.

use crate::graph::Node;
use crate::kernels::partial_sums::{PARTIAL_SUMS, PartialSumsParams, spec};
use crate::plan::lower::Lowering;
use crate::plan::lower::step::{Dispatch, WORKGROUP};
use crate::plan::{Grid, Operand, fold};

/// Terms of a sum in `f32` from which on it is computed in parts.
pub(super) const TERMS: u32 = 1024;

/// Partial sums of one node.
pub(super) struct Sum {
    /// Texels of each.
    pub(super) size: u32,
    /// How many there are.
    pub(super) partials: u32,
    /// Channels and taps where a texel has 4 channels that become images of one channel.
    pub(super) spread: Option<[u32; 2]>,
}

impl Sum {
    /// Where the parts go: the output of `node` where one part is all of it.
    pub(super) fn place(&self, cx: &mut Lowering, node: &Node) -> Operand {
        if self.is_whole() {
            return cx.slot(node.outputs[0]);
        }
        cx.scratch(node.outputs[0], self.size as usize * self.partials as usize * 4)
    }

    /// Adds the parts in `from` to the output of `node`.
    pub(super) fn add(&self, cx: &mut Lowering, node: &Node, from: Operand) {
        if self.is_whole() {
            return;
        }
        let [channels, taps] = self.spread.unwrap_or_default();
        let params = PartialSumsParams { size: self.size, partials: self.partials, channels, taps };
        let [x, z] = fold(u64::from(self.size.div_ceil(WORKGROUP)));
        let dispatch = Dispatch {
            kernel: &PARTIAL_SUMS,
            spec: spec(self.spread.is_some()),
            params: params.words(),
            operands: vec![from, cx.slot(node.outputs[0])],
            grid: Grid::Fixed([x, 1, z]),
        };
        cx.dispatch(node, dispatch);
    }

    fn is_whole(&self) -> bool {
        self.partials == 1 && self.spread.is_none()
    }
}
