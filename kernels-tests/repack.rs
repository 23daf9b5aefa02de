//! Constants that are weights in another order.

use crate::gradient_norm::{run, step};
use crate::harness::gpus;
use crate::network::numbers;
use wgpu_pagcp::kernels::repack::{REPACK, RepackParams};
use wgpu_pagcp::plan::Grid;

#[test]
fn weights_go_where_the_table_says() {
    let Some(gpus) = gpus() else { return };
    for gpu in &gpus {
        for (size, grid) in [(4, [1, 1, 1]), (256, [1, 1, 1]), (1204, [5, 1, 1]), (1204, [2, 1, 3])] {
            let weight = numbers(7, 100);
            // Every third float is 0, the last weight is read.
            let entry = |i: usize| if i % 3 == 1 { 0 } else { 100 - (i * 37) % 100 };
            let table: Vec<f32> = (0..size).map(|i| f32::from_bits(entry(i) as u32)).collect();
            let mut buffers = [table, weight.clone(), vec![9.0; size + 4]];
            let params = RepackParams { texels: size as u32 / 4 }.words();
            run(gpu, &[step(&REPACK, params, &[0, 1, 2], Grid::Fixed(grid))], &mut buffers);
            let mut expected: Vec<f32> =
                (0..size).map(|i| if entry(i) == 0 { 0.0 } else { weight[entry(i) - 1] }).collect();
            expected.extend([9.0; 4]);
            assert_eq!(buffers[2], expected, "{size} in {grid:?}");
        }
    }
}
