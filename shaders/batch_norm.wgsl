// y = activation((x - mean) / sqrt(variance + epsilon) scale + shift), with `add` of that plus the residual.

#include "live"
#include "element"
#include "own_pixels"
#include "activation"
#include "batch_norm"

struct Params {
    images: u32,
    channels: u32,
    pixels: u32,
    groups: u32,
    threads: u32,
    epsilon: f32,
    a: f32,
    b: f32,
}

@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> x: array<vec4f>;
// Means, then variances.
@group(0) @binding(3) var<storage, read> moments: array<vec4f>;
@group(0) @binding(4) var<storage, read> scale: array<vec4f>;
@group(0) @binding(5) var<storage, read> shift: array<vec4f>;
@group(0) @binding(6) var<storage, read> residual: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> y: array<vec4f>;

@compute @workgroup_size(64)
fn main(
    @builtin(global_invocation_id) id: vec3u,
    @builtin(num_workgroups) grid: vec3u,
) {
    let own = own_pixels(id.x + id.z * grid.x * 64u);
    let c = channels_of(own.group);
    for (var at = own.first; at < own.end; at += p.threads) {
#if add
        let v = normalised(c, x[at]) * c.scale + c.shift + residual[at];
#else
        let v = normalised(c, x[at]) * c.scale + c.shift;
#endif
        y[at] = mask_lanes(activate(v, p.a, p.b), own.lanes);
    }
}
