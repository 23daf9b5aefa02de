//! The kernel that measures arithmetic does all of it, and what is measured can be believed.

use crate::harness::gpus;
use wgpu_pagcp::gpu::{execute, peaks};
use wgpu_pagcp::kernels::live::LiveLayout;
use wgpu_pagcp::kernels::peak_multiply_add::{MultiplyAddParams, PEAK_MULTIPLY_ADD, STEPS};
use wgpu_pagcp::plan::{Grid, Operand, Step};

#[test]
fn every_multiply_add_of_every_accumulator_is_done() {
    let Some(gpus) = gpus() else { return };
    for gpu in gpus {
        for (number, spec) in (PEAK_MULTIPLY_ADD.variants)().into_iter().enumerate() {
            let rounds = [0, 1, 3][number % 3];
            let step = Step {
                node: "peak".to_owned(),
                op: "Peak",
                kernel: &PEAK_MULTIPLY_ADD,
                spec: spec.clone(),
                params: MultiplyAddParams { rounds, scale: 0.5, shift: 3.0 }.words(),
                operands: vec![Operand::External(0)],
                grid: Grid::Fixed([2, 1, 1]),
                macs: 0,
            };
            let mut buffers = [vec![f32::NAN; 2 * 64 * 4]];
            execute(&gpu, &[step], &LiveLayout::default().table(0, &[]), &mut buffers).unwrap();
            let accumulators = spec.0[0].1;
            for (at, &found) in buffers[0].iter().enumerate() {
                let start = |a: u32| f64::from(64 * a) + (at / 4 % 64) as f64 + (at % 4) as f64 / 4.0;
                let end = |a| (0..rounds * STEPS).fold(start(a), |x, _| x * 0.5 + 3.0);
                let expected: f64 = (0..accumulators).map(end).sum();
                assert!(
                    (f64::from(found) - expected).abs() <= 1e-4 * expected,
                    "{spec:?} {at}: {found} {expected}"
                );
            }
        }
    }
}

#[test]
fn peaks_are_positive_and_finite() {
    let Some([_, gpu]) = gpus() else { return };
    let peaks = peaks(&gpu).unwrap();
    assert!(peaks.flops.is_finite() && peaks.flops > 0.0, "{peaks:?}");
    assert!(peaks.bytes.is_finite() && peaks.bytes > 0.0, "{peaks:?}");
}
