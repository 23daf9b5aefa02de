//! Loose steps on a device: results come back, and broken contracts are named.

use crate::harness::gpus;
use wgpu_pagcp::gpu::{GpuError, execute};
use wgpu_pagcp::kernels::live::{LiveLayout, StoredSegment};
use wgpu_pagcp::kernels::{Access, Kernel, Spec};
use wgpu_pagcp::plan::{Grid, Operand, Step};

static PROBE: Kernel = Kernel {
    name: "probe",
    source: r#"#include "live"
struct Params { record: u32, size: u32 }
@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> x: array<vec4f>;
@group(0) @binding(3) var w: texture_storage_2d<rgba32float, read>;
@group(0) @binding(4) var<storage, read_write> y: array<vec4f>;
@compute @workgroup_size(8)
fn main(@builtin(global_invocation_id) id: vec3u) {
    if (id.x < p.size * live_groups(p.record)) {
        let factor = textureLoad(w, vec2u(id.x % ${row}u, id.x / ${row}u));
        y[id.x] = mask_lanes(x[id.x] * factor, live_group(p.record, id.x / p.size).lanes);
    }
}
"#,
    bindings: &[Access::Read, Access::Texels, Access::Write],
    params: &["record", "size"],
    variants: Vec::new,
};

fn probe(record: u32, size: u32, grid: Grid) -> Step {
    Step {
        node: "probe".to_owned(),
        op: "Probe",
        kernel: &PROBE,
        spec: Spec(vec![("row", wgpu_pagcp::kernels::TEXEL_ROW)]),
        params: vec![record, size],
        operands: vec![Operand::External(0), Operand::External(1), Operand::External(2)],
        grid,
        macs: 0,
    }
}

#[test]
fn steps_read_buffers_and_texels_and_write_live_groups_only() {
    let Some(gpus) = gpus() else { return };
    let size = 1500;
    let mut layout = LiveLayout::default();
    let record = layout.record(vec![StoredSegment::run(0, 0, 11, Some((0, 1)))]);
    let live = layout.table(0, &[6]);
    for gpu in gpus {
        let floats = 3 * size as usize * 4;
        let x: Vec<f32> = (0..floats).map(|i| i as f32).collect();
        let w: Vec<f32> = (0..floats).map(|i| (i % 7) as f32).collect();
        let mut buffers = [x.clone(), w.clone(), vec![-1.0; floats]];
        let grid = Grid::Elements { record, per_group: size, workgroup: 8 };
        execute(&gpu, &[probe(record.0, size, grid)], &live, &mut buffers).unwrap();
        for (i, &found) in buffers[2].iter().enumerate() {
            let (group, lane) = (i / 4 / size as usize, i % 4);
            let expected = match group {
                2 => -1.0,
                1 if lane >= 2 => 0.0,
                _ => x[i] * w[i],
            };
            assert_eq!(found, expected, "element {i}");
        }
        assert_eq!(buffers[0], x);
    }
}

#[test]
fn a_grid_beyond_the_limit_is_refused_by_name() {
    let Some(gpus) = gpus() else { return };
    let mut layout = LiveLayout::default();
    let record = layout.record(vec![StoredSegment::run(0, 0, 4, None)]);
    let step = probe(record.0, 1, Grid::Fixed([70_000, 1, 1]));
    let error = execute(&gpus[0], &[step], &layout.table(0, &[]), &mut vec![vec![0.0; 4]; 3]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "node probe (Probe): kernel probe would need [70000, 1, 1] workgroups, at most 65535 fit along each axis"
    );
}

#[test]
fn a_shader_that_does_not_compile_is_an_error_not_a_panic() {
    static BROKEN: Kernel =
        Kernel { name: "broken", source: "nonsense", bindings: &[], params: &[], variants: Vec::new };
    let Some(gpus) = gpus() else { return };
    let layout = LiveLayout::default();
    let step = Step {
        kernel: &BROKEN,
        params: vec![],
        operands: vec![],
        spec: Spec::default(),
        ..probe(0, 1, Grid::Fixed([1, 1, 1]))
    };
    let error = execute(&gpus[0], &[step], &layout.table(0, &[]), &mut []).unwrap_err();
    assert!(matches!(error, GpuError::Rejected { .. }), "{error}");
    assert!(error.to_string().starts_with("the device rejected kernel broken"), "{error}");
}
