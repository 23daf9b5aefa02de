//! Networks of the zoo become training networks.

use super::*;
use crate::graph::{Builder, Conv2d, Extent, Graph, LossKind, Move, Op, Sizes, SliceAxis, ValueId};
use crate::onnx;
use crate::reference::{Array, run};
use crate::tensor::Tensor;
use std::collections::BTreeSet;
use std::path::PathBuf;

fn zoo() -> Vec<PathBuf> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("models");
    let files = std::fs::read_dir(root.join("zoo")).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> =
        files.filter(|path| path.extension().is_some_and(|ending| ending == "onnx")).collect();
    files.push(root.join("scenes/scenes.onnx"));
    files.sort();
    files
}

fn trained(path: &std::path::Path, normalisation: Normalisation) -> Result<Differentiated, TrainError> {
    let graph = onnx::load(path).unwrap();
    let symbols = ["height", "width"].map(|name| (name.to_owned(), 64));
    let sizes = Sizes::new(2, symbols.into());
    let graph = prepared(&graph, &sizes, normalisation)?;
    let form = forward(&graph, &sizes, normalisation, &BTreeSet::new())?;
    form.graph.check()?;
    let objectives: Vec<Objective> = form
        .graph
        .outputs
        .iter()
        .map(|&output| Objective {
            name: form.graph.value(output).name.clone(),
            output,
            view: Vec::new(),
            kind: LossKind::Square,
        })
        .collect();
    let done = differentiate(&form.graph, &form.shapes, &form.trained, &objectives)?;
    done.graph.check()?;
    for block in &done.blocks {
        let numbers: usize =
            block.constants.iter().map(|&id| graph.constant(id).expect("it is in the file").len()).sum();
        assert_eq!(numbers, done.shapes[block.gradient.0].iter().product::<usize>());
    }
    Ok(done)
}

/// Constants that some product multiplies, or some normalisation.
fn weights_of(graph: &Graph) -> BTreeSet<ValueId> {
    let factors = graph.nodes.iter().filter_map(|node| match node.op {
        Op::Conv(_) | Op::ConvTranspose(_) | Op::Gemm(_) | Op::MatMul | Op::Norm(_) => Some(node.inputs[1]),
        _ => None,
    });
    factors.filter(|&id| graph.constant(id).is_some()).collect()
}

#[test]
fn networks_have_gradients_of_every_weight() {
    let zoo = zoo();
    assert!(zoo.len() > 20, "found {zoo:?}");
    for path in zoo {
        let graph = onnx::load(&path).unwrap();
        for normalisation in [Normalisation::Train, Normalisation::Fold] {
            let done = trained(&path, normalisation)
                .unwrap_or_else(|error| panic!("{} {normalisation:?}: {error}", path.display()));
            let found: BTreeSet<ValueId> =
                done.blocks.iter().flat_map(|block| &block.constants).copied().collect();
            assert!(found.len() > 10, "{}: {}", path.display(), found.len());
            let names = |id: &ValueId| graph.value(*id).name.clone();
            let missing: Vec<String> = match normalisation {
                Normalisation::Train => weights_of(&graph).difference(&found).map(names).collect(),
                Normalisation::Fold => Vec::new(),
            };
            assert!(missing.is_empty(), "{}: {missing:?}", path.display());
        }
    }
}

fn numbers(shape: &[usize], step: usize) -> Tensor {
    let count: usize = shape.iter().product();
    let values = (0..count).map(|at| (at * step % 17) as f32 / 8.0 - 1.0).collect();
    Tensor::from_f32(shape.to_vec(), values).unwrap()
}

/// A loss of some channels and columns, which exchange their places.
#[test]
fn losses_of_parts_of_outputs_have_gradients() {
    let mut builder = Builder::new("parts");
    let x = builder.image("x", [2, 2, 3]);
    let y = builder.conv(x, Conv2d::new([1, 1]), numbers(&[5, 2, 1, 1], 7), None);
    builder.output(y, "y");
    let graph = builder.finish().unwrap();
    let form = forward(&graph, &Sizes::batch(2), Normalisation::Fold, &BTreeSet::new()).unwrap();
    let part = |axis, start, end| {
        let [start, end] = [start, end].map(Extent::Fixed);
        SliceAxis { axis, start, end, step: 1 }
    };
    let slice = Op::Move(Move::Slice(vec![part(1, 2, 4), part(3, 1, 3)]));
    let view = vec![slice, Op::Move(Move::Transpose { perm: vec![0, 3, 2, 1] })];
    let output = form.graph.outputs[0];
    let objective = Objective { name: "part".into(), output, view, kind: LossKind::Square };
    let done = differentiate(&form.graph, &form.shapes, &form.trained, &[objective]).unwrap();
    let (pictures, labels) = (numbers(&[2, 2, 2, 3], 5), numbers(&[2, 2, 2, 2], 3));
    let inputs = [Array::from(&pictures), Array::from(&labels), Array::filled(vec![1], 1.0)];
    let values = run(&done.graph, &done.shapes, &inputs).unwrap();
    let found = values[done.blocks[0].gradient.0].as_ref().unwrap();
    let loss = |graph: &Graph| {
        let y = run(graph, &form.shapes, &inputs[..1]).unwrap()[output.0].clone().unwrap().data;
        let term = |at: usize| {
            let [image, column, row, channel] = [at / 8, at / 4 % 2, at / 2 % 2, at % 2];
            let place = ((image * 5 + 2 + channel) * 2 + row) * 3 + 1 + column;
            (y[place] - inputs[1].data[at]).powi(2)
        };
        (0..16).map(term).sum::<f64>()
    };
    let weight: ValueId = *form.trained.first().unwrap();
    for (at, slope) in found.data.iter().enumerate() {
        let moved = |by: f32| {
            let mut graph = form.graph.clone();
            let mut values = graph.constant(weight).unwrap().f32s().unwrap().to_vec();
            values[at] += by;
            set_weights(&mut graph, &[weight], &values);
            loss(&graph)
        };
        let expected = (moved(0.125) - moved(-0.125)) / 0.25;
        assert!((slope - expected).abs() < 1e-9 * (1.0 + expected.abs()), "{at}: {slope} for {expected}");
        assert_eq!(expected != 0.0, (4..8).contains(&at), "only two channels are judged");
    }
}
