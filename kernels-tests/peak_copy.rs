//! The kernel that measures memory copies all of it and nothing beyond.

use crate::harness::gpus;
use wgpu_pagcp::gpu::execute;
use wgpu_pagcp::kernels::live::LiveLayout;
use wgpu_pagcp::kernels::peak_copy::{CopyParams, PEAK_COPY};
use wgpu_pagcp::plan::{Grid, Operand, Step};

#[test]
fn everything_is_copied_and_no_more() {
    let Some(gpus) = gpus() else { return };
    for gpu in gpus {
        for spec in (PEAK_COPY.variants)() {
            let floats = spec.0[0].1;
            for (size, grid) in [(200, [4, 1, 1]), (300, [3, 1, 2])] {
                let step = Step {
                    node: "peak".to_owned(),
                    op: "Peak",
                    kernel: &PEAK_COPY,
                    spec: spec.clone(),
                    params: CopyParams { size }.words(),
                    operands: vec![Operand::External(0), Operand::External(1)],
                    grid: Grid::Fixed(grid),
                    macs: 0,
                };
                let x: Vec<f32> = (0..400 * floats).map(|i| i as f32).collect();
                let mut buffers = [x.clone(), vec![-1.0; x.len()]];
                execute(&gpu, &[step], &LiveLayout::default().table(0, &[]), &mut buffers).unwrap();
                let copied = (size * floats) as usize;
                assert_eq!(buffers[1][..copied], x[..copied]);
                assert!(buffers[1][copied..].iter().all(|&v| v == -1.0), "{spec:?} wrote beyond {size}");
            }
        }
    }
}
