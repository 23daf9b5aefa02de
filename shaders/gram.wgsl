// Products of every pair of channels, summed over runs of `span` pixels of an image: a thread has two channel groups
// and writes a 4 by 4 block for each run. Blocks above the diagonal are those below it, mirrored, and not computed.

#include "live"

struct Params {
    groups: u32,
    pixels: u32,
    span: u32,
    partials: u32,
}

@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> x: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4f>;

@compute @workgroup_size(64)
fn main(
    @builtin(global_invocation_id) id: vec3u,
    @builtin(workgroup_id) workgroup: vec3u,
) {
    let row = id.x / p.groups;
    let column = id.x - row * p.groups;
    if (row >= p.groups || column > row) {
        return;
    }
    let image = workgroup.z * p.groups;
    let rows = (image + row) * p.pixels;
    let columns = (image + column) * p.pixels;
    let first = workgroup.y * p.span;
    let end = min(first + p.span, p.pixels);
    var sum0 = vec4f(0.0);
    var sum1 = vec4f(0.0);
    var sum2 = vec4f(0.0);
    var sum3 = vec4f(0.0);
    for (var pixel = first; pixel < end; pixel++) {
        let a = x[rows + pixel];
        let b = x[columns + pixel];
        sum0 += a.x * b;
        sum1 += a.y * b;
        sum2 += a.z * b;
        sum3 += a.w * b;
    }
    let block = ((workgroup.z * p.partials + workgroup.y) * p.groups * p.groups + id.x) * 4u;
    y[block] = sum0;
    y[block + 1u] = sum1;
    y[block + 2u] = sum2;
    y[block + 3u] = sum3;
}
