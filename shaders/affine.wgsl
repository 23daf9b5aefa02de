// y = scale x + shift per channel; `coefficients` holds the scales and the shifts of each channel group in turn.

#include "live"
#include "element"

struct Params {
    record: u32,
    images: u32,
    pixels: u32,
    groups: u32,
}

@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> x: array<vec4f>;
@group(0) @binding(3) var<storage, read> coefficients: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> y: array<vec4f>;

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
    let scale = coefficients[2u * e.group];
    let shift = coefficients[2u * e.group + 1u];
    y[at] = mask_lanes(scale * x[at] + shift, e.lanes);
}
