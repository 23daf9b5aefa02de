//! Gradients of five networks of the zoo against PyTorch's (`models/zoo/gradients.py`): of the training network in f64,
//! and as the device computes them.

use crate::harness::gpus;
use crate::network::numbers;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use wgpu_pagcp::gpu::{Gpu, Session};
use wgpu_pagcp::graph::{Graph, LossKind, Op, Sizes, Training, ValueId};
use wgpu_pagcp::onnx;
use wgpu_pagcp::plan::build;
use wgpu_pagcp::reference::{Array, run};
use wgpu_pagcp::tensor::{Tensor, count};
use wgpu_pagcp::train::{
    Differentiated, Normalisation, Objective, differentiate, forward, prepared, set_weights,
};
use wgpu_pagcp::units::Units;

/// How far a gradient may be from PyTorch's, as a share of its norm or of its largest element.
const BOUND: f64 = 1e-3;

/// The same for DenseNet, where the terms of the gradient of the first batch norm's scale add up to 21 000 times the
/// gradient in absolute value (to 33 times on ResNet-18): all that reads its channels normalises them again. So half a unit
/// in the last place of each term is 1.3e-3 of the sum. PyTorch in f32, which adds these in f64, is off by 1.3e-4 to 8.6e-4
/// when its weights are moved by up to a unit in the last place.
const DENSENET_BOUND: f64 = 3e-3;

/// The same where all is computed in f64, from weights, labels and factors in f32.
const EXACT: f64 = 1e-5;

/// One network, and what PyTorch computes of it.
#[derive(Deserialize)]
struct Case {
    network: String,
    normalisation: Normalisation,
    loss: Loss,
    seed: u32,
    input: Vec<usize>,
    parameters: Vec<Parameter>,
}

#[derive(Clone, Copy, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Loss {
    CrossEntropy,
    Square,
}

/// The gradient of a constant: norm, largest element, product with `numbers(3)`, first and last elements.
#[derive(Deserialize)]
struct Parameter {
    parameter: String,
    shape: Vec<usize>,
    norm: f64,
    largest: f64,
    projection: f64,
    first: Vec<f64>,
    last: Vec<f64>,
}

/// Gradients by node and what the constant is for it, each with its shape.
type Gradients = BTreeMap<String, (Vec<usize>, Vec<f64>)>;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("models/zoo")
}

fn cases() -> Vec<Case> {
    let text = std::fs::read_to_string(folder().join("golden/gradients.json")).expect("there are gradients");
    serde_json::from_str(&text).expect("they are sound")
}

/// A training network with the inputs that it is run on.
struct Lesson {
    done: Differentiated,
    inputs: Vec<Tensor>,
    names: BTreeMap<ValueId, String>,
}

impl Case {
    fn graph(&self) -> Graph {
        onnx::load(&folder().join(format!("{}.onnx", self.network))).expect("the zoo has it")
    }

    fn lesson(&self, graph: &Graph) -> Lesson {
        let symbols = [("height".to_owned(), self.input[2]), ("width".to_owned(), self.input[3])];
        let sizes = Sizes::new(self.input[0], symbols.into());
        let graph = prepared(graph, &sizes, self.normalisation).expect("it can be prepared");
        let form = forward(&graph, &sizes, self.normalisation, &BTreeSet::new()).expect("it can be trained");
        let output = form.graph.outputs[0];
        let kind = match self.loss {
            Loss::CrossEntropy => LossKind::CrossEntropy,
            Loss::Square => LossKind::Square,
        };
        let objective = Objective { name: "loss".to_owned(), output, view: Vec::new(), kind };
        let done = differentiate(&form.graph, &form.shapes, &form.trained, &[objective])
            .unwrap_or_else(|error| panic!("{}: {error}", self.network));
        let (labels, scale) = self.labels(&form.shapes[output.0]);
        let image = Tensor::from_f32(self.input.clone(), numbers(self.seed, count(&self.input)));
        let inputs = vec![image.expect("as many numbers as elements"), labels, scale];
        let names = parameters(&form.graph, &form.trained);
        Lesson { done, inputs, names }
    }

    /// Labels for an output of `shape`, and the factor that makes a mean of their losses.
    fn labels(&self, shape: &[usize]) -> (Tensor, Tensor) {
        let factor =
            |terms: usize| Tensor::from_f32(vec![1], vec![(1.0 / terms as f64) as f32]).expect("one number");
        if self.loss == Loss::Square {
            let labels = numbers(self.seed + 100, count(shape));
            let terms = labels.len();
            return (Tensor::from_f32(shape.to_vec(), labels).expect("one for each"), factor(terms));
        }
        let mut own = shape.to_vec();
        own[1] = 1;
        let class = |place: usize| match place % 11 {
            10 => LossKind::UNLABELLED,
            _ => ((7 * place + self.seed as usize) % shape[1]) as f32,
        };
        let labels: Vec<f32> = (0..count(&own)).map(class).collect();
        let terms = labels.iter().filter(|label| **label >= 0.0).count();
        (Tensor::from_f32(own, labels).expect("one for each place"), factor(terms))
    }

    /// The largest error of any gradient.
    fn error(&self, found: &Gradients) -> f64 {
        let names = |list: Vec<&String>| list.into_iter().cloned().collect::<BTreeSet<String>>();
        let expected = names(self.parameters.iter().map(|parameter| &parameter.parameter).collect());
        assert_eq!(names(found.keys().collect()), expected, "{} trains what PyTorch trains", self.network);
        let longest = self.parameters.iter().map(|parameter| parameter.norm).fold(0.0, f64::max);
        let error = |parameter: &Parameter| parameter.error(&found[&parameter.parameter], longest);
        self.parameters.iter().map(error).fold(0.0, f64::max)
    }
}

impl Parameter {
    /// Of gradients of which the longest of the network has the norm `longest`. Nothing depends on the biases of keys, for
    /// instance: beside that one, they must vanish too.
    fn error(&self, (shape, values): &(Vec<usize>, Vec<f64>), longest: f64) -> f64 {
        let [norm, largest] = match self.norm < 1e-9 * longest {
            true => [1e-3 * longest; 2],
            false => [self.norm, self.largest],
        };
        let values = in_the_files_order(shape, values, &self.shape);
        let length = values.iter().map(|x| x * x).sum::<f64>().sqrt();
        let weights = numbers(3, values.len());
        let projection: f64 = values.iter().zip(weights).map(|(x, w)| x * f64::from(w)).sum();
        let ends = values.iter().zip(&self.first).chain(values.iter().rev().zip(self.last.iter().rev()));
        let elements = ends.map(|(found, expected)| (found - expected).abs() / largest);
        let whole = [(length - self.norm).abs() / norm, (projection - self.projection).abs() / norm];
        let worst = |worst: f64, error: f64| if error.is_nan() { f64::INFINITY } else { worst.max(error) };
        elements.chain(whole).fold(0.0, worst)
    }
}

/// Matrix products hold their weights transposed.
fn in_the_files_order(shape: &[usize], values: &[f64], expected: &[usize]) -> Vec<f64> {
    if shape == expected {
        return values.to_vec();
    }
    let [rows, columns] = expected[..] else { panic!("{shape:?} is not {expected:?}") };
    assert_eq!(shape, [columns, rows]);
    (0..values.len()).map(|at| values[at % columns * rows + at / columns]).collect()
}

/// What the trained constants are, by node.
fn parameters(graph: &Graph, trained: &BTreeSet<ValueId>) -> BTreeMap<ValueId, String> {
    let mut names = BTreeMap::new();
    for node in &graph.nodes {
        let (first, roles) = match node.op {
            Op::Training(Training::BatchNorm(_)) => (2, ["scale", "shift"]),
            Op::Norm(_) => (1, ["scale", "shift"]),
            _ => (1, ["weight", "bias"]),
        };
        for (input, role) in node.inputs.iter().skip(first).zip(roles) {
            if trained.contains(input) {
                names.insert(*input, format!("{} {role}", node.name));
            }
        }
    }
    assert_eq!(names.len(), trained.len());
    names
}

impl Lesson {
    /// The gradients in the outputs of the training network, of which there is one for every output.
    fn gradients(&self, outputs: &BTreeMap<ValueId, Vec<f64>>) -> Gradients {
        let mut found = Gradients::new();
        for block in &self.done.blocks {
            let mut rest = &outputs[&block.gradient][..];
            for id in &block.constants {
                let shape = self.done.graph.constant(*id).expect("it is a constant").shape().to_vec();
                let (own, after) = rest.split_at(count(&shape));
                found.insert(self.names[id].clone(), (shape, own.to_vec()));
                rest = after;
            }
            assert!(rest.is_empty());
        }
        found
    }

    fn in_f64(&self) -> Gradients {
        let inputs: Vec<Array> = self.inputs.iter().map(Array::from).collect();
        let values = run(&self.done.graph, &self.done.shapes, &inputs).expect("the training network runs");
        let outputs = self.done.graph.outputs.iter();
        self.gradients(
            &outputs.map(|id| (*id, values[id.0].as_ref().expect("computed").data.clone())).collect(),
        )
    }

    fn on(&self, gpu: &Gpu) -> Gradients {
        let Differentiated { graph, shapes, .. } = &self.done;
        let options = gpu.plan_options(shapes[graph.inputs[0].0][0]);
        let plan =
            build(graph, shapes, &Units::default(), &options).unwrap_or_else(|error| panic!("{error}"));
        let mut session = Session::new(gpu, plan, 0).expect("the plan fits");
        session.poison().expect("the device works");
        let inputs: Vec<&[f32]> = self.inputs.iter().map(|tensor| tensor.f32s().expect("floats")).collect();
        let outputs = session.run(&inputs).expect("the device works");
        let doubles = |values: Vec<f32>| values.into_iter().map(f64::from).collect();
        self.gradients(&graph.outputs.iter().copied().zip(outputs.into_iter().map(doubles)).collect())
    }
}

#[test]
fn training_networks_compute_pytorchs_gradients() {
    for case in cases() {
        let found = case.lesson(&case.graph()).in_f64();
        let error = case.error(&found);
        assert!(error < EXACT, "{}, {:?}: {error}", case.network, case.normalisation);
    }
}

#[test]
fn the_device_computes_pytorchs_gradients() {
    let Some([_, gpu]) = gpus() else { return };
    for case in cases() {
        let error = case.error(&case.lesson(&case.graph()).on(&gpu));
        let bound = if case.network == "densenet" { DENSENET_BOUND } else { BOUND };
        assert!(error < bound, "{}, {:?}: {error}", case.network, case.normalisation);
    }
}

/// A weight that is off by a tenth, and one element in the middle of a gradient, are noticed.
#[test]
fn other_gradients_are_refused() {
    let case = cases().into_iter().find(|case| case.network == "mobilenet_v2").expect("it is there");
    let mut graph = case.graph();
    let weight =
        graph.nodes.iter().find(|node| matches!(node.op, Op::Conv(_))).expect("it has one").inputs[1];
    let values = graph.constant(weight).and_then(|tensor| tensor.f32s().ok()).expect("floats").to_vec();
    let mut found = case.lesson(&graph).in_f64();
    assert!(case.error(&found) < EXACT);
    let parameter = case.parameters.iter().max_by_key(|p| count(&p.shape)).expect("there are some");
    let (_, gradient) = found.get_mut(&parameter.parameter).expect("it is there");
    let middle = gradient.len() / 2;
    gradient[middle] += 0.1 * parameter.norm;
    assert!(case.error(&found) > BOUND);
    let scaled: Vec<f32> = values.iter().map(|weight| weight * 1.1).collect();
    set_weights(&mut graph, &[weight], &scaled);
    assert!(case.error(&case.lesson(&graph).in_f64()) > BOUND);
}
