// Softmax over the channels, or its logarithm: one thread per pixel. The sum is one chain over live channels in stored
// order.

#include "live"

struct Params {
    record: u32,
    images: u32,
    pixels: u32,
    groups: u32,
}

@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> x: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4f>;

@compute @workgroup_size(64)
fn main(
    @builtin(global_invocation_id) id: vec3u,
    @builtin(num_workgroups) grid: vec3u,
) {
    let index = id.x + id.z * grid.x * 64u;
    if (index >= p.images * p.pixels) {
        return;
    }
    let image = index / p.pixels;
    let base = image * p.groups * p.pixels + index - image * p.pixels;
    let groups = live_groups(p.record);
    var top = -3.4028234e38;
    for (var i = 0u; i < groups; i++) {
        let g = live_group(p.record, i);
        let v = x[base + g.group * p.pixels];
        let w = select(vec4f(top), v, vec4u(0u, 1u, 2u, 3u) < vec4u(g.lanes));
        top = max(max(max(w.x, w.y), max(w.z, w.w)), top);
    }
    var sum = 0.0;
    for (var i = 0u; i < groups; i++) {
        let g = live_group(p.record, i);
        let v = mask_lanes(exp(x[base + g.group * p.pixels] - top), g.lanes);
        sum = sum + v.x + v.y + v.z + v.w;
    }
    for (var i = 0u; i < groups; i++) {
        let g = live_group(p.record, i);
        let at = base + g.group * p.pixels;
#if logarithm == 1
        y[at] = mask_lanes(x[at] - top - log(sum), g.lanes);
#else
        y[at] = mask_lanes(exp(x[at] - top) / sum, g.lanes);
#endif
    }
}
