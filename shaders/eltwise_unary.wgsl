// y = activation(x), one vec4 per thread.

#include "live"
#include "element"
#include "activation"

struct Params {
    record: u32,
    images: u32,
    pixels: u32,
    groups: u32,
    a: f32,
    b: f32,
}

@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> x: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4f>;

@compute @workgroup_size(64)
fn main(
    @builtin(global_invocation_id) id: vec3u,
    @builtin(num_workgroups) grid: vec3u,
) {
    let e = element(p.record, id.x + id.z * grid.x * 64u, p.images, p.pixels);
    if (e.lanes == 0u) {
        return;
    }
    let at = (e.image * p.groups + e.group) * p.pixels + e.pixel;
    y[at] = mask_lanes(activate(x[at], p.a, p.b), e.lanes);
}
