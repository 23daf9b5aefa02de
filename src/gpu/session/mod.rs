//! A plan on a device: buffers and bind groups made once, runs that only encode.

mod chained;
mod host;
mod lent;
mod memory;
mod run;
mod stream;
mod timing;
mod train;

pub use lent::Normalise;
pub use run::Probe;
pub use timing::{Method, StepTime, Timings};
pub use train::Running;

use super::bind::{Bound, LiveTables, Resource, bind, check, is_half, is_texels};
use super::transfer::{Readback, buffer, buffer_for, filled, halves, texels};
use super::{Gpu, GpuError};
use crate::kernels::live::LiveTable;
use crate::plan::{Grid, Operand, Plan, Port, Step};
use std::sync::Arc;
use stream::Pace;

/// A plan on a device.
#[derive(Debug)]
pub struct Session {
    gpu: Gpu,
    plan: Arc<Plan>,
    slots: Vec<wgpu::Buffer>,
    externals: Vec<wgpu::Buffer>,
    constants: Vec<Constant>,
    /// Table 0 is that of the unpruned network and never changes; candidates follow.
    tables: LiveTables,
    candidates: usize,
    program: Program,
    /// What follows the updates.
    copies: Vec<train::Copy>,
    outputs: Readback,
    /// Unpruned runs in fewer dispatches, once asked for.
    chained: Option<chained::Chained>,
    pace: Pace,
    /// The table of the last run and where it is, for probes.
    last: (LiveTable, u64),
}

/// The bound steps of a plan, part by part.
#[derive(Debug)]
struct Program {
    pack: Vec<Timed>,
    steps: Vec<Timed>,
    unpack: Vec<Timed>,
    losses: Vec<Timed>,
    probe: Vec<Timed>,
    updates: Vec<Timed>,
}

/// A bound step and an estimate of its work, in multiply-accumulates.
#[derive(Debug)]
struct Timed {
    bound: Bound,
    cost: f64,
}

/// A constant on the device.
#[derive(Debug)]
enum Constant {
    Buffer(wgpu::Buffer),
    /// A texture.
    Texels(wgpu::TextureView),
}

impl Session {
    /// Makes buffers, uploads constants, compiles kernels that the device has not compiled yet, and binds all of it.
    /// `candidates` is how many candidates [`Session::score`] takes at once.
    ///
    /// # Errors
    /// [`GpuError`]; a step that breaks its kernel's contract is named.
    pub fn new(gpu: &Gpu, plan: impl Into<Arc<Plan>>, candidates: usize) -> Result<Self, GpuError> {
        let plan = plan.into();
        let full = plan.live.table(0, &[]);
        let all: Vec<&Step> = plan.all_steps().collect();
        for step in &all {
            check(step, &full)?;
        }
        if all.iter().any(|step| step.spec.halves() != 0) && !gpu.has_f16() {
            let name = gpu.info().name;
            return Err(GpuError::Unsupported(format!("{name} has no 16-bit floats (SHADER_F16)")));
        }
        let (slots, externals, constants, tables, outputs) = gpu.scoped("allocating a plan", || {
            let slots: Vec<_> = plan.slots.iter().map(|&bytes| buffer(gpu, "slot", bytes)).collect();
            let externals = externals(gpu, &plan);
            let constants = constants(gpu, &plan, &all);
            let tables = LiveTables::new(gpu, &full, candidates + 1);
            let outputs = outputs(gpu, &plan, &externals);
            (slots, externals, constants, tables, outputs)
        })?;
        let bound = bind(gpu, &all, &tables, |operand| find(operand, &slots, &externals, &constants))?;
        let costs = all.iter().map(|step| cost(step, &full));
        let mut timed = bound.into_iter().zip(costs).map(|(bound, cost)| Timed { bound, cost });
        let mut part = |steps: &[Step]| timed.by_ref().take(steps.len()).collect();
        let program = Program {
            pack: part(&plan.pack),
            steps: part(&plan.steps),
            unpack: part(&plan.unpack),
            losses: part(&plan.losses),
            probe: part(&plan.probe),
            updates: part(&plan.updates),
        };
        let copies = plan.refreshed.iter().map(|refresh| {
            let floats = plan.constants[refresh.constant].len();
            train::Copy::new(
                &externals[refresh.external],
                (refresh.offset, floats),
                &constants[refresh.constant],
            )
        });
        let copies = copies.collect();
        Ok(Self {
            pace: Pace::new(gpu.info().device_type),
            gpu: gpu.clone(),
            slots,
            externals,
            constants,
            tables,
            candidates,
            program,
            copies,
            outputs,
            chained: None,
            last: (full, 0),
            plan,
        })
    }

    /// What it runs.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Where it runs.
    pub fn gpu(&self) -> &Gpu {
        &self.gpu
    }

    /// How many candidates [`Session::score`] takes at once.
    pub fn candidates(&self) -> usize {
        self.candidates
    }
}

/// What an operand is.
fn find<'a>(
    operand: Operand,
    slots: &'a [wgpu::Buffer],
    externals: &'a [wgpu::Buffer],
    constants: &'a [Constant],
) -> Resource<'a> {
    match operand {
        Operand::Slot(slot) => Resource::Buffer(&slots[slot]),
        Operand::Part { slot, offset, bytes } => Resource::Part(&slots[slot], offset, bytes),
        Operand::External(external) => Resource::Buffer(&externals[external]),
        Operand::Constant(constant) => match &constants[constant] {
            Constant::Buffer(buffer) => Resource::Buffer(buffer),
            Constant::Texels(view) => Resource::View(view),
        },
    }
}

/// Buffers of the caller; inputs and outputs can be mapped where the host shares the device's memory.
fn externals(gpu: &Gpu, plan: &Plan) -> Vec<wgpu::Buffer> {
    let is_one_of = |ports: &[Port], external| ports.iter().any(|port| port.external == external);
    let make = |(external, &bytes): (usize, &u64)| {
        let more = match gpu.shares_memory() {
            true if is_one_of(&plan.inputs, external) => wgpu::BufferUsages::MAP_WRITE,
            true if is_one_of(&plan.outputs, external) => wgpu::BufferUsages::MAP_READ,
            _ => wgpu::BufferUsages::empty(),
        };
        buffer_for(gpu, "external", bytes, more)
    };
    plan.externals.iter().enumerate().map(make).collect()
}

/// How the outputs come back.
fn outputs(gpu: &Gpu, plan: &Plan, externals: &[wgpu::Buffer]) -> Readback {
    let floats = |port: &Port| port.shape.iter().product();
    if gpu.shares_memory() {
        Readback::of(
            plan.outputs.iter().map(|port| (externals[port.external].clone(), floats(port))).collect(),
        )
    } else {
        Readback::new(gpu, plan.outputs.iter().map(floats).collect())
    }
}

fn constants(gpu: &Gpu, plan: &Plan, steps: &[&Step]) -> Vec<Constant> {
    let changes = |i| plan.refreshed.iter().any(|refresh| refresh.constant == i);
    let make = |(i, floats): (usize, &Arc<[f32]>)| {
        let half = is_half(steps, Operand::Constant(i));
        if is_texels(steps, Operand::Constant(i)) {
            Constant::Texels(texels(gpu, "weights", floats, half))
        } else {
            let changed = if changes(i) { wgpu::BufferUsages::COPY_DST } else { wgpu::BufferUsages::empty() };
            let usage = wgpu::BufferUsages::STORAGE | changed;
            let narrow = if half { halves(floats) } else { Vec::new() };
            let bytes = if half { bytemuck::cast_slice(&narrow) } else { bytemuck::cast_slice(floats) };
            Constant::Buffer(filled(gpu, "weights", bytes, usage))
        }
    };
    plan.constants.iter().enumerate().map(make).collect()
}

/// The work of a step in multiply-accumulates, generously: it only decides where submissions are cut, and the rate
/// at which a device does it is measured.
fn cost(step: &Step, full: &LiveTable) -> f64 {
    /// A thread that only moves a vec4.
    const THREAD: f64 = 32.0;
    /// A dispatch that does nothing.
    const DISPATCH: f64 = 20_000.0;
    let workgroups: f64 = step.grid.resolve(full).iter().map(|&n| f64::from(n)).product();
    let threads = match step.grid {
        Grid::Elements { workgroup, .. } => workgroups * f64::from(workgroup),
        Grid::Tiles { .. } | Grid::Blocks { .. } | Grid::Fixed(_) => workgroups * 64.0,
    };
    DISPATCH + (step.macs as f64).max(threads * THREAD)
}
