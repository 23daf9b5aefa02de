// Sums over runs of pixels of the gradient before the scale, g, and of g times what it scales: a thread has one channel group
// of one image.

#include "live"
#include "element"
#if activation > 0
#include "activation_gradient"
#endif

struct Params {
    images: u32,
    pixels: u32,
    groups: u32,
    // Pixels of a run, and runs of an image.
    span: u32,
    runs: u32,
    epsilon: f32,
    a: f32,
    b: f32,
}

@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> x: array<vec4f>;
@group(0) @binding(3) var<storage, read> moments: array<vec4f>;
@group(0) @binding(4) var<storage, read> scale: array<vec4f>;
@group(0) @binding(5) var<storage, read> shift: array<vec4f>;
@group(0) @binding(6) var<storage, read> dy: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> partials: array<vec4f>;

#include "batch_norm"

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) grid: vec3u) {
    let thread = id.x + id.z * grid.x * 64u;
    let plane = quotient(thread, p.runs);
    if (plane >= p.images * p.groups) {
        return;
    }
    let channels = channels_of(plane - quotient(plane, p.groups) * p.groups);
    let start = (thread - plane * p.runs) * p.span;
    let end = plane * p.pixels + min(start + p.span, p.pixels);
    var sum = vec4f(0.0);
    var products = vec4f(0.0);
    for (var at = plane * p.pixels + start; at < end; at++) {
        let normal = (x[at] - channels.mean) * channels.inverse;
#if activation > 0
        let g = dy[at] * derivative(normal * channels.scale + channels.shift, p.a, p.b);
#else
        let g = dy[at];
#endif
        sum += g;
        products += g * normal;
    }
    partials[2u * thread] = sum;
    partials[2u * thread + 1u] = products;
}
