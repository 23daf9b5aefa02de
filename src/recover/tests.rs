//! The algebra of recovery on small graphs, in f64.

mod energy;

use super::{Fit, Form, Reader, dropped, readers, scored, shipped};
use crate::compact::compact;
use crate::graph::{
    Activation, Builder, Conv2d, ConvTranspose, Dim, Epilogue, Gemm, Graph, Op, Padding, Shapes, Sizes,
    ValueId,
};
use crate::reference::{Array, run};
use crate::tensor::{Tensor, count};
use crate::units::{Keeps, Units, analyse};

/// Reproducible numbers of about unit size.
fn numbers(seed: usize, shape: &[usize]) -> Tensor {
    let value = |i: usize| (((i * 37 + seed * 101) as f64 * 12.9898).sin() * 43_758.547).fract() as f32;
    Tensor::from_f32(shape.to_vec(), (0..count(shape)).map(value).collect()).unwrap()
}

struct Net {
    graph: Graph,
    shapes: Shapes,
    units: Units,
    hidden: ValueId,
    input: Array,
}

/// A convolution to six channels, of which two are copies and one is always zero, read by a padded 3x3 convolution and by
/// another after pooling to one pixel and a matrix product.
fn net() -> Net {
    let mut b = Builder::new("net");
    let x = b.image("x", [3, 5, 4]);
    let mut weight = numbers(1, &[6, 3, 1, 1]).f32s().unwrap().to_vec();
    weight.copy_within(0..3, 9);
    weight[6..9].fill(0.0);
    let y = b.conv(x, Conv2d::new([1, 1]), Tensor::from_f32(vec![6, 3, 1, 1], weight).unwrap(), None);
    let hidden = b.activation(y, Activation::Relu);
    let conv = Conv2d { pads: Padding::Explicit([1; 4]), ..Conv2d::new([3, 3]) };
    let z = b.conv(hidden, conv, numbers(2, &[2, 6, 3, 3]), Some(numbers(3, &[2])));
    b.output(z, "map");
    let pooled = b.node(Op::GlobalAveragePool, &[hidden]);
    let flat = b.flatten(pooled, 1);
    let weight = b.constant("fc.weight", numbers(4, &[6, 3]));
    let v = b.node(Op::Gemm(Gemm::default()), &[flat, weight]);
    b.output(v, "vector");
    let graph = b.finish().unwrap();
    let shapes = graph.infer(&Sizes::batch(2)).unwrap();
    let units = analyse(&graph, &shapes);
    let input = Array::from(&numbers(5, &[2, 3, 5, 4]));
    Net { graph, shapes, units, hidden, input }
}

impl Net {
    fn value(&self, graph: &Graph, value: ValueId) -> Array {
        let shapes = graph.infer(&Sizes::batch(2)).unwrap();
        run(graph, &shapes, std::slice::from_ref(&self.input)).unwrap()[value.0].clone().unwrap()
    }

    fn gram(&self, value: ValueId) -> Vec<f64> {
        let x = self.value(&self.graph, value);
        let (channels, pixels) = (x.shape[1], count(&x.shape[2..]));
        let mut gram = vec![0.0; channels * channels];
        for image in x.data.chunks(channels * pixels) {
            for i in 0..channels {
                for j in 0..channels {
                    let (a, b) = (&image[i * pixels..][..pixels], &image[j * pixels..][..pixels]);
                    gram[i * channels + j] += a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
                }
            }
        }
        gram
    }

    fn fits(&self) -> Vec<Fit> {
        let fit = |reader: Reader| {
            let gram = self.gram(reader.value);
            Fit::new(reader, &gram).unwrap()
        };
        readers(&self.graph, &self.shapes, &self.units, 0).into_iter().map(fit).collect()
    }

    fn error(&self, graph: &Graph, output: usize) -> f64 {
        let id = self.graph.outputs[output];
        let difference = self.value(&self.graph, id).zip(&self.value(graph, id), |a, b| (a - b).powi(2));
        difference.data.iter().sum::<f64>().sqrt()
    }
}

fn with(graph: &Graph, weights: Vec<(ValueId, Tensor)>) -> Graph {
    let mut graph = graph.clone();
    for (id, tensor) in weights {
        graph.edit().set_constant(id, tensor);
    }
    graph
}

#[test]
fn convolutions_and_products_are_readers() {
    let net = net();
    let found = readers(&net.graph, &net.shapes, &net.units, 0);
    assert_eq!(found.len(), 2);
    assert_eq!((found[0].value, found[0].form, found[1].form), (net.hidden, Form::Map, Form::Rows));
}

/// What is scored is what would ship, for every prefix.
#[test]
fn every_prefix_of_the_scored_network_is_the_shipped_one() {
    let net = net();
    let fits = net.fits();
    let (graph, units) = scored(&net.graph, &net.units, &fits);
    graph.check().unwrap();
    let shapes = graph.infer(&Sizes::batch(2)).unwrap();
    for keep in 1..=6 {
        let keeps = Keeps::prefix(&net.units, &[keep]);
        let candidate = compact(&graph, &shapes, &units, &keeps).unwrap();
        let ships = with(&net.graph, shipped(&net.graph, &fits, keep));
        let ships = compact(&ships, &net.shapes, &net.units, &keeps).unwrap();
        for &output in &net.graph.outputs {
            let (a, b) = (net.value(&candidate, output), net.value(&ships, output));
            let largest = b.data.iter().fold(1.0_f64, |m, x| m.max(x.abs()));
            let distance = a.zip(&b, |a, b| (a - b).abs()).data.into_iter().fold(0.0, f64::max);
            assert!(distance <= 2e-5 * largest, "keep {keep}: {distance} of {largest}");
        }
    }
}

/// Dead and duplicate channels leave the result finite, and recovery reconstructs at least as well as plain pruning.
#[test]
fn trap_41_dead_and_duplicate_channels_recover_no_worse_than_without() {
    let net = net();
    let fits = net.fits();
    let mut better = 0;
    for keep in 1..=6 {
        let keeps = Keeps::prefix(&net.units, &[keep]);
        let plain = compact(&net.graph, &net.shapes, &net.units, &keeps).unwrap();
        let weights = shipped(&net.graph, &fits, keep);
        assert!(weights.iter().all(|(_, t)| t.f32s().unwrap().iter().all(|x| x.is_finite())));
        let ships = compact(&with(&net.graph, weights), &net.shapes, &net.units, &keeps).unwrap();
        let (before, after) = (net.error(&plain, 1), net.error(&ships, 1));
        assert!(after <= before * 1.001 + 1e-3, "keep {keep}: {after} after {before}");
        better += usize::from(after < 0.9 * before);
    }
    assert!(better >= 2, "recovery helps in {better} of 5 cases");
}

/// What is said to be dropped is what the output loses of its energy.
#[test]
fn the_dropped_energy_is_that_of_the_error_of_what_ships() {
    let net = net();
    let fits = &net.fits()[1..];
    let curve = dropped(&net.graph, fits).unwrap();
    assert_eq!((curve.len(), curve[0], curve[6]), (7, 1.0, 0.0));
    let whole: f64 = net.value(&net.graph, net.graph.outputs[1]).data.iter().map(|x| x * x).sum();
    for keep in 1..=6 {
        let keeps = Keeps::prefix(&net.units, &[keep]);
        let ships = with(&net.graph, shipped(&net.graph, fits, keep));
        let ships = compact(&ships, &net.shapes, &net.units, &keeps).unwrap();
        let lost = net.error(&ships, 1).powi(2) / whole;
        // The ridge is 1e-4 of a channel's energy.
        assert!((curve[keep] - lost).abs() <= 1e-3, "keep {keep}: {} said, {lost} found", curve[keep]);
        assert!(curve[keep] <= curve[keep - 1]);
    }
    assert!(curve[1] > 0.02 && curve[1] < 0.95, "{curve:?} tells of nothing");
    assert!(dropped(&net.graph, &[]).is_none());
}

/// Two matrix products over tokens, and a transposed convolution of what a convolution computes.
#[test]
fn tokens_and_transposed_convolutions_are_recovered() {
    let mut b = Builder::new("net");
    let x = b.image("x", [3, 5, 4]);
    let y = b.conv(x, Conv2d::new([1, 1]), numbers(1, &[5, 3, 1, 1]), None);
    let y = b.activation(y, Activation::Relu);
    let weight = b.constant("up.weight", numbers(2, &[5, 2, 2, 2]));
    let conv = ConvTranspose {
        kernel: [2, 2],
        strides: [2, 2],
        pads: Padding::Explicit([0; 4]),
        output_padding: [0, 0],
        dilations: [1, 1],
        groups: 1,
        epilogue: Epilogue::Plain,
    };
    let up = b.node(Op::ConvTranspose(conv), &[y, weight]);
    b.output(up, "up");
    let t = b.input("t", &[Dim::Symbol("N".into()), Dim::Fixed(4), Dim::Fixed(6)]);
    let first = b.constant("first", numbers(3, &[6, 7]));
    let hidden = b.node(Op::MatMul, &[t, first]);
    let hidden = b.activation(hidden, Activation::Relu);
    let second = b.constant("second", numbers(4, &[7, 3]));
    let tokens = b.node(Op::MatMul, &[hidden, second]);
    b.output(tokens, "tokens");
    let graph = b.finish().unwrap();
    let shapes = graph.infer(&Sizes::batch(2)).unwrap();
    let units = analyse(&graph, &shapes);
    assert_eq!(units.units.len(), 2, "{units:?}");
    let forms = [0, 1].map(|unit| readers(&graph, &shapes, &units, unit)[0].form);
    assert_eq!(forms, [Form::Map, Form::Tokens]);
    let whole = Keeps::all(&units).counts();
    for unit in 0..2 {
        let reader = readers(&graph, &shapes, &units, unit).swap_remove(0);
        let size = reader.channels.len();
        let gram: Vec<f64> = (0..size * size)
            .map(|at| if at / size == at % size { 2.0 } else { 1.0 / (1 + at / size + at % size) as f64 })
            .collect();
        let fits = [Fit::new(reader, &gram).unwrap()];
        let (inserted, inserted_units) = scored(&graph, &units, &fits);
        for keep in 1..=size {
            let mut counts = whole.clone();
            counts[unit] = keep;
            let keeps = Keeps::prefix(&units, &counts);
            let inserted_shapes = inserted.infer(&Sizes::batch(2)).unwrap();
            let candidate = compact(&inserted, &inserted_shapes, &inserted_units, &keeps).unwrap();
            let ships = with(&graph, shipped(&graph, &fits, keep));
            let ships = compact(&ships, &shapes, &units, &keeps).unwrap();
            let inputs = [numbers(9, &[2, 3, 5, 4]), numbers(8, &[2, 4, 6])].map(|t| Array::from(&t));
            let values = [&candidate, &ships].map(|graph| {
                let shapes = graph.infer(&Sizes::batch(2)).unwrap();
                run(graph, &shapes, &inputs).unwrap()
            });
            for output in &graph.outputs {
                let [a, b] = values.each_ref().map(|values| values[output.0].clone().unwrap());
                let largest = b.data.iter().fold(1.0_f64, |m, x| m.max(x.abs()));
                let distance = a.zip(&b, |a, b| (a - b).abs()).data.into_iter().fold(0.0, f64::max);
                assert!(distance <= 2e-5 * largest, "unit {unit}, keep {keep}: {distance} of {largest}");
            }
        }
    }
}

#[test]
fn a_gram_without_a_factor_gives_no_fit() {
    let net = net();
    let reader = readers(&net.graph, &net.shapes, &net.units, 0).swap_remove(0);
    assert!(Fit::new(reader.clone(), &[0.0; 36]).is_none());
    assert!(Fit::new(reader.clone(), &[f64::NAN; 36]).is_none());
    let mut indefinite = vec![0.0; 36];
    indefinite[..2].copy_from_slice(&[1.0, 5.0]);
    indefinite[6] = 5.0;
    assert!(Fit::new(reader, &indefinite).is_none());
}
