// The gradient of the input of a batch normalisation by its own moments: with n what is scaled and g the gradient before the
// scale, scale / deviation (g - mean of g - n times the mean of g n).

#include "live"
#include "element"
#include "own_pixels"
#if activation > 0
#include "activation_gradient"
#endif

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
@group(0) @binding(3) var<storage, read> moments: array<vec4f>;
@group(0) @binding(4) var<storage, read> scale: array<vec4f>;
@group(0) @binding(5) var<storage, read> shift: array<vec4f>;
@group(0) @binding(6) var<storage, read> sums: array<vec4f>;
@group(0) @binding(7) var<storage, read> dy: array<vec4f>;
@group(0) @binding(8) var<storage, read_write> dx: array<vec4f>;

#include "batch_norm"

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) grid: vec3u) {
    let own = own_pixels(id.x + id.z * grid.x * 64u);
    if (own.lanes == 0u) {
        return;
    }
    let channels = channels_of(own.group);
    let factor = channels.inverse * channels.scale;
    let count = f32(p.images * p.pixels);
    let mean = sums[own.group] / count;
    let product = sums[p.groups + own.group] / count;
    for (var at = own.first; at < own.end; at += p.threads) {
        let normal = (x[at] - channels.mean) * channels.inverse;
#if activation > 0
        let g = dy[at] * derivative(normal * channels.scale + channels.shift, p.a, p.b);
#else
        let g = dy[at];
#endif
        dx[at] = mask_lanes(factor * (g - mean - normal * product), own.lanes);
    }
}
