//! The edges of a plan: host-layout buffers, and the steps between them and the stored form.

use super::lower::{Lowering, PlanError, Stored, check_indices, regroup};
use super::{Grid, Operand, Port, Step};
use crate::graph::{Node, Op, ValueId};
use crate::kernels::pack::{PACK, PackParams, spec};
use crate::kernels::unpack::UNPACK;

/// The threads of a workgroup of the kernels here.
const WORKGROUP: u32 = 64;

/// The port of a graph input, and the step that packs it.
pub(super) fn input(cx: &mut Lowering, value: ValueId, external: usize) -> Result<(Port, Step), PlanError> {
    check_indices(cx, value)?;
    let (port, mut step) = edge(cx, value, external);
    step.kernel = &PACK;
    step.op = "Pack";
    step.operands = vec![Operand::External(external), port.operand];
    Ok((port, step))
}

/// The port of a computed value, and the step that unpacks it.
pub(super) fn output(cx: &mut Lowering, value: ValueId, external: usize) -> Result<(Port, Step), PlanError> {
    if cx.graph.constant(value).is_some() {
        return Err(PlanError::ConstantOutput { value: cx.graph.value(value).name.clone() });
    }
    let stored = cx.stored(value);
    if stored.is_ordered() && stored.axis <= 1 {
        return Ok(edge(cx, value, external));
    }
    let plain = cx.plain(value);
    let name = cx.graph.value(value).name.clone();
    let node = Node { name, op: Op::Identity, inputs: vec![value], outputs: vec![value] };
    let slot = Operand::Slot(cx.extra_slot(value, &plain));
    let source = cx.slot(value);
    regroup(cx, &node, [(source, &stored), (slot, &plain)]);
    Ok(edge_of(cx, value, external, (plain, slot)))
}

fn edge(cx: &mut Lowering, value: ValueId, external: usize) -> (Port, Step) {
    let stored = (cx.stored(value), cx.slot(value));
    edge_of(cx, value, external, stored)
}

/// The port of a value as it is stored.
fn edge_of(
    cx: &Lowering,
    value: ValueId,
    external: usize,
    (stored, operand): (Stored, Operand),
) -> (Port, Step) {
    let name = cx.graph.value(value).name.clone();
    let shape = cx.shapes[value.0].clone();
    let port = Port { name: name.clone(), shape, external, operand, record: stored.record, enlarged: None };
    let params = PackParams::new(stored.record.0, stored.images, stored.pixels(), stored.groups);
    let step = Step {
        node: name,
        op: "Unpack",
        kernel: &UNPACK,
        spec: spec(stored.pixels()),
        params: params.words(),
        operands: vec![operand, Operand::External(external)],
        grid: Grid::Elements { record: stored.record, per_group: params.threads(), workgroup: WORKGROUP },
        macs: 0,
    };
    (port, step)
}
