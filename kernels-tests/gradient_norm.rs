//! Norms of gradients, what clips them, and numbers that are not finite.

use crate::compare::within;
use crate::harness::gpus;
use crate::near::Near;
use crate::network::numbers;
use wgpu_pagcp::gpu::{Gpu, execute};
use wgpu_pagcp::kernels::Kernel;
use wgpu_pagcp::kernels::gradient_clip::{GRADIENT_CLIP, GradientClipParams, STATE};
use wgpu_pagcp::kernels::gradient_norm::{GRADIENT_NORM, GradientNormParams, SPAN};
use wgpu_pagcp::kernels::live::LiveLayout;
use wgpu_pagcp::kernels::optimise::Hyper;
use wgpu_pagcp::plan::{Grid, Operand, Step};

/// A step that binds some buffers.
pub fn step(kernel: &'static Kernel, params: Vec<u32>, buffers: &[usize], grid: Grid) -> Step {
    Step {
        node: kernel.name.to_owned(),
        op: "Test",
        kernel,
        spec: (kernel.variants)()[0].clone(),
        params,
        operands: buffers.iter().map(|&i| Operand::External(i)).collect(),
        grid,
        macs: 0,
    }
}

/// Runs steps that have no channels.
pub fn run(gpu: &Gpu, steps: &[Step], buffers: &mut [Vec<f32>]) {
    execute(gpu, steps, &LiveLayout::default().table(0, &[]), buffers).unwrap();
}

/// The partial sums of the first `size` of `gradient`, the first at 3 of a buffer of sevens.
fn partials(gpu: &Gpu, gradient: &[f32], size: usize, grid: Option<[u32; 3]>) -> Vec<f32> {
    let partials = size.div_ceil(SPAN as usize) as u32;
    let params = GradientNormParams { numbers: size as u32, span: SPAN, base: 3 };
    let grid = Grid::Fixed(grid.unwrap_or([partials, 1, 1]));
    let mut buffers = [gradient.to_vec(), vec![7.0; partials as usize + 5]];
    run(gpu, &[step(&GRADIENT_NORM, params.words(), &[0, 1], grid)], &mut buffers);
    let [_, norms] = buffers;
    assert!(norms[..3].iter().chain(&norms[partials as usize + 3..]).all(|&x| x == 7.0), "{norms:?}");
    norms[3..partials as usize + 3].to_vec()
}

#[test]
fn squares_are_summed_by_runs() {
    let Some(gpus) = gpus() else { return };
    for gpu in &gpus {
        for (size, grid) in [(1, None), (63, None), (4096, None), (4097, None), (9000, Some([2, 1, 2]))] {
            let mut gradient = numbers(size as u32, size);
            let run_of = |run: &[f32]| run.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>();
            let expected: Vec<f64> = gradient.chunks(SPAN as usize).map(run_of).collect();
            // 64 terms of a thread, then 64 threads by halves.
            let bounds: Vec<f64> = expected.iter().map(|x| x * 2.0 * 78.0 / f64::from(1 << 24)).collect();
            gradient.extend([f32::NAN; 3]);
            let found = partials(gpu, &gradient, size, grid);
            within(&format!("{size}"), &found, &expected, &bounds);
            gradient[size - 1] *= 2.0;
            let other = partials(gpu, &gradient, size, None);
            assert!(other.last() > found.last(), "the last number is not in the sum of {size}");
        }
    }
}

#[test]
fn a_run_that_is_not_finite_is_marked_alone() {
    let Some(gpus) = gpus() else { return };
    for gpu in &gpus {
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let mut gradient = numbers(1, 9000);
            gradient[5000] = bad;
            let found = partials(gpu, &gradient, 9000, None);
            assert_eq!(found.iter().map(|x| x.is_nan()).collect::<Vec<_>>(), [false, true, false]);
        }
    }
}

/// Factor, norm and whether it is finite, from partial sums.
fn clipped(gpu: &Gpu, norms: &[f32], max_norm: f32) -> Vec<f32> {
    let params = GradientClipParams { sums: norms.len() as u32 }.words();
    let hyper = Hyper { rate: 0.5, clip: max_norm, correction2: 0.25, ..Hyper::default() }.words();
    let mut norms = norms.to_vec();
    norms.push(f32::NAN);
    let mut buffers = [norms, hyper.to_vec(), vec![7.0; STATE]];
    run(gpu, &[step(&GRADIENT_CLIP, params, &[0, 1, 2], Grid::Fixed([1, 1, 1]))], &mut buffers);
    let [_, _, mut state] = buffers;
    assert_eq!(state.split_off(3), hyper, "what the host says of the step is behind it");
    state
}

#[test]
fn norms_are_clipped() {
    let Some(gpus) = gpus() else { return };
    for gpu in &gpus {
        for count in [1, 64, 200] {
            let norms: Vec<f32> = numbers(3, count).iter().map(|x| x + 1.5).collect();
            let sum: f64 = norms.iter().copied().map(f64::from).sum();
            let error = sum * 2.0 * (count.div_ceil(64) + 14) as f64 / f64::from(1 << 24);
            let norm = Near { value: sum, error }.root();
            let whole = clipped(gpu, &norms, 0.0);
            assert_eq!([whole[0], whole[2]], [1.0, 1.0]);
            for max_norm in [0.01, 1000.0] {
                let quotient = Near::exact(max_norm).over(norm + Near::exact(1e-6));
                let factor = quotient.at_most(1.0);
                let found = clipped(gpu, &norms, max_norm);
                let label = format!("{count} sums, at most {max_norm}");
                within(&label, &found[..2], &[factor.value, norm.value], &[factor.error, norm.error]);
                assert_eq!(found[2], 1.0, "{label}");
                assert_eq!(found[0] == 1.0, max_norm == 1000.0, "{label}");
            }
        }
    }
}

#[test]
fn norms_that_are_not_finite_stop_the_step() {
    let Some(gpus) = gpus() else { return };
    for gpu in &gpus {
        // The last two are finite, their sum is not.
        for bad in [[1.0, f32::NAN], [f32::INFINITY, 1.0], [f32::MAX, f32::MAX]] {
            assert_eq!(clipped(gpu, &bad, 1.0)[2], 0.0, "{bad:?}");
        }
    }
}
