// Adds partial sums, which lie behind one another, in their order: a thread has one texel. With `spread` a texel has the sums
// of 4 channels at one of `taps` taps, which become the first lanes of 4 images.

#include "live"
#if spread
#include "element"
#endif

struct Params {
    // Texels of a sum, and how many partial sums there are.
    size: u32,
    partials: u32,
    // With `spread`.
    channels: u32,
    taps: u32,
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
#if spread
    let group = quotient(at, p.taps);
    let tap = at - group * p.taps;
#for lane in "xyzw"
    if (4u * group + ${loop.index0}u < p.channels) {
        y[(4u * group + ${loop.index0}u) * p.taps + tap] = vec4f(sum.${lane}, 0.0, 0.0, 0.0);
    }
#endfor
#else
    y[at] = sum;
#endif
}
