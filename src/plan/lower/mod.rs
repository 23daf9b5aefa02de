//! What lowering a node to steps needs to know of its values, and how steps and constants are added.

mod activation;
mod affine;
mod binary;
mod broadcast;
mod concat;
mod conv;
mod conv_transpose;
mod direct;
mod dispatch;
mod gather;
mod mat_mul;
mod moves;
mod norm;
mod pad;
mod pair;
mod part;
mod pool;
mod reduce;
mod reshape;
mod resize;
mod resize_arg_max;
mod scale;
mod siblings;
mod softmax;
mod step;
mod training;
mod winograd;

pub(super) use dispatch::check_indices;
pub use dispatch::lower;
pub(super) use reshape::regroup;
pub(super) use resize::unpacked;

use super::{Operand, PlanLimits, Step};
use crate::graph::{Graph, Node, ValueId};
use crate::kernels::conv::places;
use crate::kernels::live::{LiveLayout, Record, StoredSegment};
use crate::tensor::{Dtype, Tensor};
use crate::units::Units;
use part::Within;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use thiserror::Error;

/// Why a graph cannot be planned.
#[derive(Debug, Error)]
pub enum PlanError {
    /// A node that this crate cannot run as it stands.
    #[error("node {node} ({op}): {reason}")]
    Unsupported {
        /// The node.
        node: String,
        /// Its operator.
        op: &'static str,
        /// What was expected and what was found.
        reason: String,
    },
    /// A buffer over the device's limit.
    #[error("value {value} needs {bytes} bytes, the device binds at most {limit}")]
    TooLarge {
        /// The value.
        value: String,
        /// Its stored size.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// A value of more parts than shaders can count.
    #[error("value {value}: expected fewer than {limit} {what}, found {found}")]
    TooFine {
        /// The value.
        value: String,
        /// The parts.
        what: &'static str,
        /// As many are too many.
        limit: u32,
        /// How many it has.
        found: u32,
    },
    /// A dispatch over the limit of every device.
    #[error("node {node} ({op}) needs {grid:?} workgroups, at most 65535 fit along each axis")]
    TooManyGroups {
        /// The node.
        node: String,
        /// Its operator.
        op: &'static str,
        /// Workgroups along x, y and z.
        grid: [u32; 3],
    },
    /// A graph output that no input reaches.
    #[error("graph output {value} is a constant, it must be computed from an input")]
    ConstantOutput {
        /// The output.
        value: String,
    },
}

/// What kind of device a plan is for: decides kernels and weight layouts, in `select`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DeviceClass {
    /// Default limits, no features.
    Portable,
    /// A GPU: threads of a workgroup share weights through scalar registers or workgroup memory.
    Gpu,
    /// A CPU device with subgroups of one fixed size: lanes own several outputs, weights are read
    /// lane-distributed and broadcast.
    Broadcast {
        /// The subgroup size.
        subgroup: u32,
    },
}

/// The stored (NC4HW4) form of a value: `[images][groups][height][width][4]`. Dimension 0 holds the images, one other
/// dimension the channels (see [`Units::axis`]); of the rest the last one is the width, and those before it are joined
/// into the height. Where dimension 0 holds the channels there is one image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Dimension 0.
    pub images: u32,
    /// The dimension of the channels.
    pub axis: usize,
    /// Its size when nothing is pruned.
    pub channels: u32,
    /// Channel groups when nothing is pruned; each segment starts on one of its own.
    pub groups: u32,
    /// Rows.
    pub height: u32,
    /// Columns.
    pub width: u32,
    /// Pixels behind one another in dimensions after that of the channels, which row-major order keeps together.
    pub inner: u32,
    /// The record of its channel layout in the live table.
    pub record: Record,
    /// Its channel layout.
    pub segments: Vec<StoredSegment>,
}

impl Stored {
    /// The number of `f32` it takes.
    pub fn floats(&self) -> usize {
        self.images as usize * self.groups as usize * self.height as usize * self.width as usize * 4
    }

    /// Pixels of one channel of one image.
    pub fn pixels(&self) -> u32 {
        self.height * self.width
    }

    /// Where logical channel `channel` is stored: `(group, lane)`.
    ///
    /// # Panics
    /// If there is no such channel.
    pub fn place(&self, channel: u32) -> (u32, u32) {
        let mut lanes = self.segments.iter().flat_map(StoredSegment::lanes);
        match lanes.find(|&(_, logical)| logical == channel) {
            Some((lane, _)) => (lane / 4, lane % 4),
            None => panic!("channel {channel} of {}", self.channels),
        }
    }

    /// The stored lane (`4 group + lane`) of every logical channel.
    pub fn places(&self) -> Vec<u32> {
        places(&self.segments).into_iter().map(|lane| lane as u32).collect()
    }

    /// The unit and coordinate that every logical channel lives with; `None` where it always lives.
    pub fn coordinates(&self) -> Vec<Option<(usize, u32)>> {
        let mut coordinates = vec![None; self.channels as usize];
        for segment in &self.segments {
            let Some((unit, block)) = segment.unit else { continue };
            for (at, &channel) in (0..).zip(&segment.logical) {
                coordinates[channel as usize] = Some((unit, at / block));
            }
        }
        coordinates
    }

    /// Whether channels are stored in their logical order.
    pub fn is_ordered(&self) -> bool {
        self.segments.iter().flat_map(|s| &s.logical).is_sorted()
    }
}

/// Images, channels, rows and columns of a value of `shape` that has its channels in dimension `axis`.
pub fn stored_extents(shape: &[usize], axis: usize) -> [u32; 4] {
    let images = if axis == 0 { 1 } else { shape.first().copied().unwrap_or(1) };
    let channels = shape.get(axis).copied().unwrap_or(1);
    let rest = || shape.iter().enumerate().filter(|&(at, _)| at > 0 && at != axis).map(|(_, &size)| size);
    let width = rest().next_back().unwrap_or(1);
    let height = rest().product::<usize>() / width.max(1);
    [images, channels, height, width].map(|extent| extent as u32)
}

/// What [`Lowering::scratch_bytes`] is unless set: enough to fill any device.
const SCRATCH_BYTES: u64 = 32 << 20;

/// A plan under construction.
pub struct Lowering<'a> {
    /// The optimised graph.
    pub graph: &'a Graph,
    /// The shape of every value, by id.
    pub shapes: &'a [Vec<usize>],
    /// Kernels are chosen for this.
    pub class: DeviceClass,
    /// Bytes that a step may put into a buffer for the next ones alone; what needs more is done in several turns.
    pub scratch_bytes: u64,
    /// Bytes that a constant has at most to be read as texels; kernels that read buffers take what is larger.
    pub texel_bytes: u64,
    /// Which of the tiles that a thread of a convolution may have, in the order of its kernel's variants, instead of the best:
    /// for benches. One that there is not is the best.
    pub tile: Option<usize>,
    /// Whether every value is stored, because somebody else looks at it.
    pub keep_all: bool,
    /// How values are stored.
    pub dtype: Dtype,
    /// Whether convolutions of one value may be one step.
    pub merge: bool,
    /// Steps so far; their slots are still one per value and are merged afterwards.
    pub steps: Vec<Step>,
    /// Packed constants so far.
    pub constants: Vec<Arc<[f32]>>,
    /// Channel layouts so far.
    pub live: LiveLayout,
    units: &'a Units,
    slots: Vec<u64>,
    /// Whether a slot holds a value as it is stored; else what a step leaves for the next one.
    values: Vec<bool>,
    /// The constants that weights of convolutions and products are packed into.
    weights: BTreeSet<usize>,
    slot_of: Vec<Option<usize>>,
    slot_values: Vec<ValueId>,
    /// By slot, where it lies within another.
    parts: BTreeMap<usize, Within>,
    /// Values that steps of other nodes compute, with the names of their nodes and of those.
    pub merged: BTreeMap<ValueId, [String; 2]>,
    /// Constants that are packed once for all steps that read them as they are.
    whole: BTreeMap<ValueId, Operand>,
}

impl<'a> Lowering<'a> {
    /// An empty plan for `graph`, whose values have `shapes` and are cut by `units`.
    pub fn new(graph: &'a Graph, shapes: &'a [Vec<usize>], units: &'a Units, class: DeviceClass) -> Self {
        Self {
            graph,
            shapes,
            class,
            scratch_bytes: SCRATCH_BYTES,
            texel_bytes: PlanLimits::default().texel_bytes(),
            tile: None,
            keep_all: false,
            dtype: Dtype::F32,
            merge: true,
            steps: Vec::new(),
            constants: Vec::new(),
            live: LiveLayout::default(),
            units,
            slots: Vec::new(),
            values: Vec::new(),
            weights: BTreeSet::new(),
            slot_of: vec![None; graph.values.len()],
            slot_values: Vec::new(),
            parts: BTreeMap::new(),
            merged: BTreeMap::new(),
            whole: BTreeMap::new(),
        }
    }

    /// The class whose kernels read constants of so many floats.
    pub(super) fn class_for(&self, floats: usize) -> DeviceClass {
        if 4 * floats as u64 <= self.texel_bytes { self.class } else { DeviceClass::Portable }
    }

    /// The stored form of a value of rank 1 (one image, one pixel) or more.
    pub fn stored(&mut self, value: ValueId) -> Stored {
        let axis = self.axis(value);
        let shape = &self.shapes[value.0];
        let segments = self.stored_segments(value, shape.get(axis).copied().unwrap_or(1) as u32);
        self.stored_as(shape, axis, segments)
    }

    /// The stored form of something of `shape` that has its channels in dimension `axis`, cut as `segments`.
    pub fn stored_as(&mut self, shape: &[usize], axis: usize, segments: Vec<StoredSegment>) -> Stored {
        let [images, channels, height, width] = stored_extents(shape, axis);
        let groups = segments.iter().map(|s| s.channels.div_ceil(4)).sum();
        let record = self.live.record(segments.clone());
        let inner = shape.iter().skip(axis + 1).product::<usize>() as u32;
        Stored { images, axis, channels, groups, height, width, inner, record, segments }
    }

    /// The dimension of a value that holds its channels.
    pub fn axis(&self, value: ValueId) -> usize {
        let rank = self.shapes[value.0].len();
        match self.units.axes.get(value.0) {
            Some(&axis) if axis < rank => axis,
            _ => usize::from(rank > 1),
        }
    }

    fn stored_segments(&self, value: ValueId, channels: u32) -> Vec<StoredSegment> {
        let segments = self.units.segments.get(value.0).map_or(&[][..], Vec::as_slice);
        // Where the batch is in the channel axis, units of another batch do not cover it.
        let covered: usize = segments.iter().map(|segment| segment.channels.len()).sum();
        if covered != channels as usize {
            return vec![StoredSegment::run(0, 0, channels, None)];
        }
        let mut first_group = 0;
        let mut stored = Vec::with_capacity(segments.len());
        for segment in segments {
            let logical: Vec<u32> = segment.channels.iter().map(|&channel| channel as u32).collect();
            let channels = logical.len() as u32;
            let unit = segment.unit.map(|(unit, block)| (unit, block as u32));
            stored.push(StoredSegment { first_group, channels, logical, unit });
            first_group += channels.div_ceil(4);
        }
        stored
    }

    /// The buffer of a value that a step computes or reads.
    pub fn slot(&mut self, value: ValueId) -> Operand {
        Operand::Slot(self.slot_index(value))
    }

    /// The index of [`Lowering::slot`].
    pub fn slot_index(&mut self, value: ValueId) -> usize {
        if let Some(slot) = self.slot_of[value.0] {
            return slot;
        }
        let bytes = self.stored(value).floats() as u64 * 4;
        self.slots.push(bytes);
        self.values.push(true);
        self.slot_values.push(value);
        self.slot_of[value.0] = Some(self.slots.len() - 1);
        self.slots.len() - 1
    }

    /// A buffer of its own for another stored form of `value`.
    pub fn extra_slot(&mut self, value: ValueId, stored: &Stored) -> usize {
        self.slots.push(stored.floats() as u64 * 4);
        self.values.push(true);
        self.slot_values.push(value);
        self.slots.len() - 1
    }

    /// The stored form of `value` in which dimension 1 holds the channels, in one segment that always lives.
    pub fn plain(&mut self, value: ValueId) -> Stored {
        let shape = &self.shapes[value.0];
        let axis = usize::from(shape.len() > 1);
        let channels = shape.get(axis).copied().unwrap_or(1) as u32;
        self.stored_as(shape, axis, vec![StoredSegment::run(0, 0, channels, None)])
    }

    /// A buffer of `floats` elements for what a node needs on the way to `value`.
    pub fn scratch(&mut self, value: ValueId, floats: usize) -> Operand {
        self.slots.push(floats as u64 * 4);
        self.values.push(false);
        self.slot_values.push(value);
        Operand::Slot(self.slots.len() - 1)
    }

    /// Lets `value` share the buffer of `source`: same bytes, same channel layout.
    pub fn alias(&mut self, value: ValueId, source: ValueId) {
        self.slot(source);
        self.slot_of[value.0] = self.slot_of[source.0];
    }

    /// Whether one input of one node, and no caller, reads what is in the slot `operand`.
    pub(super) fn is_read_once(&self, operand: Operand) -> bool {
        let own = |value: &&ValueId| self.slot_of[value.0].map(Operand::Slot) == Some(operand);
        let inputs = self.graph.nodes.iter().flat_map(|node| &node.inputs);
        inputs.filter(own).count() == 1 && !self.graph.outputs.iter().any(|output| own(&output))
    }

    /// Adds a packed constant.
    pub fn pack(&mut self, floats: Vec<f32>) -> Operand {
        self.constants.push(floats.into());
        Operand::Constant(self.constants.len() - 1)
    }

    /// Adds packed weights, which may be stored in 16 bits.
    pub fn pack_weights(&mut self, floats: Vec<f32>) -> Operand {
        self.weights.insert(self.constants.len());
        self.pack(floats)
    }

    /// Whether an operand may be stored in 16 bits: values and weights may.
    pub fn may_be_half(&self, operand: Operand) -> bool {
        match operand {
            Operand::Slot(slot) => self.values[slot],
            Operand::Constant(constant) => self.weights.contains(&constant),
            Operand::Part { .. } | Operand::External(_) => false,
        }
    }

    /// A constant input of a node, or an error that says it must be one.
    pub fn constant(&self, node: &Node, input: usize) -> Result<&'a Tensor, PlanError> {
        let value = node.inputs[input];
        let graph: &'a Graph = self.graph;
        graph.constant(value).ok_or_else(|| {
            let name = &graph.value(value).name;
            unsupported(node, format!("input {input} ({name}) must be a constant, it is computed"))
        })
    }

    /// Bytes of the slots so far, one per value.
    pub fn slots(&self) -> &[u64] {
        &self.slots
    }

    /// The value that a slot was made for.
    pub fn slot_value(&self, slot: usize) -> ValueId {
        self.slot_values[slot]
    }
}

/// A [`PlanError::Unsupported`] for `node`.
pub fn unsupported(node: &Node, reason: String) -> PlanError {
    PlanError::Unsupported { node: node.name.clone(), op: node.op.name(), reason }
}
