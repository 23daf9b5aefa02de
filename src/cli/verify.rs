//! `verify`: the GPU against the f64 reference, layer by layer.

use super::args::{DeviceArgs, VerifyArgs};
use super::bench::random_inputs;
use super::model::{Model, open};
use super::{Failure, files, table};
use crate::gpu::{Gpu, Session};
use crate::graph::Graph;
use crate::reference::{Array, bounds};
use serde::Serialize;

#[derive(Serialize)]
struct Verification {
    version: u32,
    device: String,
    layers: Vec<LayerCheck>,
    first_bad: Option<String>,
}

/// One layer, judged on what the layers before it really gave it.
#[derive(Debug, Serialize)]
pub struct LayerCheck {
    /// The node.
    pub name: String,
    /// Its operator.
    pub op: &'static str,
    /// The element furthest from the reference, as a multiple of its rounding bound.
    pub error_over_bound: f64,
    /// Whether no element is beyond its bound.
    pub good: bool,
}

/// Runs the command. A layer beyond its bound is a failure.
pub fn run(args: &VerifyArgs, device: &DeviceArgs) -> Result<(), Failure> {
    if args.batch == 0 {
        return Err(Failure::input("--batch must be at least 1"));
    }
    let model = Model::load(&args.model, args.batch, &args.sizes)?;
    let gpu = open(device)?;
    let layers = verify(&gpu, &model, args.seed)?;
    let first_bad = layers.iter().find(|layer| !layer.good).map(|layer| layer.name.clone());
    let device = gpu.info().name;
    if args.json {
        files::print_json(&Verification { version: 1, device, layers, first_bad: first_bad.clone() })?;
    } else {
        print(&layers);
    }
    match first_bad {
        None => Ok(()),
        Some(name) => {
            Err(Failure::work(format!("{}: {name} is the first layer beyond its bound", model.name())))
        }
    }
}

fn print(layers: &[LayerCheck]) {
    let mut table = table::new(&["layer", "operator", "error / bound", ""]);
    for layer in layers {
        let verdict = if layer.good { "" } else { "BAD" };
        let error = format!("{:.3}", layer.error_over_bound);
        table.add_row([layer.name.clone(), layer.op.to_owned(), error, verdict.to_owned()]);
    }
    table::numbers_from(&mut table, 2);
    let worst = layers.iter().map(|layer| layer.error_over_bound).fold(0.0, f64::max);
    println!("{}\n\n{} layers, worst error {worst:.3} of its bound", table.trim_fmt(), layers.len());
}

/// Compares every layer of the optimised model with the reference, on a random input.
pub fn verify(gpu: &Gpu, model: &Model, seed: u64) -> Result<Vec<LayerCheck>, Failure> {
    let options = crate::plan::PlanOptions { keep_all: true, ..gpu.plan_options(model.sizes.batch) };
    let (graph, plan) = model.plan(&options)?;
    let shapes = graph.infer(&model.sizes).map_err(Failure::input)?;
    let mut session = Session::new(gpu, plan, 0).map_err(Failure::work)?;
    let inputs = random_inputs(&session, seed);
    let slices: Vec<&[f32]> = inputs.iter().map(Vec::as_slice).collect();
    session.run(&slices).map_err(Failure::work)?;
    let values = gpu_values(&graph, &mut session, &inputs)?;
    let bounded = bounds(&graph, &shapes, &values).map_err(Failure::work)?;
    let check = |(node, bounded): (&crate::graph::Node, &crate::reference::Bounded)| {
        let found = values[node.outputs[0].0].as_ref().map(Array::to_f32).unwrap_or_default();
        let error = bounded.worst(&found).map_or(0.0, |(_, multiple)| multiple);
        LayerCheck {
            name: node.name.clone(),
            op: node.op.name(),
            error_over_bound: error,
            good: error <= 1.0,
        }
    };
    Ok(graph.nodes.iter().zip(&bounded).map(check).collect())
}

/// What the GPU holds for every value, by id.
fn gpu_values(
    graph: &Graph,
    session: &mut Session,
    inputs: &[Vec<f32>],
) -> Result<Vec<Option<Array>>, Failure> {
    let mut values: Vec<Option<Array>> =
        graph.values.iter().map(|value| value.constant.as_deref().map(Array::from)).collect();
    for ((&id, port), input) in graph.inputs.iter().zip(&session.plan().inputs).zip(inputs) {
        values[id.0] = Some(Array::from_f32(port.shape.clone(), input).map_err(Failure::work)?);
    }
    for probe in session.values().map_err(Failure::work)? {
        let id = graph.values.iter().position(|value| value.name == probe.name);
        let array = Array::from_f32(probe.shape, &probe.values).map_err(Failure::work)?;
        if let Some(id) = id {
            values[id] = Some(array);
        }
    }
    Ok(values)
}
