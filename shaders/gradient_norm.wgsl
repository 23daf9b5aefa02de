// The sum of the squares of a gradient: every workgroup adds `p.span` numbers in a fixed order.

#include "live"

struct Params {
    numbers: u32,
    span: u32,
    // Where this gradient's sums begin.
    base: u32,
}

@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> gradient: array<f32>;
@group(0) @binding(3) var<storage, read_write> sums: array<u32>;

var<workgroup> parts: array<f32, 64>;
var<workgroup> flags: array<u32, 64>;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) id: vec3u,
    @builtin(num_workgroups) grid: vec3u,
    @builtin(local_invocation_index) thread: u32,
) {
    let group = id.x + id.z * grid.x;
    let first = group * p.span;
    let end = min(first + p.span, p.numbers);
    var sum = 0.0;
    var broken = 0u;
    for (var i = first + thread; i < end; i += 64u) {
        let g = gradient[i];
        sum += g * g;
        // WGSL may assume that no float is infinite: only bits tell.
        broken |= u32((bitcast<u32>(g) & 0x7f800000u) == 0x7f800000u);
    }
    parts[thread] = sum;
    flags[thread] = broken;
    workgroupBarrier();
    for (var other = 32u; other > 0u; other >>= 1u) {
        if (thread < other) {
            parts[thread] += parts[thread + other];
            flags[thread] |= flags[thread + other];
        }
        workgroupBarrier();
    }
    if (thread == 0u && first < p.numbers) {
        sums[p.base + group] = select(bitcast<u32>(parts[0]), 0x7fc00000u, flags[0] != 0u);
    }
}
