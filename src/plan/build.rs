//! Builds a plan: every node lowered, slots merged, sizes checked against the device.

use super::lower::{Lowering, PlanError, lower, unpacked};
use super::memory::{assign, lower_bound, values};
use super::{DeviceClass, Enlarged, Gram, MAX_GROUPS, Operand, Plan, Port, Step, gram, halves, ports};
use crate::graph::{Graph, Node, Shapes, ValueId};
use crate::kernels::{Access, TEXEL_ROW};
use crate::tensor::Dtype;
use crate::units::Units;
use std::collections::BTreeMap;

/// What a device binds at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlanLimits {
    /// Bytes of one storage buffer.
    pub binding_bytes: u64,
    /// Rows of a texture.
    pub texture_rows: u32,
}

/// What a plan is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlanOptions {
    /// Chooses kernels.
    pub class: DeviceClass,
    /// Bounds sizes.
    pub limits: PlanLimits,
    /// Images in one run; the shapes are inferred for it.
    pub batch: usize,
    /// How values between steps, and weights, are stored; sums are `f32`. Inputs, outputs and biases are `f32` too.
    pub dtype: Dtype,
    /// Gives every value a buffer of its own and a probe, to read all of them after a run.
    pub keep_all: bool,
    /// Whether convolutions of one value may be one step; else every node has steps of its own, for whoever times nodes.
    pub merge: bool,
}

impl Default for PlanLimits {
    /// What every WebGPU device has: 128 MiB bindings, 8192 rows.
    fn default() -> Self {
        Self { binding_bytes: 128 << 20, texture_rows: 8192 }
    }
}

impl PlanLimits {
    /// Bytes that are read as texels at most.
    pub fn texel_bytes(&self) -> u64 {
        u64::from(TEXEL_ROW) * 16 * u64::from(self.texture_rows)
    }
}

impl Default for PlanOptions {
    /// One image, on any device.
    fn default() -> Self {
        let (class, limits) = (DeviceClass::Portable, PlanLimits::default());
        Self { class, limits, batch: 1, dtype: Dtype::F32, keep_all: false, merge: true }
    }
}

/// Plans `graph` (optimised), whose values have `shapes` and are cut by `units`.
///
/// # Errors
/// [`PlanError`]: an operator or attribute that no kernel runs, or a value, constant or dispatch over a limit.
pub fn build(
    graph: &Graph,
    shapes: &Shapes,
    units: &Units,
    options: &PlanOptions,
) -> Result<Plan, PlanError> {
    build_with_grams(graph, shapes, units, options, &[])
}

/// As [`build`], with a step that sums channel products behind every one of `values` that a node computes. Not to be
/// had together with [`PlanOptions::keep_all`].
///
/// # Errors
/// As [`build`].
pub fn build_with_grams(
    graph: &Graph,
    shapes: &Shapes,
    units: &Units,
    options: &PlanOptions,
    values: &[ValueId],
) -> Result<Plan, PlanError> {
    check_values(graph, shapes, &options.limits)?;
    if options.dtype == Dtype::F16 {
        halves::check(graph, shapes)?;
    }
    let mut cx = Lowering::new(graph, shapes, units, options.class);
    cx.scratch_bytes = cx.scratch_bytes.min(options.limits.binding_bytes);
    cx.texel_bytes = options.limits.texel_bytes();
    cx.keep_all = options.keep_all || !values.is_empty();
    cx.dtype = options.dtype;
    cx.merge = options.merge;
    let mut edges = Edges::default();
    for &value in &graph.inputs {
        let (port, step) = ports::input(&mut cx, value, edges.external(shapes, value))?;
        edges.inputs.push(port);
        edges.pack.push(step);
    }
    for node in &graph.nodes {
        lower(&mut cx, node)?;
        edges.shorten(&mut cx, node, (values, options.keep_all));
        for &value in values.iter().filter(|value| node.outputs.contains(value)) {
            let external = graph.inputs.len() + graph.outputs.len() + edges.grams.len();
            edges.grams.push(gram::add(&mut cx, node, value, external));
        }
    }
    for &value in &graph.outputs {
        edges.add_output(&mut cx, value)?;
    }
    edges.externals.extend(edges.grams.iter().map(|gram| gram.bytes(options.batch)));
    if options.keep_all {
        add_probes(&mut cx, &mut edges)?;
    }
    check_slots(&cx, &options.limits)?;
    let plan = finish(cx, edges, options);
    check_steps(&plan, &options.limits)?;
    tracing::debug!(graph = graph.name, steps = plan.steps.len(), bytes = plan.device_bytes(), "made a plan");
    Ok(plan)
}

/// What joins a plan to the caller, as it is collected.
#[derive(Default)]
struct Edges {
    externals: Vec<u64>,
    inputs: Vec<Port>,
    outputs: Vec<Port>,
    probes: Vec<Port>,
    grams: Vec<Gram>,
    pack: Vec<Step>,
    unpack: Vec<Step>,
    probe: Vec<Step>,
    short: BTreeMap<ValueId, Short>,
}

/// An output that is computed for the caller at once.
struct Short {
    /// The step that does it, where none of the node's own does.
    unpack: Option<Step>,
    /// What is stored, where that is something else, and how the output comes from it.
    source: Option<(Operand, Option<Enlarged>)>,
}

impl Edges {
    /// A new external buffer for a value in the caller's layout.
    fn external(&mut self, shapes: &[Vec<usize>], value: ValueId) -> usize {
        self.externals.push(host_bytes(&shapes[value.0]).unwrap_or(u64::MAX));
        self.externals.len() - 1
    }

    /// All steps, of which `steps` are those of nodes.
    fn steps<'a>(&'a mut self, steps: &'a mut [Step]) -> impl Iterator<Item = &'a mut Step> {
        let Self { pack, unpack, probe, .. } = self;
        pack.iter_mut().chain(steps).chain(unpack).chain(probe)
    }

    /// Lets `node` compute a graph output for the caller at once, where there is a kernel for that and no other node reads
    /// it. It is stored for probes alone then; losses enlarge it themselves.
    fn shorten(&mut self, cx: &mut Lowering, node: &Node, (summed, probed): (&[ValueId], bool)) {
        let value = node.outputs[0];
        let mut places = (0..).zip(&cx.graph.outputs).filter(|(_, output)| **output == value);
        let (Some((place, _)), None) = (places.next(), places.next()) else { return };
        let read = cx.graph.nodes.iter().any(|other| other.inputs.contains(&value));
        let stored = cx.stored(value);
        if read || summed.contains(&value) || !(stored.is_ordered() && stored.axis <= 1) {
            return;
        }
        let external: usize = cx.graph.inputs.len() + place;
        if !probed && cx.write_direct(value, &stored, external) {
            let source = Some((Operand::External(external), None));
            self.short.insert(value, Short { unpack: None, source });
        } else if let Some((unpack, source, enlarged)) = unpacked(cx, &stored, external) {
            if !probed {
                cx.steps.pop();
            }
            let source = (!probed).then_some((source, Some(enlarged)));
            self.short.insert(value, Short { unpack: Some(unpack), source });
        }
    }

    /// The port of an output and the step that unpacks it, if any.
    fn add_output(&mut self, cx: &mut Lowering, value: ValueId) -> Result<(), PlanError> {
        let external = self.external(cx.shapes, value);
        let (mut port, step) = ports::output(cx, value, external)?;
        let short = self.short.remove(&value).unwrap_or(Short { unpack: Some(step), source: None });
        if let Some((operand, enlarged)) = short.source {
            (port.operand, port.enlarged) = (operand, enlarged);
        }
        if port.operand == Operand::External(external) {
            self.externals[external] = cx.stored(value).floats() as u64 * 4;
        }
        self.outputs.push(port);
        self.unpack.extend(short.unpack);
        Ok(())
    }
}

/// Probes share one external buffer, as large as the largest value.
fn add_probes(cx: &mut Lowering, edges: &mut Edges) -> Result<(), PlanError> {
    let external = edges.externals.len();
    let mut largest = 0;
    for node in &cx.graph.nodes {
        for &value in &node.outputs {
            let (port, step) = ports::output(cx, value, external)?;
            largest = largest.max(host_bytes(&cx.shapes[value.0]).unwrap_or(u64::MAX));
            edges.probes.push(port);
            edges.probe.push(step);
        }
    }
    edges.externals.push(largest);
    Ok(())
}

fn finish(mut cx: Lowering, mut edges: Edges, options: &PlanOptions) -> Plan {
    let mut slots = cx.slots().to_vec();
    if options.dtype == Dtype::F16 {
        let mut steps = std::mem::take(&mut cx.steps);
        halves::mark(&cx, edges.steps(&mut steps));
        cx.steps = steps;
        let halved = |slot: &usize| cx.may_be_half(Operand::Slot(*slot));
        (0..slots.len()).filter(halved).for_each(|slot| slots[slot] /= 2);
    }
    resolve(&mut cx, &mut edges, options.dtype);
    let own = |slot: &usize| cx.resolve(Operand::Slot(*slot)) == Operand::Slot(*slot);
    let of = |ports: &[Port]| ports.iter().filter_map(|port| port.operand.slot()).collect();
    let pinned: Vec<usize> =
        if options.keep_all { (0..slots.len()).filter(own).collect() } else { of(&edges.inputs) };
    let read: Vec<usize> = of(&edges.outputs);
    let steps = cx.steps.iter().chain(&edges.unpack);
    let values = values(&slots, steps, [&pinned, &read]);
    let assignment = assign(&values);
    let mut plan = Plan {
        batch: options.batch,
        dtype: options.dtype,
        slots: assignment.bytes,
        slot_bound: lower_bound(&values.lifetimes),
        constants: cx.constants,
        externals: edges.externals,
        inputs: edges.inputs,
        outputs: edges.outputs,
        probes: edges.probes,
        grams: edges.grams,
        pack: edges.pack,
        steps: cx.steps,
        unpack: edges.unpack,
        losses: Vec::new(),
        probe: edges.probe,
        updates: Vec::new(),
        refreshed: Vec::new(),
        live: cx.live,
        merged: cx.merged.into_values().collect(),
    };
    let ports = [&mut plan.inputs, &mut plan.outputs, &mut plan.probes].into_iter().flatten();
    let steps = [&mut plan.pack, &mut plan.steps, &mut plan.unpack, &mut plan.probe];
    let operands = steps.into_iter().flatten().flat_map(|step| &mut step.operands);
    for operand in operands.chain(ports.map(|port| &mut port.operand)) {
        let Some(slot) = operand.slot() else { continue };
        let place = assignment.places[slot];
        *operand = match *operand {
            Operand::Part { offset, bytes, .. } => {
                Operand::Part { slot: place.buffer, offset: place.offset + offset, bytes }
            }
            _ if place.offset > 0 => {
                Operand::Part { slot: place.buffer, offset: place.offset, bytes: slots[slot] }
            }
            _ => Operand::Slot(place.buffer),
        };
    }
    plan
}

/// Puts the buffer and the place in it where operands are slots that lie within others.
fn resolve(cx: &mut Lowering, edges: &mut Edges, dtype: Dtype) {
    let mut steps = std::mem::take(&mut cx.steps);
    let all = |operand: &mut Operand| {
        let halved = dtype == Dtype::F16 && cx.may_be_half(*operand);
        *operand = match cx.resolve(*operand) {
            Operand::Part { slot, offset, bytes } if halved => {
                Operand::Part { slot, offset: offset / 2, bytes: bytes / 2 }
            }
            other => other,
        };
    };
    edges.steps(&mut steps).flat_map(|step| &mut step.operands).for_each(all);
    let ports = [&mut edges.inputs, &mut edges.outputs, &mut edges.probes].into_iter().flatten();
    ports.map(|port| &mut port.operand).for_each(all);
    cx.steps = steps;
}

fn host_bytes(shape: &[usize]) -> Option<u64> {
    shape.iter().try_fold(4u64, |bytes, &extent| bytes.checked_mul(extent as u64))
}

/// Every value fits in a binding when stored, so that no later product of extents overflows.
fn check_values(graph: &Graph, shapes: &Shapes, limits: &PlanLimits) -> Result<(), PlanError> {
    for (value, shape) in graph.values.iter().zip(shapes) {
        let mut padded = shape.clone();
        if let [_, channels, ..] | [channels] = &mut padded[..] {
            *channels = channels.saturating_add(3) / 4 * 4;
        }
        let bytes = host_bytes(&padded).unwrap_or(u64::MAX);
        if bytes > limits.binding_bytes {
            let (value, limit) = (value.name.clone(), limits.binding_bytes);
            return Err(PlanError::TooLarge { value, bytes, limit });
        }
    }
    Ok(())
}

/// Every value fits as its segments store it.
fn check_slots(cx: &Lowering, limits: &PlanLimits) -> Result<(), PlanError> {
    for (slot, &bytes) in cx.slots().iter().enumerate() {
        if bytes > limits.binding_bytes {
            let value = cx.graph.value(cx.slot_value(slot)).name.clone();
            return Err(PlanError::TooLarge { value, bytes, limit: limits.binding_bytes });
        }
    }
    Ok(())
}

/// Every constant fits as its kernel binds it, and every grid as it is when nothing is pruned.
fn check_steps(plan: &Plan, limits: &PlanLimits) -> Result<(), PlanError> {
    let full = plan.live.table(0, &[]);
    for step in plan.all_steps() {
        let grid = step.grid.resolve(&full);
        if grid.iter().any(|&groups| groups > MAX_GROUPS) {
            return Err(PlanError::TooManyGroups { node: step.node.clone(), op: step.op, grid });
        }
        for (operand, access) in step.operands.iter().zip(step.kernel.bindings) {
            let Operand::Constant(constant) = *operand else { continue };
            let bytes = plan.constant_bytes(constant);
            let limit = match access {
                Access::Texels => limits.texel_bytes(),
                Access::Read | Access::Write | Access::Picture => limits.binding_bytes,
            };
            if bytes > limit {
                let value = format!("a constant of {}", step.node);
                return Err(PlanError::TooLarge { value, bytes, limit });
            }
        }
    }
    Ok(())
}
