// The sums of g and of g x' over the pixels of every thread by themselves, where x' is what is normalised and g the
// gradient of what the activation is given. "batch_merge" adds them.

#include "live"
#include "element"
#include "own_pixels"
#if activation != 0
#include "activation_gradient"
#endif
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
@group(0) @binding(6) var<storage, read> dy: array<vec4f>;
// Two of every thread.
@group(0) @binding(7) var<storage, read_write> partials: array<vec4f>;

@compute @workgroup_size(64)
fn main(
    @builtin(global_invocation_id) id: vec3u,
    @builtin(num_workgroups) grid: vec3u,
) {
    let thread = id.x + id.z * grid.x * 64u;
    let own = own_pixels(thread);
    if (own.lanes == 0u) {
        return;
    }
    let c = channels_of(own.group);
    var gradients = vec4f(0.0);
    var products = vec4f(0.0);
    for (var at = own.first; at < own.end; at += p.threads) {
        let found = normalised(c, x[at]);
#if activation == 0
        let g = dy[at];
#else
        let g = dy[at] * derivative(found * c.scale + c.shift, p.a, p.b);
#endif
        gradients += g;
        products += g * found;
    }
    partials[2u * thread] = gradients;
    partials[2u * thread + 1u] = products;
}
