// NC4HW4 to row-major `[images][live channels][pixels]`. A thread moves ${per_thread} vec4, `stride` pixels apart, or, where
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
@group(0) @binding(2) var<storage, read> x: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> y: array<${"vec4f" if quads else "f32"}>;

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
    let stored = (e.image * p.groups + e.group) * p.pixels;
    let channel = channels_before(p.record, quotient(index, p.images * p.stride));
#if quads
    let quads = p.pixels / 4u;
    let plane = p.base / 4u + (e.image * live_channels(p.record) + channel) * quads;
#for n in range(per_thread // 4)
    let quad${n} = e.pixel + ${n}u * p.stride;
    if (quad${n} < quads) {
        let from${n} = stored + 4u * quad${n};
        let v = mat4x4f({% for i in range(4) %}x[from${n} + ${i}u], {% endfor %});
        let at = plane + quad${n};
        y[at] = vec4f(v[0].x, v[1].x, v[2].x, v[3].x);
#for lane in [1, 2, 3]
        if (e.lanes > ${lane}u) {
            y[at + ${lane}u * quads] = vec4f(v[0][${lane}], v[1][${lane}], v[2][${lane}], v[3][${lane}]);
        }
#endfor
    }
#endfor
#else
    let plane = p.base + (e.image * live_channels(p.record) + channel) * p.pixels;
#for n in range(per_thread)
    let pixel${n} = e.pixel + ${n}u * p.stride;
    if (pixel${n} < p.pixels) {
        let v = x[stored + pixel${n}];
        let at = plane + pixel${n};
        y[at] = v.x;
#for lane in [1, 2, 3]
        if (e.lanes > ${lane}u) {
            y[at + ${lane}u * p.pixels] = v[${lane}];
        }
#endfor
    }
#endfor
#endif
}
