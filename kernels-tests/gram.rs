//! Sums of channel products against f64.

use crate::compare::within;
use crate::harness::gpus;
use crate::network::numbers;
use wgpu_pagcp::gpu::{Gpu, Session};
use wgpu_pagcp::graph::{Activation, Builder, Sizes};
use wgpu_pagcp::kernels::gram::SPAN;
use wgpu_pagcp::optimise::optimise;
use wgpu_pagcp::plan::build_with_grams;
use wgpu_pagcp::units::analyse;

/// The sums over the first `images` of `batch` images of a concatenation of maps of 5 and 3 channels, which are stored
/// apart, with what they are summed from.
fn sums(gpu: &Gpu, [height, width, batch, images]: [usize; 4]) -> (Vec<f64>, Vec<f32>) {
    let mut b = Builder::new("products");
    let inputs = [b.image("x", [5, height, width]), b.image("z", [3, height, width])];
    let parts = inputs.map(|input| b.activation(input, Activation::Relu));
    let joined = b.concat(&parts, 1);
    b.output(joined, "y");
    let graph = b.finish().unwrap();
    let sizes = Sizes::batch(batch);
    let units = analyse(&graph, &graph.infer(&sizes).unwrap());
    let graph = optimise(&graph, &sizes).unwrap().graph;
    let shapes = graph.infer(&sizes).unwrap();
    let plan = build_with_grams(&graph, &shapes, &units, &gpu.plan_options(batch), &[joined]).unwrap();
    let mut session = Session::new(gpu, plan, 0).unwrap();
    session.poison().unwrap();
    let pixels = height * width;
    let [x, z] = [numbers(1, batch * 5 * pixels), numbers(2, batch * 3 * pixels)];
    let outputs = session.run(&[&x, &z]).unwrap();
    let gram = session.plan().grams[0].clone();
    let mut sums = vec![0.0; 64];
    gram.add(&session.read_external(gram.external).unwrap(), images, &mut sums);
    (sums, outputs[0].clone())
}

#[test]
fn sums_of_products_are_within_their_bound() {
    let Some(gpus) = gpus() else { return };
    for gpu in &gpus {
        for size in [[1, 1, 3, 3], [7, 5, 1, 1], [7, 5, 3, 2], [20, 21, 2, 2]] {
            let (found, y) = sums(gpu, size);
            let [height, width, _, images] = size;
            let pixels = height * width;
            let product = |i: usize, j: usize, f: fn(f64) -> f64| -> f64 {
                let at = |image: usize, channel: usize, pixel: usize| {
                    f64::from(y[(image * 8 + channel) * pixels + pixel])
                };
                let terms = (0..images * pixels).map(|n| (n / pixels, n % pixels));
                terms.map(|(image, pixel)| f(at(image, i, pixel) * at(image, j, pixel))).sum()
            };
            let pairs = || (0..64).map(|at| (at / 8, at % 8));
            let expected: Vec<f64> = pairs().map(|(i, j)| product(i, j, |x| x)).collect();
            // A sum of `SPAN` products in f32 errs by 2 (SPAN + 8) u of the sum of their magnitudes.
            let relative = 2.0 * f64::from(SPAN + 8) / f64::from(1 << 24);
            let bounds: Vec<f64> = pairs().map(|(i, j)| relative * product(i, j, f64::abs) + 1e-30).collect();
            let found: Vec<f32> = found.iter().map(|&x| x as f32).collect();
            let bounds: Vec<f64> = bounds.iter().zip(&expected).map(|(b, e)| b + e.abs() * 1e-7).collect();
            within(&format!("{size:?}"), &found, &expected, &bounds);
        }
    }
}

#[test]
fn an_image_left_out_is_noticed() {
    let Some([gpu, _]) = gpus() else { return };
    let (two, _) = sums(&gpu, [7, 5, 3, 2]);
    let (three, _) = sums(&gpu, [7, 5, 3, 3]);
    assert!((0..8).all(|channel| three[channel * 9] > two[channel * 9] * 1.01));
}
