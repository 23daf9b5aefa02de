//! Gradients of weights and biases against the f64 reference, with NaN in the lanes of inputs that hold no channel.

use crate::compare::within;
use crate::conv::{self, Random};
use wgpu_pagcp::gpu::{Gpu, execute};
use wgpu_pagcp::graph::shape::output_shape;
use wgpu_pagcp::graph::{Conv2d, Graph, Node, Op, Padding, Training, Value, ValueId};
use wgpu_pagcp::plan::{DeviceClass, Lowering, Operand, Stored, lower};
use wgpu_pagcp::reference::{Array, bound};
use wgpu_pagcp::tensor::Tensor;
use wgpu_pagcp::units::Units;

/// The device in every way; where its subgroups have 4 threads in its own class alone, since that driver compiles for minutes.
fn ways() -> Vec<Gpu> {
    let mut ways = conv::ways();
    if ways.first().is_some_and(|gpu| gpu.class() == DeviceClass::Broadcast { subgroup: 4 }) {
        ways.truncate(1);
    }
    ways
}

/// Values as they are stored, in lanes of no channel NaN.
fn poisoned(stored: &Stored, values: &Tensor) -> Vec<f32> {
    let ones = vec![1.0; values.shape().iter().product()];
    let exists = stored.pack(&ones);
    let packed = stored.pack(values.f32s().unwrap());
    packed.iter().zip(exists).map(|(&v, exists)| if exists == 0.0 { f32::NAN } else { v }).collect()
}

/// The output of a node on `inputs`, in row-major order, and the number of its steps.
///
/// # Panics
/// If a lane of no channel is not 0.
fn run(gpu: &Gpu, op: &Op, inputs: &[&Tensor]) -> (Vec<f32>, usize) {
    let mut shapes: Vec<Vec<usize>> = inputs.iter().map(|input| input.shape().to_vec()).collect();
    let given: Vec<&[usize]> = inputs.iter().map(|input| input.shape()).collect();
    shapes.push(output_shape(op, &given).unwrap());
    let ids: Vec<ValueId> = (0..shapes.len()).map(ValueId).collect();
    let (sources, output) = (ids[..inputs.len()].to_vec(), ids[inputs.len()]);
    let value = |id: &ValueId| Value { name: format!("v{}", id.0), dims: None, constant: None };
    let graph = Graph {
        name: "gradient".to_owned(),
        values: ids.iter().map(value).collect(),
        nodes: vec![Node {
            name: "node".to_owned(),
            op: op.clone(),
            inputs: sources.clone(),
            outputs: vec![output],
        }],
        inputs: sources.clone(),
        outputs: vec![output],
        ..Graph::default()
    };
    let units = Units::default();
    let mut cx = Lowering::new(&graph, &shapes, &units, gpu.class());
    lower(&mut cx, &graph.nodes[0]).unwrap_or_else(|error| panic!("{op:?}: {error}"));
    let slots: Vec<usize> = ids.iter().map(|&id| cx.slot_index(id)).collect();
    let mut buffers: Vec<Vec<f32>> =
        cx.slots().iter().map(|&bytes| vec![f32::NAN; bytes as usize / 4]).collect();
    for (id, input) in sources.iter().zip(inputs) {
        buffers[slots[id.0]] = poisoned(&cx.stored(*id), input);
    }
    let constants = buffers.len();
    buffers.extend(cx.constants.iter().map(|constant| constant.to_vec()));
    let mut steps = cx.steps.clone();
    for operand in steps.iter_mut().flat_map(|step| &mut step.operands) {
        *operand = match *operand {
            Operand::Slot(slot) => Operand::External(slot),
            Operand::Constant(constant) => Operand::External(constants + constant),
            Operand::Part { .. } | Operand::External(_) => panic!("lowering names no external buffer"),
        };
    }
    let live = cx.live.table(0, &[]);
    execute(gpu, &steps, &live, &mut buffers).unwrap_or_else(|error| panic!("{op:?}: {error}"));
    let (stored, found) = (cx.stored(output), &buffers[slots[output.0]]);
    let exists = stored.pack(&vec![1.0; shapes[output.0].iter().product()]);
    let dead = found.iter().zip(exists).filter(|(_, exists)| *exists == 0.0);
    assert!(dead.into_iter().all(|(v, _)| v.to_bits() == 0), "{op:?}: a lane of no channel is not 0");
    (stored.unpack(found), steps.len())
}

/// Judges a node on random inputs of `shapes` on every class of device; gives the most steps that it took.
fn judge(ways: &[Gpu], op: &Training, shapes: &[Vec<usize>]) -> usize {
    let mut random =
        Random(shapes.iter().flatten().fold(1, |seed: u32, &size| seed.wrapping_mul(31) + size as u32));
    let inputs: Vec<Tensor> = shapes.iter().map(|shape| random.tensor(shape)).collect();
    let arrays: Vec<Array> = inputs.iter().map(Array::from).collect();
    let op = Op::Training(op.clone());
    let bounded = bound(&op, &arrays.iter().collect::<Vec<_>>()).unwrap();
    let mut steps = 0;
    for gpu in ways {
        let (found, took) = run(gpu, &op, &inputs.iter().collect::<Vec<_>>());
        let label = format!("{:?} {op:?} {shapes:?}", gpu.class());
        within(&label, &found, &bounded.expected.data, &bounded.tolerance.data);
        steps = steps.max(took);
    }
    steps
}

/// Judges the gradient of a convolution of `x` with `outputs` filters.
fn convolution(ways: &[Gpu], conv: &Conv2d, x: [usize; 4], outputs: usize) -> usize {
    let [height, width] = conv.window().output([x[2], x[3]]).unwrap();
    judge(ways, &Training::ConvWeight(conv.clone()), &[x.to_vec(), vec![x[0], outputs, height, width]])
}

fn square(kernel: usize, stride: usize, pads: [usize; 4]) -> Conv2d {
    Conv2d { strides: [stride; 2], pads: Padding::Explicit(pads), ..Conv2d::new([kernel; 2]) }
}

/// Every form of the kernel: whole rows of taps with both strides, and single taps.
fn shapes() -> Vec<Conv2d> {
    vec![
        square(1, 1, [0; 4]),
        square(1, 2, [0; 4]),
        square(1, 1, [1, 0, 0, 2]),
        square(3, 1, [1; 4]),
        square(3, 2, [1; 4]),
        square(3, 1, [0, 2, 1, 0]),
        square(5, 1, [2; 4]),
        square(5, 2, [1, 2, 3, 0]),
        square(7, 1, [3; 4]),
        square(7, 2, [3; 4]),
        square(2, 2, [0, 1, 1, 0]),
        square(3, 3, [1; 4]),
        Conv2d { pads: Padding::SameUpper, ..square(3, 2, [0; 4]) },
        Conv2d { pads: Padding::SameLower, ..square(4, 2, [0; 4]) },
        Conv2d { dilations: [2, 1], ..square(3, 1, [2, 1, 2, 1]) },
        Conv2d { dilations: [1, 2], ..square(3, 1, [1, 2, 1, 2]) },
        Conv2d { strides: [3, 1], pads: Padding::Explicit([1, 0, 0, 0]), ..Conv2d::new([1, 3]) },
        Conv2d { strides: [1, 2], pads: Padding::Explicit([2, 0, 1, 0]), ..Conv2d::new([5, 1]) },
    ]
}

#[test]
fn of_a_dense_convolution() {
    let ways = ways();
    let counts = [1, 3, 4, 6, 17, 33];
    for (at, conv) in shapes().into_iter().enumerate() {
        for (i, &inputs) in counts.iter().enumerate().skip(at % 2).step_by(2) {
            let outputs = counts[(at + 2 * i + 1) % counts.len()];
            let size = [[5, 6], [7, 9], [4, 17]][(at + i) % 3];
            let images = 1 + (at + i) % 3;
            convolution(&ways, &conv, [images, inputs, size[0], size[1]], outputs);
        }
    }
}

#[test]
fn of_a_convolution_of_single_pixels() {
    let ways = ways();
    convolution(&ways, &square(1, 1, [0; 4]), [3, 5, 1, 1], 7);
    convolution(&ways, &square(1, 2, [0; 4]), [3, 5, 1, 1], 7);
    convolution(&ways, &square(3, 1, [1; 4]), [3, 6, 1, 1], 5);
}

#[test]
fn of_long_sums_in_parts() {
    let ways = ways();
    assert_eq!(convolution(&ways, &square(3, 1, [1; 4]), [2, 5, 40, 37], 6), 2);
    assert_eq!(convolution(&ways, &square(1, 1, [0; 4]), [3, 9, 31, 67], 3), 2);
}

#[test]
fn of_whole_channel_groups() {
    let ways = ways();
    for conv in shapes().into_iter().step_by(3) {
        convolution(&ways, &Conv2d { groups: 3, ..conv.clone() }, [2, 24, 5, 7], 12);
        convolution(&ways, &Conv2d { groups: 2, ..conv }, [2, 8, 7, 6], 24);
    }
}

#[test]
fn of_a_depthwise_convolution() {
    let ways = ways();
    for (at, conv) in shapes().into_iter().enumerate() {
        let channels = [2, 3, 4, 9][at % 4];
        convolution(&ways, &Conv2d { groups: channels, ..conv.clone() }, [2, channels, 5, 7], channels);
        convolution(&ways, &Conv2d { groups: 5, ..conv }, [1, 5, 4, 18], 5);
    }
    convolution(&ways, &Conv2d { groups: 6, ..square(3, 1, [1; 4]) }, [3, 6, 40, 37], 6);
}

#[test]
fn of_any_groups() {
    let ways = ways();
    for (at, conv) in shapes().into_iter().enumerate() {
        let (groups, inputs, outputs) = [(2, 3, 1), (3, 5, 4), (4, 1, 2), (2, 4, 3), (5, 2, 2)][at % 5];
        let conv = Conv2d { groups, ..conv };
        convolution(&ways, &conv, [2, groups * inputs, 5, 7], groups * outputs);
    }
    convolution(&ways, &Conv2d { groups: 2, ..square(3, 1, [1; 4]) }, [2, 6, 40, 37], 4);
}

#[test]
fn of_a_transposed_convolution_that_was_padded() {
    // With two more rows of `dy` than the window reaches, as `output_padding` makes them.
    let conv = square(3, 2, [1, 1, 0, 0]);
    judge(&ways(), &Training::ConvWeight(conv), &[vec![2, 5, 9, 8], vec![2, 6, 5, 4]]);
}

#[test]
fn of_a_matrix() {
    let ways = ways();
    for (rows, inputs, outputs) in [(1, 5, 3), (3, 64, 10), (8, 33, 70), (37, 6, 1), (2050, 5, 9)] {
        let steps = judge(&ways, &Training::GemmWeight, &[vec![rows, inputs], vec![rows, outputs]]);
        assert_eq!(steps, 1 + usize::from(rows > 1024), "{rows} rows");
    }
}

#[test]
fn of_a_bias() {
    let ways = ways();
    let shapes =
        [&[1, 3][..], &[5, 9], &[3, 7, 1, 1], &[2, 4, 5, 6], &[3, 33, 9, 11], &[2, 5, 700], &[3, 6, 40, 41]];
    for shape in shapes {
        judge(&ways, &Training::ChannelSum, &[shape.to_vec()]);
    }
}

#[test]
#[should_panic(expected = "out of bounds")]
fn a_lost_image_is_noticed() {
    let Some([_, gpu]) = crate::harness::gpus() else { panic!("out of bounds without a device") };
    let mut random = Random(7);
    let (x, dy) = (random.tensor(&[2, 3, 5, 5]), random.tensor(&[2, 4, 5, 5]));
    let op = Op::Training(Training::ConvWeight(square(3, 1, [1; 4])));
    let bounded = bound(&op, &[&Array::from(&x), &Array::from(&dy)]).unwrap();
    let half = |tensor: &Tensor| tensor.select(0, &[0]);
    let (found, _) = run(&gpu, &op, &[&half(&x), &half(&dy)]);
    within("control", &found, &bounded.expected.data, &bounded.tolerance.data);
}
