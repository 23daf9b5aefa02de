// Nearest or bilinear resize. `axes` holds, for every output row and then every output column, the two input
// coordinates that it reads and their weights.

#include "live"
#include "element"

struct Params {
    record: u32,
    images: u32,
    pixels: u32,
    width: u32,
    height: u32,
    groups: u32,
    in_pixels: u32,
    in_width: u32,
}

@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> x: array<vec4f>;
@group(0) @binding(3) var<storage, read> axes: array<vec4f>;
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
    let y_index = quotient(e.pixel, p.width);
    let row = axes[y_index];
    let column = axes[p.height + e.pixel - y_index * p.width];
    let plane = e.image * p.groups + e.group;
    let upper = plane * p.in_pixels + u32(row.x) * p.in_width;
    let left = u32(column.x);
#if linear
    let lower = plane * p.in_pixels + u32(row.y) * p.in_width;
    let right = u32(column.y);
    let above = column.z * x[upper + left] + column.w * x[upper + right];
    let below = column.z * x[lower + left] + column.w * x[lower + right];
    let resized = row.z * above + row.w * below;
#else
    let resized = x[upper + left];
#endif
    y[plane * p.pixels + e.pixel] = mask_lanes(resized, e.lanes);
}
