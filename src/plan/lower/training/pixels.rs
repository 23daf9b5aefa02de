//! How threads share the pixels of values that are whole: each has many of one channel group of one image, so that it reads
//! what belongs to the channels once.

use crate::graph::Node;
use crate::plan::lower::step::WORKGROUP;
use crate::plan::lower::{DeviceClass, Lowering, PlanError, Stored, unsupported};
use crate::plan::{Grid, Operand};

/// Input `input` of `node`, all of whose channels are stored in order.
pub(super) fn whole(cx: &mut Lowering, node: &Node, input: usize) -> Result<(Operand, Stored), PlanError> {
    let value = node.inputs[input];
    let stored = cx.stored(value);
    let alone = stored.segments.len() == 1 && stored.segments.iter().all(|segment| segment.unit.is_none());
    if !alone || !stored.is_ordered() || stored.axis > 1 {
        let name = &cx.graph.value(value).name;
        return Err(unsupported(node, format!("input {input} ({name}) must have its channels whole")));
    }
    let operand = match (cx.graph.constant(value), cx.whole.get(&value)) {
        (None, _) => cx.slot(value),
        (Some(_), Some(&packed)) => packed,
        (Some(_), None) => {
            let packed = cx.packed(node, input, &stored)?;
            cx.whole.insert(value, packed);
            packed
        }
    };
    Ok((operand, stored))
}

/// Threads that share the pixels of a channel group of an image where each pixel is computed by itself.
pub(super) fn threads(class: DeviceClass, stored: &Stored) -> u32 {
    let each = match class {
        DeviceClass::Gpu => 4,
        DeviceClass::Portable | DeviceClass::Broadcast { .. } => 32,
    };
    stored.pixels().div_ceil(each)
}

/// Threads that share them where each adds its own, before the results of all are added.
pub(super) fn threads_of_sums(class: DeviceClass, stored: &Stored) -> u32 {
    let each = match class {
        DeviceClass::Gpu => 32,
        DeviceClass::Portable => 256,
        DeviceClass::Broadcast { .. } => 512,
    };
    stored.pixels().div_ceil(each)
}

/// So many threads for every channel group of every image.
pub(super) fn grid(stored: &Stored, threads: u32) -> Grid {
    Grid::Elements { record: stored.record, per_group: stored.images * threads, workgroup: WORKGROUP }
}
