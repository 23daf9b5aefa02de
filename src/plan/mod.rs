//! A plan: what the GPU will do for one network at one batch size, as plain data.

mod build;
mod gram;
mod halves;
mod lower;
pub mod memory;
mod ports;
mod select;
mod text;

pub use build::{PlanLimits, PlanOptions, build, build_with_grams};
pub use halves::round_weights;
pub use lower::{DeviceClass, Lowering, PlanError, Stored, lower, unsupported};

use crate::graph::ValueId;
use crate::kernels::blocks::Blocks;
use crate::kernels::live::{LiveLayout, LiveTable, Record};
use crate::kernels::{Kernel, Spec};
use crate::tensor::Dtype;
use std::sync::Arc;

/// A buffer that a step binds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operand {
    /// An activation buffer of the plan, reused over lifetimes.
    Slot(usize),
    /// A value within an activation buffer that holds others too.
    Part {
        /// The buffer.
        slot: usize,
        /// Where it begins in the buffer, in bytes: a multiple of 256.
        offset: u64,
        /// Its bytes.
        bytes: u64,
    },
    /// A constant of the plan: packed weights.
    Constant(usize),
    /// A buffer that the caller brings: graph inputs and outputs in their host layout, labels, loss sums.
    External(usize),
}

/// How many workgroups a step needs; resolved for each candidate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Grid {
    /// One thread for each of `per_group` elements of each live channel group of `record`.
    Elements {
        /// The channel layout.
        record: Record,
        /// Images times pixels.
        per_group: u32,
        /// Threads of a workgroup.
        workgroup: u32,
    },
    /// `tiles` workgroups along x, along y one for every `groups` live channel groups of `record`.
    Tiles {
        /// Pixel tiles.
        tiles: u32,
        /// The channel layout of the output.
        record: Record,
        /// Channel groups that one workgroup computes.
        groups: u32,
    },
    /// As [`Grid::Tiles`], for the live channel groups of `record` that fall to `blocks`, and that once for each of
    /// `planes` along z.
    Blocks {
        /// Pixel tiles of a plane; more than [`MAX_GROUPS`] only where there is one plane.
        tiles: u32,
        /// The channel layout of the output.
        record: Record,
        /// Which channel groups.
        blocks: Blocks,
        /// How many times.
        planes: u32,
    },
    /// Always the same.
    Fixed([u32; 3]),
}

/// One dispatch.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The node it computes, for labels, timings and errors.
    pub node: String,
    /// The ONNX operator of that node.
    pub op: &'static str,
    /// The kernel.
    pub kernel: &'static Kernel,
    /// Its specialisation.
    pub spec: Spec,
    /// Its uniform parameters, one word each, in the order of [`Kernel::params`]; floats by their bits.
    pub params: Vec<u32>,
    /// What it binds from binding 2 on.
    pub operands: Vec<Operand>,
    /// Its size.
    pub grid: Grid,
    /// Multiply-accumulates of direct sums when nothing is pruned, whatever the algorithm, for reports.
    pub macs: u64,
}

/// Where a graph input or output is, between its pack or unpack step and the caller.
#[derive(Clone, Debug, PartialEq)]
pub struct Port {
    /// The value's name.
    pub name: String,
    /// Its dimensions at this plan's batch size.
    pub shape: Vec<usize>,
    /// Its host-layout buffer (row-major `f32`), an [`Operand::External`] index.
    pub external: usize,
    /// Its stored form: NC4HW4, in a slot or part of one that nothing else uses after it is written (outputs) or before (inputs);
    /// or the caller's buffer, where nothing unpacks it: an output of one pixel, whose last channel group may be padded.
    pub operand: Operand,
    /// Its channel layout.
    pub record: Record,
    /// How the value comes from what is stored, where that is smaller.
    pub enlarged: Option<Enlarged>,
}

/// How a value of four dimensions comes from a map that is stored in its place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Enlarged {
    /// What every row, then every column of the value reads, as [`crate::kernels::resize::RESIZE`] does.
    pub axes: Operand,
    /// Whether it is interpolated linearly; else pixels are repeated.
    pub linear: bool,
    /// Rows of the value.
    pub height: u32,
    /// Columns of the value.
    pub width: u32,
    /// Pixels of one channel of the map.
    pub in_pixels: u32,
    /// Columns of the map.
    pub in_width: u32,
    /// What the value is where it comes from outside of the map.
    pub outside: f32,
}

/// Where the products of every pair of a value's channels are summed, see [`crate::kernels::gram`].
#[derive(Clone, Debug, PartialEq)]
pub struct Gram {
    /// The value.
    pub value: ValueId,
    /// The buffer of the sums, an [`Operand::External`] index.
    pub external: usize,
    /// Its stored channel groups.
    pub groups: usize,
    /// Sums of one image.
    pub partials: usize,
    /// The stored lane of every logical channel.
    pub places: Vec<u32>,
}

/// A constant that changes: what it holds is copied from an external buffer after the plan's updates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refresh {
    /// The constant.
    pub constant: usize,
    /// The buffer.
    pub external: usize,
    /// Where in the buffer it begins, in bytes: a multiple of 16.
    pub offset: u64,
}

/// A plan. Equal inputs give equal plans.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Images in one run.
    pub batch: usize,
    /// How values between steps, and weights, are stored.
    pub dtype: Dtype,
    /// Bytes of each activation buffer.
    pub slots: Vec<u64>,
    /// Bytes of all activations at the fullest step: what a perfect reuse of buffers would need.
    pub slot_bound: u64,
    /// Packed constants, as the kernels read them.
    pub constants: Vec<Arc<[f32]>>,
    /// Bytes of each external buffer: the plan's inputs, its outputs, where there are probes one buffer for them all,
    /// then what `losses` adds (labels, sums).
    pub externals: Vec<u64>,
    /// Inputs, in graph order.
    pub inputs: Vec<Port>,
    /// Outputs, in graph order.
    pub outputs: Vec<Port>,
    /// With [`PlanOptions::keep_all`], every computed value, in execution order; else empty.
    pub probes: Vec<Port>,
    /// Values whose channel products the steps sum, in the order asked for; those that nothing computes are missing.
    pub grams: Vec<Gram>,
    /// Steps that turn host-layout inputs into stored ones, one per input, in graph order.
    pub pack: Vec<Step>,
    /// The network, from stored inputs to stored outputs.
    pub steps: Vec<Step>,
    /// Steps that turn stored outputs into host-layout ones, or what those are computed from, one per output, in graph
    /// order.
    pub unpack: Vec<Step>,
    /// Steps that read the stored outputs in place of `unpack` when candidates are scored: losses.
    pub losses: Vec<Step>,
    /// Steps that turn probed values into host-layout ones, one per probe.
    pub probe: Vec<Step>,
    /// Steps that change external buffers by what a run left in others, see [`crate::gpu::Session::train`].
    pub updates: Vec<Step>,
    /// What follows the updates.
    pub refreshed: Vec<Refresh>,
    /// The channel layouts that the steps name.
    pub live: LiveLayout,
    /// Nodes that steps of another node compute too: their names and its.
    pub merged: Vec<[String; 2]>,
}

/// The largest number of workgroups along one dimension that every device allows.
pub const MAX_GROUPS: u32 = 65_535;

impl Operand {
    /// The activation buffer that it is, or lies in.
    pub fn slot(&self) -> Option<usize> {
        match *self {
            Self::Slot(slot) | Self::Part { slot, .. } => Some(slot),
            Self::Constant(_) | Self::External(_) => None,
        }
    }
}

impl Plan {
    /// Every step of every part: pack, steps, unpack, losses, probe, updates.
    pub fn all_steps(&self) -> impl Iterator<Item = &Step> {
        [&self.pack, &self.steps, &self.unpack, &self.losses, &self.probe, &self.updates]
            .into_iter()
            .flatten()
    }

    /// Bytes of device memory for activations, constants and external buffers.
    pub fn device_bytes(&self) -> u64 {
        let constants: u64 = (0..self.constants.len()).map(|constant| self.constant_bytes(constant)).sum();
        self.slots.iter().sum::<u64>() + constants + self.externals.iter().sum::<u64>()
    }

    /// Multiply-accumulates of one run when nothing is pruned.
    pub fn macs(&self) -> u64 {
        self.steps.iter().map(|step| step.macs).sum()
    }
}

impl Grid {
    /// The workgroups along x, y and z for one candidate. A count over [`MAX_GROUPS`] along x is folded into z:
    /// kernels rebuild it as `x + z * num_workgroups.x` and drop what is past the end.
    pub fn resolve(&self, table: &LiveTable) -> [u32; 3] {
        match *self {
            Self::Elements { record, per_group, workgroup } => {
                let threads = u64::from(table.groups(record)) * u64::from(per_group);
                let [x, z] = fold(threads.div_ceil(u64::from(workgroup)));
                [x, 1, z]
            }
            Self::Tiles { tiles, record, groups } => {
                let [x, z] = fold(u64::from(tiles));
                [x, table.groups(record).div_ceil(groups), z]
            }
            Self::Blocks { tiles, record, blocks, planes } => {
                let [x, z] = fold(u64::from(tiles));
                [x, blocks.count(table.groups(record)), z * planes]
            }
            Self::Fixed(grid) => grid,
        }
    }
}

fn fold(count: u64) -> [u32; 2] {
    let z = count.div_ceil(u64::from(MAX_GROUPS)).max(1);
    [count.div_ceil(z) as u32, z as u32]
}
