//! Indices of the largest channel of an enlargement that is not stored: as though it had been, to the bit.

use crate::compare::same_bits;
use crate::harness::gpus;
use crate::network::numbers;
use crate::resize_unpack::{NEAREST, cut_units, resize};
use wgpu_pagcp::gpu::{Gpu, Session};
use wgpu_pagcp::graph::{Activation, ArgMax, Builder, Graph, Interpolation, Op, Resize, Sizes};
use wgpu_pagcp::plan::{Plan, PlanOptions, build};
use wgpu_pagcp::reference::{Array, bound};
use wgpu_pagcp::tensor::{Dtype, Tensor};
use wgpu_pagcp::units::Units;

const SIZE: [usize; 2] = [6, 5];
const BATCH: usize = 2;

/// An image of `channels` channels, enlarged, the index of what is largest in it, and where it is `read` the enlargement.
fn graph(channels: usize, resize: &Resize, op: ArgMax, read: bool) -> Graph {
    let mut b = Builder::new("largest");
    let x = b.image("x", [channels, SIZE[0], SIZE[1]]);
    let large = b.resize(x, resize.clone());
    let y = b.node(Op::ArgMax(op), &[large]);
    b.output(y, "y");
    if read {
        let z = b.activation(large, Activation::Sigmoid);
        b.output(z, "z");
    }
    b.finish().expect("the graph is sound")
}

/// All values cut into units of these channels, but for indices of channels.
fn units(graph: &Graph, cut: &[usize]) -> Units {
    let mut units = cut_units(graph, cut);
    if matches!(graph.nodes[1].op, Op::ArgMax(ArgMax { axis: 1, .. })) {
        units.segments[graph.nodes[1].outputs[0].0].clear();
    }
    units
}

fn plan(gpu: &Gpu, graph: &Graph, units: &Units, change: impl Fn(&mut PlanOptions)) -> Plan {
    let shapes = graph.infer(&Sizes::batch(BATCH)).expect("shapes agree");
    let mut options = gpu.plan_options(BATCH);
    change(&mut options);
    build(graph, &shapes, units, &options).expect("it can be planned")
}

fn kernels(plan: &Plan) -> Vec<&'static str> {
    plan.steps.iter().map(|step| step.kernel.name).collect()
}

/// Numbers whose last channel is the first one once more.
fn image(channels: usize) -> Vec<f32> {
    let pixels = SIZE[0] * SIZE[1];
    let mut numbers = numbers(11, BATCH * channels * pixels);
    for image in numbers.chunks_mut(channels * pixels) {
        image.copy_within(..pixels, (channels - 1) * pixels);
    }
    numbers
}

/// Panics unless no channel of `resized` is surely larger than the one that `found` names.
fn check(label: &str, found: &[f32], (x, resize): (&[f32], &Resize), channels: usize) {
    let x = Tensor::from_f32(vec![BATCH, channels, SIZE[0], SIZE[1]], x.to_vec()).expect("it fits");
    let bounded = bound(&Op::Resize(resize.clone()), &[&Array::from(&x)]).expect("it is a resize");
    let (values, tolerances) = (&bounded.expected.data, &bounded.tolerance.data);
    let pixels = values.len() / BATCH / channels;
    assert_eq!(found.len(), BATCH * pixels, "{label}: number of indices");
    for (at, &index) in found.iter().enumerate() {
        let place = |channel: usize| (at / pixels * channels + channel) * pixels + at % pixels;
        assert!(index.fract() == 0.0 && index >= 0.0 && (index as usize) < channels, "{label}: {index}");
        let own = place(index as usize);
        for other in (0..channels).map(place) {
            let most = values[own] + tolerances[own] + tolerances[other];
            assert!(values[other] <= most, "{label}: element {at} is {index}, {other} is larger");
        }
    }
}

#[test]
fn indices_are_those_of_stored_enlargements() {
    let Some(gpus) = gpus() else { return };
    let scales = [[2.0, 2.0], [4.0, 4.0], [8.0, 8.0], [2.0, 4.0], [8.0, 4.0], [3.0, 4.0]];
    let each = scales.into_iter().flat_map(|scales| [Interpolation::Linear, NEAREST].map(|i| (scales, i)));
    let cuts: [&[usize]; 4] = [&[1], &[3], &[5, 2, 6], &[19]];
    for (at, (scales, interpolation)) in each.enumerate() {
        for (end, cut) in cuts.into_iter().enumerate() {
            let gpu = &gpus[(at + end) % 2];
            let (last, keep_dims) = (end % 2 == 0, (at + end / 2) % 2 == 0);
            let channels: usize = cut.iter().sum();
            let resize = resize(scales, interpolation);
            let label = format!("{resize:?} of {cut:?}, last {last}, keep_dims {keep_dims}");
            let graph = graph(channels, &resize, ArgMax { axis: 1, keep_dims, last }, false);
            let units = units(&graph, cut);
            let short = scales.iter().zip(SIZE).all(|(s, size)| (*s as usize * size).is_multiple_of(4));
            let short = short && scales[0] != 3.0;
            let own = plan(gpu, &graph, &units, |_| ());
            let apart = plan(gpu, &graph, &units, |options| options.keep_all = true);
            let two = ["resize", "reduce_channels"];
            let expected = if short { &["resize_arg_max"][..] } else { &two };
            assert_eq!((kernels(&own), kernels(&apart)), (expected.to_vec(), two.to_vec()), "{label}");
            assert_eq!(own.merged.len(), usize::from(short), "{label}");
            let x = image(channels);
            let less: Vec<usize> = cut.iter().map(|channels| channels.div_ceil(2)).collect();
            for keep in [cut, &less] {
                let [found, expected] = [&own, &apart].map(|plan| {
                    let mut session = Session::new(gpu, plan.clone(), 1).expect("the device takes it");
                    session.poison().expect("the device works");
                    session.run_masked(&[&x], keep).expect("it runs").remove(0)
                });
                same_bits(&format!("{label} keep {keep:?}"), &found, &expected);
                if keep == cut {
                    check(&label, &found, (&x, &resize), channels);
                }
            }
        }
    }
}

#[test]
fn what_others_read_or_time_is_stored() {
    let Some([gpu, _]) = gpus() else { return };
    let four = resize([4.0, 4.0], Interpolation::Linear);
    let op = ArgMax { axis: 1, keep_dims: false, last: false };
    let own = |read, op, change: fn(&mut PlanOptions)| {
        let graph = graph(3, &four, op, read);
        kernels(&plan(&gpu, &graph, &units(&graph, &[3]), change))
    };
    assert_eq!(own(false, op, |_| ()), ["resize_arg_max"]);
    assert!(own(true, op, |_| ()).contains(&"resize"));
    let rows = ArgMax { axis: 2, keep_dims: true, ..op };
    assert_eq!(own(false, rows, |_| ())[0], "resize");
    for change in [|o: &mut PlanOptions| o.merge = false, |o: &mut PlanOptions| o.dtype = Dtype::F16] {
        assert_eq!(own(false, op, change), ["resize", "reduce_channels"]);
    }
}

#[test]
#[should_panic(expected = "is larger")]
fn another_index_is_noticed() {
    let four = resize([4.0, 4.0], Interpolation::Linear);
    let found = vec![0.0; BATCH * 16 * SIZE[0] * SIZE[1]];
    check("control", &found, (&image(5), &four), 5);
}
