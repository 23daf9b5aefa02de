// Row-major reinterpretation. Of the pixels of a channel, `inner` lie behind one another in row-major order. `map` holds the logical channel of every stored output channel, then from
// `in_map` on the stored channel of every logical input channel. Integer divisions are exact here, as an image may
// have any number of rows.

#include "live"
#include "element"

struct Params {
    record: u32,
    images: u32,
    pixels: u32,
    inner: u32,
    channels: u32,
    groups: u32,
    in_pixels: u32,
    in_inner: u32,
    in_channels: u32,
    in_groups: u32,
    in_map: u32,
}

@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read> map: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<vec4f>;

fn source(image: u32, stored: u32, pixel: u32) -> u32 {
    let outer = pixel / p.inner;
    let row = image * (p.pixels / p.inner) + outer;
    let logical = (row * p.channels + u32(map[stored])) * p.inner + pixel - outer * p.inner;
    let line = logical / p.in_inner;
    let in_row = line / p.in_channels;
    let place = u32(map[p.in_map + line - in_row * p.in_channels]);
    let in_rows = p.in_pixels / p.in_inner;
    let in_image = in_row / in_rows;
    let in_pixel = (in_row - in_image * in_rows) * p.in_inner + logical - line * p.in_inner;
    let plane = in_image * p.in_groups + place / 4u;
    return 4u * (plane * p.in_pixels + in_pixel) + place % 4u;
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
    var v = vec4f(0.0);
#for lane in ["x", "y", "z", "w"]
    if (e.lanes > ${loop.index0}u) {
        v.${lane} = x[source(e.image, 4u * e.group + ${loop.index0}u, e.pixel)];
    }
#endfor
    y[(e.image * p.groups + e.group) * p.pixels + e.pixel] = v;
}
