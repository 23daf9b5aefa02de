// Adds partial sums, which lie behind one another, in their order: a thread has one texel.

#include "live"

struct Params {
    // Texels of a sum, and how many partial sums there are.
    size: u32,
    partials: u32,
}

@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> x: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4f>;

@compute @workgroup_size(64)
fn main(
    @builtin(global_invocation_id) id: vec3u,
    @builtin(num_workgroups) grid: vec3u,
) {
    let at = id.x + id.z * grid.x * 64u;
    if (at >= p.size) {
        return;
    }
    var sum = x[at];
    for (var part = 1u; part < p.partials; part++) {
        sum += x[part * p.size + at];
    }
    y[at] = sum;
}
