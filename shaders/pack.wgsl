// Row-major `[images][live channels][pixels]` to NC4HW4. A thread moves ${per_thread} vec4, `stride` pixels apart, or, where
// every channel has whole `quads` of pixels, in adjacent fours.

#include "live"
#include "element"
#include "logical"

struct Params {
    record: u32,
    images: u32,
    pixels: u32,
    groups: u32,
    stride: u32,
    base: u32,
}

@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> x: array<${"vec4f" if quads else "f32"}>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4f>;

@compute @workgroup_size(64)
fn main(
    @builtin(global_invocation_id) id: vec3u,
    @builtin(num_workgroups) grid: vec3u,
) {
    let index = id.x + id.z * grid.x * 64u;
    let e = element(p.record, index, p.images, p.stride);
    if (e.lanes == 0u) {
        return;
    }
    let channel = channels_before(p.record, quotient(index, p.images * p.stride));
    let plane = e.image * live_channels(p.record) + channel;
    // Lanes past the last channel read it again and are masked.
    let channels = plane + min(vec4u(0u, 1u, 2u, 3u), vec4u(e.lanes - 1u));
    let stored = (e.image * p.groups + e.group) * p.pixels;
#if quads
    let planes = p.base / 4u + channels * (p.pixels / 4u);
#for n in range(per_thread // 4)
    let quad${n} = e.pixel + ${n}u * p.stride;
    if (quad${n} < p.pixels / 4u) {
        let at = planes + quad${n};
        let rows = mat4x4f(x[at.x], x[at.y], x[at.z], x[at.w]);
#for i in range(4)
        let v${i} = vec4f(rows[0][${i}], rows[1][${i}], rows[2][${i}], rows[3][${i}]);
        y[stored + 4u * quad${n} + ${i}u] = mask_lanes(v${i}, e.lanes);
#endfor
    }
#endfor
#else
    let planes = p.base + channels * p.pixels;
#for n in range(per_thread)
    let pixel${n} = e.pixel + ${n}u * p.stride;
    if (pixel${n} < p.pixels) {
        let at = planes + pixel${n};
        y[stored + pixel${n}] = mask_lanes(vec4f(x[at.x], x[at.y], x[at.z], x[at.w]), e.lanes);
    }
#endfor
#endif
}
