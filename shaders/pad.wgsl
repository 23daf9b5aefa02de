// Spatial padding with one value, by reflection or with the border.

#include "live"
#include "element"

struct Params {
    record: u32,
    images: u32,
    pixels: u32,
    width: u32,
    groups: u32,
    in_height: u32,
    in_width: u32,
    top: u32,
    left: u32,
    fill: f32,
}

@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> x: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4f>;

// The input coordinate that padded coordinate `at` shows; for constant padding only valid inside the input.
fn source(at: u32, margin: u32, extent: u32) -> u32 {
    let i = i32(at) - i32(margin);
    let last = i32(extent) - 1;
#if mode == 1
    return u32(last - abs(last - abs(i)));
#else
    return u32(clamp(i, 0, last));
#endif
}

@compute @workgroup_size(64)
fn main(
    @builtin(global_invocation_id) id: vec3u,
    @builtin(num_workgroups) grid: vec3u,
) {
    let e = element(p.record, id.x + id.z * grid.x * 64u, p.images, p.pixels);
    if (e.lanes == 0u) {
        return;
    }
    let row = quotient(e.pixel, p.width);
    let column = e.pixel - row * p.width;
    let plane = e.image * p.groups + e.group;
    let iy = source(row, p.top, p.in_height);
    let ix = source(column, p.left, p.in_width);
    var v = x[plane * p.in_height * p.in_width + iy * p.in_width + ix];
#if mode == 0
    if (row - p.top >= p.in_height || column - p.left >= p.in_width) {
        v = vec4f(p.fill);
    }
#endif
    y[plane * p.pixels + e.pixel] = mask_lanes(v, e.lanes);
}
