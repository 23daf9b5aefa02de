// Copies one operand of a concatenation to its place in the output. A plane of the operand is cut into runs of `run`
// pixels, which the output stores `out_run` apart.

#include "live"
#include "element"

struct Params {
    record: u32,
    images: u32,
    pixels: u32,
    groups: u32,
    out_pixels: u32,
    out_groups: u32,
    image_offset: u32,
    group_offset: u32,
    pixel_offset: u32,
    run: u32,
    out_run: u32,
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
    let origin = (e.image * p.groups + e.group) * p.pixels + e.pixel;
    let plane = (e.image + p.image_offset) * p.out_groups + e.group + p.group_offset;
    let index = quotient(e.pixel, p.run);
    let pixel = index * p.out_run + p.pixel_offset + e.pixel - index * p.run;
    y[plane * p.out_pixels + pixel] = mask_lanes(x[origin], e.lanes);
}
