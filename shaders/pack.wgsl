// Row-major `[images][live channels][pixels]` to NC4HW4, one vec4 per thread.

#include "live"
#include "element"
#include "logical"

struct Params {
    record: u32,
    images: u32,
    pixels: u32,
    groups: u32,
}

@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4f>;

@compute @workgroup_size(64)
fn main(
    @builtin(global_invocation_id) id: vec3u,
    @builtin(num_workgroups) grid: vec3u,
) {
    let index = id.x + id.z * grid.x * 64u;
    let e = element(p.record, index, p.images, p.pixels);
    if (e.lanes == 0u) {
        return;
    }
    let channel = channels_before(p.record, quotient(index, p.images * p.pixels));
    let plane = e.image * live_channels(p.record) + channel;
    // Lanes past the last channel read it again and are masked.
    let planes = plane + min(vec4u(0u, 1u, 2u, 3u), vec4u(e.lanes - 1u));
    let at = planes * p.pixels + e.pixel;
    let v = vec4f(x[at.x], x[at.y], x[at.z], x[at.w]);
    y[(e.image * p.groups + e.group) * p.pixels + e.pixel] = mask_lanes(v, e.lanes);
}
