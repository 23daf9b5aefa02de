//! Division by multiplying floats, on which every kernel's indices rest.

use crate::harness::gpus;
use wgpu_pagcp::gpu::execute;
use wgpu_pagcp::kernels::live::LiveLayout;
use wgpu_pagcp::kernels::{Access, Kernel, Spec};
use wgpu_pagcp::plan::{Grid, Operand, Step};

static PROBE: Kernel = Kernel {
    name: "quotient_probe",
    source: r#"#include "live"
#include "element"
struct Params { size: u32 }
@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> pairs: array<vec2u>;
@group(0) @binding(3) var<storage, read_write> y: array<u32>;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    if (id.x < p.size) {
        y[id.x] = quotient(pairs[id.x].x, pairs[id.x].y) + 0u * live[0];
    }
}
"#,
    bindings: &[Access::Read, Access::Write],
    params: &["size"],
    variants: || vec![Spec::default()],
};

/// Dividends around every kind of multiple of every kind of divisor, with quotients below 2^21.
fn pairs() -> Vec<[u32; 2]> {
    let mut pairs = Vec::new();
    let mut state = 1u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 33) as u32
    };
    for bits in 1..31 {
        for quotient_bits in 1..=21.min(31 - bits) {
            for _ in 0..20 {
                let divisor = (next() % (1 << bits)).max(1);
                let multiple = (next() % (1 << quotient_bits)).max(1) * divisor;
                pairs.extend([multiple - 1, multiple, multiple + 1].map(|dividend| [dividend, divisor]));
            }
        }
    }
    pairs
}

#[test]
fn quotients_are_exact() {
    let Some(gpus) = gpus() else { return };
    let pairs = pairs();
    let bits = |words: &mut dyn Iterator<Item = u32>| words.map(f32::from_bits).collect::<Vec<f32>>();
    let step = Step {
        node: "probe".to_owned(),
        op: "Probe",
        kernel: &PROBE,
        spec: Spec::default(),
        params: vec![pairs.len() as u32],
        operands: vec![Operand::External(0), Operand::External(1)],
        grid: Grid::Fixed([pairs.len().div_ceil(64) as u32, 1, 1]),
        macs: 0,
    };
    let live = LiveLayout::default().table(0, &[]);
    for gpu in gpus {
        let mut buffers = [bits(&mut pairs.iter().flatten().copied()), vec![0.0; pairs.len()]];
        execute(&gpu, std::slice::from_ref(&step), &live, &mut buffers).expect("the probe runs");
        for ([dividend, divisor], found) in pairs.iter().zip(&buffers[1]) {
            assert_eq!(found.to_bits(), dividend / divisor, "{dividend} / {divisor}");
        }
    }
}
