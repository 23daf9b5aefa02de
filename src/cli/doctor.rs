//! `doctor`: a self-test of one device, on a small network with every operator.

use super::args::{DeviceArgs, DoctorArgs};
use super::model::{Model, open};
use super::verify::{LayerCheck, verify};
use super::{Failure, files, table};
use crate::graph::{
    Activation, Binary, Builder, Conv2d, ConvTranspose, Coordinates, Filter, Gemm, Graph, Interpolation, Pad,
    PadMode, Padding, Pool, Resize, Rounding, Sizes, Target, ValueId,
};
use crate::tensor::Tensor;
use serde::Serialize;
use std::path::Path;

#[derive(Serialize)]
struct Diagnosis {
    version: u32,
    device: String,
    driver: String,
    class: String,
    good: bool,
    layers: Vec<LayerCheck>,
}

/// Runs the command. A layer beyond its bound is a failure.
pub fn run(args: &DoctorArgs, device: &DeviceArgs) -> Result<(), Failure> {
    let gpu = open(device)?;
    let graph = network().map_err(Failure::work)?;
    let model = Model::new(Path::new("self-test"), graph, Sizes::batch(3))?;
    let layers = verify(&gpu, &model, 1)?;
    let info = gpu.info();
    let diagnosis = Diagnosis {
        version: 1,
        driver: format!("{} {}", info.driver, info.driver_info),
        class: gpu.class_name(),
        good: layers.iter().all(|layer| layer.good),
        device: info.name,
        layers,
    };
    let good = diagnosis.good;
    if args.json {
        files::print_json(&diagnosis)?;
    } else {
        print(&diagnosis);
    }
    if good {
        Ok(())
    } else {
        Err(Failure::work("this device computes wrong results; please report the table above"))
    }
}

fn print(diagnosis: &Diagnosis) {
    println!("{}, {}, {} kernels\n", diagnosis.device, diagnosis.driver.trim(), diagnosis.class);
    let mut rows = table::new(&["layer", "error / bound", ""]);
    for layer in &diagnosis.layers {
        let verdict = if layer.good { "good" } else { "BAD" };
        rows.add_row([layer.name.clone(), format!("{:.3}", layer.error_over_bound), verdict.to_owned()]);
    }
    table::numbers_from(&mut rows, 1);
    println!("{}", rows.trim_fmt());
}

/// Weights that repeat after a prime number of elements, between -0.5 and 0.5.
fn weights(shape: &[usize]) -> Tensor {
    let count = shape.iter().product();
    let values = (0..count).map(|i: usize| ((i * 7919 + 13) % 1009) as f32 / 1009.0 - 0.5).collect();
    Tensor::from_f32(shape.to_vec(), values).expect("as many values as the shape has")
}

fn conv(b: &mut Builder, x: ValueId, shape: [usize; 4], conv: Conv2d) -> ValueId {
    let padded = Conv2d { pads: Padding::Explicit([shape[2] / 2; 4]), ..conv };
    b.conv(x, padded, weights(&shape), Some(weights(&shape[..1])))
}

fn network() -> Result<Graph, crate::graph::GraphError> {
    let mut b = Builder::new("self-test");
    let x = b.image("x", [3, 13, 18]);
    let stem = conv(&mut b, x, [10, 3, 3, 3], Conv2d { strides: [2, 2], ..Conv2d::new([3, 3]) });
    let positive = || Tensor::from_f32(vec![10], vec![1.5; 10]).expect("ten values");
    let stem = b.batch_norm(stem, [weights(&[10]), weights(&[10]), weights(&[10]), positive()], 1e-5);
    let stem = b.activation(stem, Activation::Relu);
    let deep = conv(&mut b, stem, [10, 1, 3, 3], Conv2d { groups: 10, ..Conv2d::new([3, 3]) });
    let deep = b.activation(deep, Activation::HardSwish);
    let deep = conv(&mut b, deep, [10, 5, 1, 1], Conv2d { groups: 2, ..Conv2d::new([1, 1]) });
    let deep = b.add(deep, stem);
    let gate = b.global_average_pool(deep);
    let gate = conv(&mut b, gate, [10, 10, 1, 1], Conv2d::new([1, 1]));
    let gate = b.activation(gate, Activation::Sigmoid);
    let gated = b.mul(deep, gate);
    let pool = Pool {
        kernel: [3, 3],
        strides: [1, 1],
        pads: Padding::Explicit([1; 4]),
        dilations: [1, 1],
        ceil_mode: false,
        count_include_pad: false,
    };
    let mean = b.average_pool(gated, pool.clone());
    let largest = b.max_pool(gated, pool);
    let joined = b.concat(&[mean, largest], 1);
    let joined = b.pad(joined, Pad { margins: [1, 0, 2, 1], mode: PadMode::Constant(0.25) });
    let resized = |interpolation, coordinates| Resize {
        target: Target::Scales([2.0, 2.0]),
        coordinates,
        interpolation,
    };
    let linear = b.resize(joined, resized(Interpolation::Linear, Coordinates::HalfPixel));
    let nearest = b.resize(joined, resized(Interpolation::Nearest(Rounding::Floor), Coordinates::Asymmetric));
    let filter = Filter { cubic: Some(-0.75), antialias: true, exclude_outside: false };
    let smooth = b.resize(
        linear,
        Resize {
            target: Target::Fit { sizes: [Some(9), Some(13)], cover: false },
            coordinates: Coordinates::HalfPixelSymmetric,
            interpolation: Interpolation::Filter(filter),
        },
    );
    b.output(smooth, "smooth");
    let difference = b.binary(Binary::Sub, linear, nearest);
    let difference = b.activation(difference, Activation::Tanh);
    let raised = ConvTranspose { strides: [2, 2], output_padding: [1, 0], ..ConvTranspose::new([3, 2]) };
    let raised = b.conv_transpose(difference, raised, weights(&[20, 7, 3, 2]), Some(weights(&[7])));
    let grouped = ConvTranspose { groups: 7, pads: Padding::Explicit([1; 4]), ..ConvTranspose::new([3, 3]) };
    let raised = b.conv_transpose(raised, grouped, weights(&[7, 2, 3, 3]), None);
    b.output(raised, "raised");
    let logits = conv(&mut b, difference, [5, 20, 1, 1], Conv2d::new([1, 1]));
    let classes = b.softmax(logits, 1);
    b.output(classes, "classes");
    let flat = b.global_average_pool(difference);
    let flat = b.flatten(flat, 1);
    let gemm = Gemm { trans_b: true, ..Gemm::default() };
    let label = b.gemm(flat, gemm, weights(&[7, 20]), Some(weights(&[7])));
    let label = b.activation(label, Activation::LeakyRelu { alpha: 0.1 });
    b.output(label, "label");
    b.finish()
}
