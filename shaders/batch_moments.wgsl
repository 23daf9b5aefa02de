// Mean and sum of squared distances from it over the pixels of every thread by themselves, in one pass (Welford, 1962)
// that counts from the first pixel: a mean that is large beside the deviation costs nothing. "batch_merge" puts them
// together.

#include "live"
#include "element"
#include "own_pixels"

struct Params {
    images: u32,
    channels: u32,
    pixels: u32,
    groups: u32,
    threads: u32,
}

@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> x: array<vec4f>;
// Two of every thread.
@group(0) @binding(3) var<storage, read_write> partials: array<vec4f>;

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
    let origin = x[own.first];
    var mean = vec4f(0.0);
    var squares = vec4f(0.0);
    var count = 1.0;
    for (var at = own.first + p.threads; at < own.end; at += p.threads) {
        count += 1.0;
        let distance = x[at] - origin;
        let before = distance - mean;
        mean += before * (1.0 / count);
        squares += before * (distance - mean);
    }
    partials[2u * thread] = origin + mean;
    partials[2u * thread + 1u] = squares;
}
