//! Outputs that are enlarged and written for the caller at once: as though they had been stored and unpacked, to the bit.

use crate::compare::{same_bits, within};
use crate::harness::gpus;
use crate::network::{numbers, tensor};
use wgpu_pagcp::gpu::{Gpu, Session};
use wgpu_pagcp::graph::{
    Activation, Builder, Coordinates, Graph, Interpolation, Resize, Rounding, Sizes, Target, ValueId,
};
use wgpu_pagcp::plan::{Plan, PlanOptions, build};
use wgpu_pagcp::reference::{Array, bound};
use wgpu_pagcp::units::{Segment, Units};

pub const NEAREST: Interpolation = Interpolation::Nearest(Rounding::Floor);

pub fn resize(scales: [f64; 2], interpolation: Interpolation) -> Resize {
    let coordinates = match interpolation {
        Interpolation::Linear => Coordinates::HalfPixel,
        Interpolation::Nearest(_) | Interpolation::Filter(_) => Coordinates::Asymmetric,
    };
    let scales = scales.map(|scale| scale as f32);
    Resize { target: Target::Scales(scales), coordinates, interpolation }
}

/// An image of `channels` channels, enlarged, whose enlargement is also read by a node of its own where it is `read`.
fn graph(channels: usize, resize: &Resize, read: bool) -> Graph {
    let mut b = Builder::new("enlarged");
    let x = b.image("x", [channels, 6, 5]);
    let y = b.resize(x, resize.clone());
    b.output(y, "y");
    if read {
        let z = b.activation(y, Activation::Sigmoid);
        b.output(z, "z");
    }
    b.finish().expect("the graph is sound")
}

/// Every value cut into units of these channels.
pub fn cut_units(graph: &Graph, cut: &[usize]) -> Units {
    let mut start = 0;
    let segment = |(unit, &channels): (usize, &usize)| {
        start += channels;
        Segment { unit: Some((unit, 1)), channels: (start - channels..start).collect() }
    };
    let segments: Vec<Segment> = cut.iter().enumerate().map(segment).collect();
    Units { segments: vec![segments; graph.values.len()], ..Units::default() }
}

fn plan(gpu: &Gpu, graph: &Graph, units: &Units, keep_all: bool) -> Plan {
    let shapes = graph.infer(&Sizes::batch(2)).expect("shapes agree");
    let options = PlanOptions { keep_all, ..gpu.plan_options(2) };
    build(graph, &shapes, units, &options).expect("it can be planned")
}

fn kernel(plan: &Plan) -> &'static str {
    plan.unpack[0].kernel.name
}

#[test]
fn enlarged_outputs_are_as_stored_ones() {
    let Some(gpus) = gpus() else { return };
    let scales = [[2.0, 2.0], [4.0, 4.0], [8.0, 8.0], [2.0, 4.0], [8.0, 4.0]];
    for (at, (scales, interpolation)) in scales
        .into_iter()
        .flat_map(|scales| [Interpolation::Linear, NEAREST].map(|i| (scales, i)))
        .enumerate()
    {
        let gpu = &gpus[at % 2];
        let cuts: [&[usize]; 3] = [&[1], &[3], &[5, 2, 6]];
        let cut = cuts[at % 3];
        let channels: usize = cut.iter().sum();
        let resize = resize(scales, interpolation);
        let label = format!("{resize:?} of {cut:?}");
        let graph = graph(channels, &resize, false);
        let units = cut_units(&graph, cut);
        let x = tensor(7, &[2, channels, 6, 5]);
        // A row or a column count that is no multiple of four is left to the steps that store and unpack.
        let short = scales.iter().zip([6, 5]).all(|(scale, size)| (*scale as usize * size).is_multiple_of(4));
        let sessions = [false, true].map(|keep_all| {
            let plan = plan(gpu, &graph, &units, keep_all);
            let expected = if short { "resize_unpack" } else { "unpack" };
            let enlarged = plan.outputs[0].enlarged.is_some();
            assert_eq!((kernel(&plan), enlarged), (expected, short && !keep_all), "{label}");
            assert_eq!(plan.steps.len(), usize::from(!enlarged), "{label}");
            Session::new(gpu, plan, 1).expect("the device takes it")
        });
        let [mut short, mut stored] = sessions;
        let x = x.f32s().expect("it is floats");
        let found = short.run(&[x]).expect("it runs");
        same_bits(&label, &found[0], &stored.run(&[x]).expect("it runs")[0]);
        same_bits(&label, &found[0], &stored.values().expect("all values are kept")[0].values);
        let array = Array::from(&tensor(7, &[2, channels, 6, 5]));
        let expected = bound(&graph.nodes[0].op, &[&array]).expect("it is a resize");
        within(&label, &found[0], &expected.expected.data, &expected.tolerance.data);
        let keep: Vec<usize> = cut.iter().map(|channels| channels.div_ceil(2)).collect();
        let live = found[0].len() / channels * keep.iter().sum::<usize>();
        let masked = short.run_masked(&[x], &keep).expect("it runs");
        stored.run_masked(&[x], &keep).expect("it runs");
        let other = stored.values().expect("all values are kept");
        same_bits(&format!("{label} keep {keep:?}"), &masked[0][..live], &other[0].values);
    }
}

#[test]
fn outputs_that_others_read_and_odd_scales_are_stored() {
    let Some([gpu, _]) = gpus() else { return };
    let four = resize([4.0, 4.0], Interpolation::Linear);
    let corners = Resize { coordinates: Coordinates::AlignCorners, ..four.clone() };
    let cases = [(four.clone(), true), (resize([4.0, 3.2], Interpolation::Linear), false), (corners, false)];
    for (resize, read) in cases {
        let graph = graph(3, &resize, read);
        let plan = plan(&gpu, &graph, &cut_units(&graph, &[3]), false);
        assert_eq!((kernel(&plan), plan.outputs[0].enlarged), ("unpack", None), "{resize:?} read {read}");
    }
    // An output that is there twice is written twice.
    let mut graph = graph(3, &four, false);
    let y: ValueId = graph.outputs[0];
    graph.outputs.push(y);
    let plan = plan(&gpu, &graph, &cut_units(&graph, &[3]), false);
    assert_eq!(plan.unpack.len(), 2);
    let mut session = Session::new(&gpu, plan, 0).expect("the device takes it");
    let outputs = session.run(&[&numbers(3, 2 * 3 * 6 * 5)]).expect("it runs");
    same_bits("twice", &outputs[0], &outputs[1]);
}
