// Nearest or bilinear resize. `axes` holds, for every output row and then every output column, the two input
// coordinates that it reads and their weights. A thread computes `rows` adjacent output rows of one column, and reads an input
// row again only where the next output row needs another one.

#include "live"
#include "element"

struct Params {
    record: u32,
    images: u32,
    rows: u32,
    blocks: u32,
    width: u32,
    height: u32,
    groups: u32,
    in_pixels: u32,
    in_width: u32,
    // What an output is that comes from outside of the input: where its first input coordinate is negative.
    outside: f32,
}

@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> x: array<vec4f>;
@group(0) @binding(3) var<storage, read> axes: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> y: array<vec4f>;

#if linear
// Input row `row` at the columns that `column` names.
fn across(row: u32, column: vec4f) -> vec4f {
    return column.z * x[row + u32(column.x)] + column.w * x[row + u32(column.y)];
}
#endif

@compute @workgroup_size(64)
fn main(
    @builtin(global_invocation_id) id: vec3u,
    @builtin(num_workgroups) grid: vec3u,
) {
    let e = element(p.record, id.x + id.z * grid.x * 64u, p.images, p.blocks * p.width);
    if (e.lanes == 0u) {
        return;
    }
    let block = quotient(e.pixel, p.width);
    let x_index = e.pixel - block * p.width;
    let column = axes[p.height + x_index];
    let plane = e.image * p.groups + e.group;
    let base = plane * p.in_pixels;
    let end = min(p.rows * (block + 1u), p.height);
#if linear
    var read = vec2f(-1.0);
    var above = vec4f(0.0);
    var below = vec4f(0.0);
#endif
    for (var y_index = p.rows * block; y_index < end; y_index++) {
        let row = axes[y_index];
        if (row.x < 0.0 || column.x < 0.0) {
            y[plane * p.height * p.width + y_index * p.width + x_index] = mask_lanes(vec4f(p.outside), e.lanes);
            continue;
        }
#if linear
        if (row.x != read.x) {
            above = across(base + u32(row.x) * p.in_width, column);
        }
        if (row.y != read.y) {
            below = across(base + u32(row.y) * p.in_width, column);
        }
        read = row.xy;
        let resized = row.z * above + row.w * below;
#else
        let resized = x[base + u32(row.x) * p.in_width + u32(column.x)];
#endif
        y[plane * p.height * p.width + y_index * p.width + x_index] = mask_lanes(resized, e.lanes);
    }
}
