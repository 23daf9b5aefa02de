//! `verify`: the GPU against the f64 reference, layer by layer.

use super::args::{DeviceArgs, VerifyArgs};
use super::bench::random_inputs;
use super::model::{Model, check_dtype, open};
use super::{Failure, files, table};
use crate::gpu::{Gpu, Session};
use crate::graph::Graph;
use crate::plan::{PlanOptions, round_weights};
use crate::reference::{Array, bounds};
use crate::tensor::Dtype;
use serde::Serialize;

#[derive(Serialize)]
struct Verification {
    version: u32,
    device: String,
    dtype: String,
    layers: Vec<LayerCheck>,
    /// What 16 bits change of the outputs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    outputs: Vec<OutputChange>,
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

/// An output of a model whose values and weights are stored in 16 bits, against the same in 32 bits.
#[derive(Debug, Serialize)]
pub struct OutputChange {
    /// Its name.
    pub name: String,
    /// The root of the mean square of what it is in 32 bits.
    pub size: f64,
    /// That of the difference.
    pub difference: f64,
    /// The largest difference of an element.
    pub largest: f64,
}

/// Runs the command. A layer beyond its bound is a failure.
pub fn run(args: &VerifyArgs, device: &DeviceArgs) -> Result<(), Failure> {
    if args.batch == 0 {
        return Err(Failure::input("--batch must be at least 1"));
    }
    let dtype = args.stored.dtype;
    let model = Model::load(&args.model, args.batch, &args.sizes)?.stored(dtype);
    let gpu = open(device)?;
    check_dtype(&gpu, dtype)?;
    let layers = verify(&gpu, &model, args.seed)?;
    let outputs = if dtype == Dtype::F16 { changes(&gpu, &model, args.seed)? } else { Vec::new() };
    let first_bad = layers.iter().find(|layer| !layer.good).map(|layer| layer.name.clone());
    let device = gpu.info().name;
    if args.json {
        let (dtype, first_bad) = (dtype.to_string(), first_bad.clone());
        files::print_json(&Verification { version: 1, device, dtype, layers, outputs, first_bad })?;
    } else {
        print(&layers);
        print_changes(&outputs);
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
    let mut graph = model.optimised()?;
    // What the device stores of weights and inputs is exact then.
    round_weights(&mut graph, model.dtype);
    let options = gpu.plan_options(model.sizes.batch);
    let plan = model.plan_of(&graph, &PlanOptions { keep_all: true, dtype: model.dtype, ..options })?;
    let shapes = graph.infer(&model.sizes).map_err(Failure::input)?;
    let mut session = Session::new(gpu, plan, 0).map_err(Failure::work)?;
    let mut inputs = random_inputs(&session, seed);
    inputs.iter_mut().flatten().for_each(|input| *input = model.dtype.round(*input));
    let slices: Vec<&[f32]> = inputs.iter().map(Vec::as_slice).collect();
    let outputs = session.run(&slices).map_err(Failure::work)?;
    let values = gpu_values(&graph, &mut session, &inputs)?;
    let bounded = bounds(&graph, &shapes, &values).map_err(Failure::work)?;
    let check = |(node, bounded): (&crate::graph::Node, &crate::reference::Bounded)| {
        let found = values[node.outputs[0].0].as_ref().map(Array::to_f32).unwrap_or_default();
        let bounded = bounded.clone().stored(model.dtype);
        // An output may reach the caller by another kernel than the one that stores it.
        let place = graph.outputs.iter().position(|id| node.outputs.contains(id));
        let error = [Some(&found), place.map(|place| &outputs[place])].into_iter().flatten();
        let error =
            error.filter_map(|found| bounded.worst(found)).map(|(_, multiple)| multiple).fold(0.0, f64::max);
        LayerCheck {
            name: node.name.clone(),
            op: node.op.name(),
            error_over_bound: error,
            good: error <= 1.0,
        }
    };
    Ok(graph.nodes.iter().zip(&bounded).map(check).collect())
}

/// What storing values and weights in 16 bits changes of a model's outputs, for random inputs.
pub fn changes(gpu: &Gpu, model: &Model, seed: u64) -> Result<Vec<OutputChange>, Failure> {
    let graph = model.optimised()?;
    let outputs = |dtype| -> Result<Vec<Vec<f32>>, Failure> {
        let options = PlanOptions { dtype, ..gpu.plan_options(model.sizes.batch) };
        let plan = model.plan_of(&graph, &options)?;
        let mut session = Session::new(gpu, plan, 0).map_err(Failure::work)?;
        let inputs = random_inputs(&session, seed);
        let slices: Vec<&[f32]> = inputs.iter().map(Vec::as_slice).collect();
        session.run(&slices).map_err(Failure::work)
    };
    let (wide, narrow) = (outputs(Dtype::F32)?, outputs(Dtype::F16)?);
    let names = model.graph.outputs.iter().map(|id| model.graph.value(*id).name.clone());
    let root = |squares: f64, count: usize| (squares / count.max(1) as f64).sqrt();
    let change = |(name, (wide, narrow)): (String, (&Vec<f32>, &Vec<f32>))| {
        let differences = || wide.iter().zip(narrow).map(|(a, b)| f64::from(*a) - f64::from(*b));
        OutputChange {
            name,
            size: root(wide.iter().map(|v| f64::from(*v).powi(2)).sum(), wide.len()),
            difference: root(differences().map(|d| d * d).sum(), wide.len()),
            largest: differences().map(f64::abs).fold(0.0, |a, b| if b > a || b.is_nan() { b } else { a }),
        }
    };
    Ok(names.zip(wide.iter().zip(&narrow)).map(change).collect())
}

fn print_changes(outputs: &[OutputChange]) {
    if outputs.is_empty() {
        return;
    }
    let header =
        ["output", "root mean square", "that of the difference to f32", "share", "largest difference"];
    let mut table = table::new(&header);
    for output in outputs {
        let share = if output.size > 0.0 {
            format!("{:.3} %", 100.0 * output.difference / output.size)
        } else {
            String::new()
        };
        let [size, difference, largest] =
            [output.size, output.difference, output.largest].map(|number| format!("{number:.3e}"));
        table.add_row([output.name.clone(), size, difference, share, largest]);
    }
    table::numbers_from(&mut table, 1);
    println!("\n{}", table.trim_fmt());
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
