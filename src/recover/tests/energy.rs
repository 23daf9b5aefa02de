//! The order by energy on constructed units: what it ranks last, what it predicts, and what other orders lose.

use super::{net, numbers, with};
use crate::graph::{Activation, Builder, Conv2d, Graph, Sizes, ValueId};
use crate::recover::{Energy, Fit, Reader, energy, readers, scored, shipped};
use crate::reference::{Array, run};
use crate::tensor::Tensor;
use crate::units::{Keeps, Units, analyse};

/// Products of the pixels of two pictures of 6 by 6.
const PIXELS: usize = 72;

/// Convolutions of one pixel, so that an error is the same whether summed over weights and products or over outputs.
struct Chain {
    graph: Graph,
    units: Units,
    input: Array,
    reader: Reader,
    gram: Vec<f64>,
}

impl Chain {
    /// `first` computes, from `inputs` channels of which each pixel has one, what `second` reads.
    fn new(first: Tensor, second: Tensor, inputs: usize, activation: Activation) -> Self {
        let mut b = Builder::new("chain");
        let x = b.image("x", [inputs, 6, 6]);
        let y = b.conv(x, Conv2d::new([1, 1]), first, None);
        let hidden = b.activation(y, activation);
        let z = b.conv(hidden, Conv2d::new([1, 1]), second, None);
        b.output(z, "z");
        let graph = b.finish().unwrap();
        let shapes = graph.infer(&Sizes::batch(2)).unwrap();
        let units = analyse(&graph, &shapes);
        let mut input = Array::from(&numbers(9, &[2, inputs, 6, 6]));
        for (at, x) in input.data.iter_mut().enumerate() {
            *x = if at % 36 % inputs == at / 36 % inputs { x.abs() } else { 0.0 };
        }
        let reader = readers(&graph, &shapes, &units, 0).swap_remove(0);
        let x = values(&graph, &input, hidden);
        let channel = |k: usize| -> Vec<f64> {
            x.data.chunks(x.data.len() / 2).flat_map(|image| &image[k * 36..][..36]).copied().collect()
        };
        let channels: Vec<Vec<f64>> = (0..x.shape[1]).map(channel).collect();
        assert!(channels.iter().all(|channel| channel.len() == PIXELS));
        let product = |(a, b): (&Vec<f64>, &Vec<f64>)| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let gram = channels.iter().flat_map(|a| channels.iter().map(move |b| product((a, b)))).collect();
        Self { graph, units, input, reader, gram }
    }

    /// `size` channels that depend on fewer inputs than there are, the first ones loudest.
    fn redundant(seed: usize, [size, inputs, outputs]: [usize; 3]) -> Self {
        let mut first = numbers(seed, &[size, inputs, 1, 1]).f32s().unwrap().to_vec();
        for (k, filter) in first.chunks_mut(inputs).enumerate() {
            filter.iter_mut().for_each(|weight| *weight *= 1.0 + (size - k) as f32 / 4.0);
        }
        let copied = first[..inputs].iter().map(|weight| weight * 0.9).collect::<Vec<_>>();
        first[inputs..2 * inputs].copy_from_slice(&copied);
        let first = Tensor::from_f32(vec![size, inputs, 1, 1], first).unwrap();
        Self::new(first, numbers(seed + 50, &[outputs, size, 1, 1]), inputs, Activation::Relu)
    }

    fn energy(&self) -> Energy {
        energy(&self.graph, &[(self.reader.clone(), self.gram.clone())]).unwrap()
    }

    fn weight(&self) -> (ValueId, Vec<f64>) {
        let id = self.reader.weights[0].0;
        (id, self.graph.constant(id).unwrap().f32s().unwrap().iter().map(|&w| f64::from(w)).collect())
    }

    /// The energy of what weights compute.
    fn energy_of(&self, weights: &[f64]) -> f64 {
        let size = self.reader.width;
        let of = |row: &[f64]| -> f64 {
            let pairs = (0..size * size).map(|at| row[at / size] * row[at % size] * self.gram[at]);
            pairs.sum()
        };
        weights.chunks(size).map(of).sum()
    }

    fn fit(&self, order: &[usize]) -> Fit {
        let channels = order.iter().map(|&k| self.reader.channels[k]).collect();
        Fit::new(Reader { channels, ..self.reader.clone() }, &self.gram).unwrap()
    }

    /// The weights that ship when the first `keep` of an order stay, the others 0.
    fn recovered(&self, order: &[usize], keep: usize) -> Vec<f64> {
        let (_, tensor) = shipped(&self.graph, &[self.fit(order)], keep).swap_remove(0);
        let mut weights: Vec<f64> = tensor.f32s().unwrap().iter().map(|&w| f64::from(w)).collect();
        for row in weights.chunks_mut(self.reader.width) {
            order[keep..].iter().for_each(|&k| row[self.reader.channels[k]] = 0.0);
        }
        weights
    }

    /// The error of every recovered prefix, as a share of what the weights compute.
    fn errors(&self, order: &[usize]) -> Vec<f64> {
        let (_, whole) = self.weight();
        let error = |keep| {
            let left = self.recovered(order, keep);
            let missing: Vec<f64> = whole.iter().zip(left).map(|(a, b)| a - b).collect();
            self.energy_of(&missing) / self.energy_of(&whole)
        };
        (0..=order.len()).map(error).collect()
    }

    /// Channels by the mean absolute weight of their filters.
    fn by_l1(&self) -> Vec<usize> {
        let weight = self.graph.constant(self.graph.nodes[0].inputs[1]).unwrap();
        let filters = weight.f32s().unwrap().chunks(weight.shape()[1]);
        let scores: Vec<f32> = filters.map(|filter| filter.iter().map(|w| w.abs()).sum()).collect();
        let mut order: Vec<usize> = (0..scores.len()).collect();
        order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
        order
    }
}

fn values(graph: &Graph, input: &Array, value: ValueId) -> Array {
    let shapes = graph.infer(&Sizes::batch(2)).unwrap();
    run(graph, &shapes, std::slice::from_ref(input)).unwrap()[value.0].clone().unwrap()
}

fn sum_of_squares(values: &[f64]) -> f64 {
    values.iter().map(|x| x * x).sum()
}

/// Of two copies and a channel that is always 0, one copy and the dead channel go first, at no cost.
#[test]
fn one_of_two_copies_and_a_dead_channel_go_first() {
    let net = net();
    let with_gram = |reader: Reader| {
        let gram = net.gram(reader.value);
        (reader, gram)
    };
    let read: Vec<(Reader, Vec<f64>)> =
        readers(&net.graph, &net.shapes, &net.units, 0).into_iter().map(with_gram).collect();
    assert_eq!(read.len(), 2);
    let found = energy(&net.graph, &read).unwrap();
    let last = &found.order[4..];
    assert!(last.contains(&2) && last.iter().any(|k| [0, 3].contains(k)), "{found:?}");
    assert!(found.dropped[4] < 1e-3 && found.dropped[3] > 10.0 * found.dropped[4], "{found:?}");
    assert_eq!(found, energy(&net.graph, &read).unwrap());
}

/// One of each pair goes before any channel that nothing can replace: the last of equal ones, the quieter of others.
#[test]
fn one_of_each_pair_of_copies_goes_before_all_others() {
    let mut first = vec![0.0; 9 * 6];
    for (k, signal) in [0, 1, 2, 3, 0, 4, 5, 1, 2].into_iter().enumerate() {
        first[k * 6 + signal] = if k == 8 { 3.0 } else { 1.0 };
    }
    let first = Tensor::from_f32(vec![9, 6, 1, 1], first).unwrap();
    let second = Tensor::from_f32(vec![2, 9, 1, 1], vec![0.5; 18]).unwrap();
    let chain = Chain::new(first, second, 6, Activation::Relu);
    let found = chain.energy();
    let mut last = found.order[6..].to_vec();
    last.sort_unstable();
    assert_eq!(last, [2, 4, 7], "{found:?}");
    assert!(found.dropped[6] < 1e-4 && found.dropped[5] > 1e-2, "{found:?}");
    assert_eq!(found, chain.energy());
}

/// What is predicted of a prefix is what the recovered network loses, plus what the ridge adds, which is little.
#[test]
fn the_dropped_energy_is_the_error_of_the_recovered_network() {
    let chain = Chain::redundant(1, [10, 6, 4]);
    let found = chain.energy();
    let shapes = chain.graph.infer(&Sizes::batch(2)).unwrap();
    let output = values(&chain.graph, &chain.input, chain.graph.outputs[0]);
    let whole = sum_of_squares(&output.data);
    let (id, weights) = chain.weight();
    assert!((chain.energy_of(&weights) / whole - 1.0).abs() < 1e-9);
    let ridge = 1e-4 * (0..10).map(|k| chain.gram[11 * k]).sum::<f64>() / 10.0;
    for keep in 1..=10 {
        let left = chain.recovered(&found.order, keep);
        let tensor = Tensor::from_f32(vec![4, 10, 1, 1], left.iter().map(|&w| w as f32).collect()).unwrap();
        let keeps = Keeps(vec![found.order[..keep].to_vec()]);
        let graph = with(&chain.graph, vec![(id, tensor)]);
        let small = crate::compact::compact(&graph, &shapes, &chain.units, &keeps).unwrap();
        let now = values(&small, &chain.input, chain.graph.outputs[0]);
        let lost = sum_of_squares(&output.zip(&now, |a, b| a - b).data);
        let moved: Vec<f64> = weights.iter().zip(&left).map(|(a, b)| a - b).collect();
        let expected = (lost + ridge * sum_of_squares(&moved)) / whole;
        let predicted = found.dropped[keep];
        assert!(
            (predicted - expected).abs() <= 1e-6 * expected + 1e-12,
            "keep {keep}: {predicted} {expected}"
        );
        assert!(lost / whole <= predicted + 1e-12, "the ridge only adds");
    }
    assert_eq!((found.dropped[10], found.dropped.len()), (0.0, 11));
    assert!((found.dropped[0] - 1.0).abs() < 1e-3, "all of it is lost without any channel: {found:?}");
    assert!(found.dropped.windows(2).all(|w| w[0] >= w[1]));
}

/// The curve is the suffix sum of the squared columns of the weights that the scored network has.
#[test]
fn the_dropped_energy_is_what_the_scored_network_leaves_out() {
    let chain = Chain::redundant(2, [9, 5, 3]);
    let found = chain.energy();
    let (graph, _) = scored(&chain.graph, &chain.units, &[chain.fit(&found.order)]);
    let (id, weights) = chain.weight();
    let scored = graph.constant(id).unwrap().f32s().unwrap();
    let mut sum = 0.0;
    for keep in (0..9).rev() {
        let channel = chain.reader.channels[found.order[keep]];
        sum += scored.chunks(9).map(|row| f64::from(row[channel]).powi(2)).sum::<f64>();
        let expected = sum / chain.energy_of(&weights);
        assert!((found.dropped[keep] - expected).abs() < 1e-5 * expected, "{keep}: {sum} {found:?}");
    }
}

/// Scaled copies of signals of which no pixel has two: what goes together is lost alone, so that going by the least cost
/// is the best that any order can do, at every prefix.
#[test]
fn recovered_prefixes_lose_no_more_than_by_l1_or_by_chance() {
    let (mut better, mut all) = (0, 0);
    for seed in 0..30 {
        let (size, inputs) = (6 + seed % 7, 3 + seed % 4);
        let scales = numbers(seed, &[size]);
        let mut first = vec![0.0; size * inputs];
        for (k, scale) in scales.f32s().unwrap().iter().enumerate() {
            first[k * inputs + k * (seed + 2) % inputs] = 0.2 + scale.abs();
        }
        let first = Tensor::from_f32(vec![size, inputs, 1, 1], first).unwrap();
        let chain = Chain::new(first, numbers(seed + 70, &[3, size, 1, 1]), inputs, Activation::Relu);
        let ours = chain.errors(&chain.energy().order);
        for mut other in [chain.by_l1(), (0..size).collect(), (0..size).rev().collect()] {
            other.rotate_left(seed % 2);
            let theirs = chain.errors(&other);
            for keep in 1..size {
                let [a, b] = [ours[keep], theirs[keep]];
                assert!(a <= b * (1.0 + 1e-6) + 1e-7, "seed {seed}, keep {keep} of {other:?}: {a} {b}");
                better += usize::from(a < 0.9 * b);
                all += 1;
            }
        }
    }
    assert!(2 * better > all, "{better} of {all}");
}

/// Where channels are alike but no copies, few prefixes are worse than by L1, and on the mean they lose far less.
#[test]
fn recovered_prefixes_of_mixtures_lose_less_than_by_l1() {
    let (mut worse, mut all, mut orders) = (0, 0, 0.0);
    for seed in 0..40 {
        let size = 6 + seed % 7;
        let chain = Chain::redundant(seed, [size, 3 + seed % 3, 2 + seed % 4]);
        let (energy, l1) = (chain.errors(&chain.energy().order), chain.errors(&chain.by_l1()));
        for (ours, other) in energy[1..size].iter().zip(&l1[1..size]) {
            worse += usize::from(*ours > other * 1.001 + 1e-6);
            orders += ((ours + 1e-6) / (other + 1e-6)).log10();
            all += 1;
        }
    }
    assert!(20 * worse <= all && orders / (all as f64) < -0.5, "{worse} of {all}, {orders}");
}

#[test]
fn without_an_energy_there_is_no_order() {
    let chain = Chain::redundant(5, [6, 4, 2]);
    let reader = || chain.reader.clone();
    assert!(energy(&chain.graph, &[]).is_none());
    assert!(energy(&chain.graph, &[(reader(), vec![0.0; 36])]).is_none());
    assert!(energy(&chain.graph, &[(reader(), vec![f64::NAN; 36])]).is_none());
    let both = [(reader(), vec![0.0; 36]), (reader(), chain.gram.clone())];
    assert_eq!(energy(&chain.graph, &both), Some(chain.energy()));
    let id = chain.weight().0;
    let zero = with(&chain.graph, vec![(id, Tensor::from_f32(vec![2, 6, 1, 1], vec![0.0; 12]).unwrap())]);
    assert!(energy(&zero, &[(reader(), chain.gram.clone())]).is_none());
}
