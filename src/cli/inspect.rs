//! `inspect`: what a model is made of and what of it can be pruned.

use super::args::InspectArgs;
use super::model::Model;
use super::{Failure, files, table};
use crate::graph::ValueId;
use crate::plan::{PlanLimits, PlanOptions};
use crate::units::{Cost, cost, node_costs};
use serde::Serialize;

#[derive(Serialize)]
struct Inspection {
    version: u32,
    inputs: Vec<Port>,
    outputs: Vec<Port>,
    macs: u64,
    params: u64,
    layers: Vec<Layer>,
    units: Vec<UnitInfo>,
    pinned: Vec<PinnedInfo>,
    /// Nothing where the network cannot be planned.
    memory: Option<Memory>,
}

/// Bytes of device memory that a run of one image needs, as planned for any device.
#[derive(Serialize)]
struct Memory {
    /// Activations, whose buffers are reused.
    activations: u64,
    /// Activations alive at the fullest step: no reuse needs less.
    activations_at_least: u64,
    weights: u64,
    /// Inputs and outputs.
    ends: u64,
}

#[derive(Serialize)]
struct Port {
    name: String,
    shape: Vec<usize>,
}

#[derive(Serialize)]
struct Layer {
    name: String,
    op: &'static str,
    shape: Vec<usize>,
    macs: u64,
    params: u64,
}

#[derive(Serialize)]
struct UnitInfo {
    id: String,
    channels: usize,
    members: Vec<MemberInfo>,
}

#[derive(Serialize)]
struct MemberInfo {
    value: String,
    starts: Vec<usize>,
    block: usize,
}

#[derive(Serialize)]
struct PinnedInfo {
    node: String,
    channels: usize,
    reason: String,
}

/// Runs the command.
pub fn run(args: &InspectArgs) -> Result<(), Failure> {
    let model = Model::load(&args.model, 1, &args.sizes)?;
    let inspection = inspect(&model);
    if args.json {
        return files::print_json(&inspection);
    }
    print(&model, &inspection);
    if args.why {
        print_passes(&model)?;
    }
    Ok(())
}

fn inspect(model: &Model) -> Inspection {
    let port =
        |&id: &ValueId| Port { name: model.graph.value(id).name.clone(), shape: model.shapes[id.0].clone() };
    let total = cost(&model.graph, &model.shapes);
    let costs = node_costs(&model.graph, &model.shapes);
    let layer = |(node, cost): (&crate::graph::Node, &Cost)| {
        let shape = model.shapes[node.outputs[0].0].clone();
        Layer { name: node.name.clone(), op: node.op.name(), shape, macs: cost.macs, params: cost.params }
    };
    let unit = |unit: &crate::units::Unit| UnitInfo {
        id: unit.id.clone(),
        channels: unit.channels,
        members: unit.members.iter().map(|member| member_info(model, member)).collect(),
    };
    let pinned = |pinned: &crate::units::Pinned| PinnedInfo {
        node: pinned.node.clone(),
        channels: pinned.channels,
        reason: pinned.reason.clone(),
    };
    Inspection {
        version: 1,
        inputs: model.graph.inputs.iter().map(port).collect(),
        outputs: model.graph.outputs.iter().map(port).collect(),
        macs: total.macs,
        params: total.params,
        layers: model.graph.nodes.iter().zip(&costs).map(layer).collect(),
        units: model.units.units.iter().map(unit).collect(),
        pinned: model.units.pinned.iter().map(pinned).collect(),
        memory: memory(model),
    }
}

fn memory(model: &Model) -> Option<Memory> {
    let limits = PlanLimits { binding_bytes: u64::MAX, texture_rows: u32::MAX };
    let (_, plan) = model.plan(&PlanOptions { limits, ..PlanOptions::default() }).ok()?;
    Some(Memory {
        activations: plan.slots.iter().sum(),
        activations_at_least: plan.slot_bound,
        weights: plan.constants.iter().map(|constant| constant.len() as u64 * 4).sum(),
        ends: plan.externals.iter().sum(),
    })
}

fn member_info(model: &Model, member: &crate::units::Member) -> MemberInfo {
    let value = model.graph.value(member.value).name.clone();
    MemberInfo { value, starts: member.starts.clone(), block: member.block }
}

fn print(model: &Model, inspection: &Inspection) {
    let list = |ports: &[Port]| {
        ports.iter().map(|port| format!("{} {:?}", port.name, port.shape)).collect::<Vec<_>>().join(", ")
    };
    println!("{}", model.name());
    println!("  inputs   {}", list(&inspection.inputs));
    println!("  outputs  {}", list(&inspection.outputs));
    println!(
        "  {} MACs, {} parameters",
        table::millions(inspection.macs),
        table::millions(inspection.params)
    );
    if let Some(memory) = &inspection.memory {
        println!(
            "  memory   {} of activations (at least {} are alive at once), {} of weights, {} of inputs and outputs",
            table::mebibytes(memory.activations),
            table::mebibytes(memory.activations_at_least),
            table::mebibytes(memory.weights),
            table::mebibytes(memory.ends)
        );
    }
    println!();
    let mut layers = table::new(&["layer", "operator", "output", "MACs", "parameters"]);
    for layer in &inspection.layers {
        let cells = [layer.macs.to_string(), layer.params.to_string()];
        let [macs, params] = cells.map(|cell| if cell == "0" { String::new() } else { cell });
        layers.add_row([layer.name.clone(), layer.op.to_owned(), format!("{:?}", layer.shape), macs, params]);
    }
    table::numbers_from(&mut layers, 3);
    println!("{}\n", layers.trim_fmt());
    let mut units = table::new(&["unit", "channels", "where"]);
    for unit in &inspection.units {
        let members = unit.members.iter().map(|member| member.value.as_str()).collect::<Vec<_>>();
        let more = members.len().saturating_sub(3);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let shown = members[..members.len().min(3)].join(", ") + &more;
        units.add_row([unit.id.clone(), unit.channels.to_string(), shown]);
    }
    println!("{}\n", units.trim_fmt());
    for pinned in &inspection.pinned {
        println!("pinned: {} channels of {}: {}", pinned.channels, pinned.node, pinned.reason);
    }
}

fn print_passes(model: &Model) -> Result<(), Failure> {
    let optimised = crate::optimise::optimise(&model.graph, &model.sizes).map_err(Failure::input)?;
    println!();
    for pass in &optimised.report {
        let [applied, left] = [pass.outcome.applied.len(), pass.outcome.skipped.len()];
        println!("{}: rewrote {applied} nodes, left {left}", pass.pass);
        for skipped in &pass.outcome.skipped {
            println!("  {}: {}", skipped.node, skipped.reason);
        }
    }
    Ok(())
}
