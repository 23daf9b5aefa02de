//! Single operators of random extents against the f64 reference, and masked against compacted, bit for bit: what lists of
//! shapes leave out.

use crate::case::{Case as Node, Cut, cuts, random};
use crate::conv::{Case, Random, Run, channels, epilogues, grouped, judge, units_of, ways};
use crate::harness::gpus;
use crate::random_graph::{Rng, seeds};
use wgpu_pagcp::graph::shape::output_shape;
use wgpu_pagcp::graph::{Conv2d, ConvTranspose, Epilogue, Op, Padding, Pool, Resize, Target};

const EXTENTS: [usize; 20] = [1, 1, 2, 2, 3, 3, 4, 5, 6, 7, 8, 9, 12, 14, 16, 17, 21, 28, 33, 56];
const CHANNELS: [usize; 18] = [1, 2, 3, 3, 4, 4, 5, 7, 8, 9, 12, 15, 16, 17, 24, 33, 40, 65];
const IMAGES: [usize; 10] = [1, 1, 1, 1, 1, 2, 3, 5, 9, 17];

/// Multiply-accumulates, or elements of an output, of one case.
const BUDGET: usize = 1_500_000;

/// Often so small that windows with a stride have one output.
fn size(rng: &mut Rng) -> [usize; 2] {
    if rng.chance(35) {
        return [1 + rng.below(3), 1 + rng.below(3)];
    }
    if rng.chance(50) { [rng.pick(&EXTENTS); 2] } else { [rng.pick(&EXTENTS), rng.pick(&EXTENTS)] }
}

/// A pair of two such, or of one twice.
fn pair(rng: &mut Rng, from: &[usize]) -> [usize; 2] {
    if rng.chance(75) { [rng.pick(from); 2] } else { [rng.pick(from), rng.pick(from)] }
}

fn margins(rng: &mut Rng, kernel: [usize; 2]) -> Padding {
    match rng.below(8) {
        0 => Padding::SameUpper,
        1 => Padding::SameLower,
        2 | 3 => Padding::Explicit([0; 4]),
        4 => Padding::Explicit([0, 1, 2, 3].map(|side| rng.below(kernel[side % 2]))),
        _ => Padding::Explicit([kernel[0] / 2, kernel[1] / 2, kernel[0] / 2, kernel[1] / 2]),
    }
}

/// Channels of an input and an output by units of their own, or groups that units run through, and how many groups.
fn runs(rng: &mut Rng) -> ([Vec<Run>; 2], usize) {
    if rng.chance(40) {
        let blocks = if rng.chance(50) { [1, 1] } else { [1 + rng.below(5), 1 + rng.below(5)] };
        let groups: Vec<usize> = (0..1 + rng.below(2)).map(|_| 1 + rng.below(19)).collect();
        return (grouped(&groups, blocks), groups.iter().sum());
    }
    let mut first = 0;
    let mut side = |rng: &mut Rng| {
        let counts: Vec<usize> = (0..rng.pick(&[1, 1, 1, 2])).map(|_| rng.pick(&CHANNELS)).collect();
        first += counts.len();
        units_of(&counts, first - counts.len())
    };
    ([side(rng), side(rng)], 1)
}

fn epilogue(rng: &mut Rng) -> Epilogue {
    if rng.chance(70) { Epilogue::Plain } else { rng.pick(&epilogues()) }
}

/// A case of an operator that has weights of `weight` extents, where shapes fit and it is not too much work.
fn weighted(
    rng: &mut Rng,
    (op, epilogue): (Op, Epilogue),
    (weight, axes): ([usize; 4], [Option<usize>; 2]),
    [input, output]: [Vec<Run>; 2],
) -> Option<Case> {
    let [height, width] = size(rng);
    let x = [rng.pick(&IMAGES), channels(&input), height, width];
    let out = output_shape(&op, &[&x, &weight]).ok()?;
    let pixels = out[0] * (out[2] * out[3]).max(height * width);
    if pixels * weight.iter().product::<usize>() > BUDGET {
        return None;
    }
    let mut random = Random(rng.next() as u32);
    Some(Case {
        x: random.tensor(&x),
        weight: random.tensor(&weight),
        axes,
        bias: rng.chance(70).then(|| random.tensor(&out[1..2])),
        residual: epilogue.has_residual().then(|| random.tensor(&out)),
        op,
        input,
        output,
    })
}

fn convolution(rng: &mut Rng) -> Option<Case> {
    let (runs, groups) = runs(rng);
    let kernel = pair(rng, &[1, 1, 1, 2, 3, 3, 3, 4, 5, 7]);
    let epilogue = epilogue(rng);
    let conv = Conv2d {
        strides: pair(rng, &[1, 1, 1, 2, 2, 3]),
        dilations: pair(rng, &[1, 1, 1, 1, 2, 3]),
        pads: margins(rng, kernel),
        groups,
        epilogue,
        // As though it had been pruned from one wide enough for Winograd's algorithm.
        whole: (groups == 1 && rng.chance(30)).then_some([512; 2]),
        ..Conv2d::new(kernel)
    };
    let weight = [channels(&runs[1]), channels(&runs[0]) / groups, kernel[0], kernel[1]];
    weighted(rng, (Op::Conv(conv), epilogue), (weight, [Some(0), (groups == 1).then_some(1)]), runs)
}

fn transposed(rng: &mut Rng) -> Option<Case> {
    let (runs, groups) = runs(rng);
    let kernel = pair(rng, &[1, 2, 2, 3, 3, 4, 5]);
    let strides = pair(rng, &[1, 2, 2, 3, 4]);
    let epilogue = epilogue(rng);
    let conv = ConvTranspose {
        strides,
        dilations: pair(rng, &[1, 1, 1, 2, 3]),
        pads: margins(rng, kernel),
        output_padding: strides.map(|stride| if rng.chance(30) { rng.below(stride) } else { 0 }),
        groups,
        epilogue,
        ..ConvTranspose::new(kernel)
    };
    let weight = [channels(&runs[0]), channels(&runs[1]) / groups, kernel[0], kernel[1]];
    weighted(rng, (Op::ConvTranspose(conv), epilogue), (weight, [(groups == 1).then_some(1), Some(0)]), runs)
}

fn judged(seeds: impl Iterator<Item = u64>, made: fn(&mut Rng) -> Option<Case>) {
    let ways = ways();
    let mut count = 0;
    for seed in seeds {
        let mut rng = Rng::new(seed);
        let Some(case) = made(&mut rng) else { continue };
        let Some(way) = ways.get(rng.below(ways.len().max(1))) else { return };
        judge(std::slice::from_ref(way), &case);
        count += 1;
    }
    assert!(count > 0, "there are cases");
}

#[test]
fn random_convolutions_1() {
    judged(seeds(0, 2, 1000), convolution);
}

#[test]
fn random_convolutions_2() {
    judged(seeds(1, 2, 1000), convolution);
}

#[test]
fn random_transposed_convolutions() {
    judged(seeds(0, 1, 120), transposed);
}

fn pool(rng: &mut Rng) -> Op {
    let kernel = pair(rng, &[1, 2, 2, 3, 3, 4, 5, 7, 9]);
    let pool = Pool {
        strides: pair(rng, &[1, 1, 2, 2, 3]),
        pads: margins(rng, kernel),
        dilations: pair(rng, &[1, 1, 1, 1, 2, 3]),
        ceil_mode: rng.chance(30),
        count_include_pad: rng.chance(50),
        ..Pool::new(kernel)
    };
    if rng.chance(50) { Op::MaxPool(pool) } else { Op::AveragePool(pool) }
}

fn resize(rng: &mut Rng) -> Op {
    let (coordinates, interpolation) = {
        let rules: Vec<_> = crate::resize::rules().collect();
        rng.pick(&rules)
    };
    let target = match rng.below(3) {
        0 => Target::Scales([rng.pick(&[0.4, 1.0, 2.0, 3.0]), rng.pick(&[0.7, 1.0, 2.0, 4.0])]),
        _ => Target::Sizes(size(rng)),
    };
    Op::Resize(Resize { target, coordinates, interpolation })
}

/// Operators that leave channels where they are, in every cut of them.
fn checked(seeds: impl Iterator<Item = u64>, made: fn(&mut Rng) -> Op) {
    let Some(gpus) = gpus() else { return };
    let mut count = 0;
    for seed in seeds {
        let mut rng = Rng::new(seed);
        let op = made(&mut rng);
        let (channels, [height, width]) = (rng.pick(&CHANNELS), size(&mut rng));
        let x = [rng.pick(&IMAGES), channels, height, width];
        let Ok(out) = output_shape(&op, &[&x]) else { continue };
        if out.iter().product::<usize>() > BUDGET / 16 {
            continue;
        }
        let cuts = cuts(channels);
        let (cut, keep): &(Cut, Vec<usize>) = &cuts[rng.below(cuts.len())];
        let label = format!("seed {seed}: {op:?} on {x:?}");
        Node::new(op, cut, keep).input(random(&x, seed), cut).check(&gpus, &label);
        count += 1;
    }
    assert!(count > 0, "there are cases");
}

#[test]
fn random_pools() {
    checked(seeds(0, 1, 300), pool);
}

#[test]
fn random_resizes() {
    checked(seeds(0, 1, 300), resize);
}
