// Moved elements: where an output element comes from is the sum of one entry for its image, one for its channel, one
// for its row and one for its column, each (image, channel, pixel, 1 for none). Whatever has a none is filled.
// Form 0 moves whole channel groups, and channels in the table are groups. Form 1 moves single channels, which are
// stored lanes in the table. In form 2 the sum is a logical channel, whose lane stands in the table from `map` on.

#include "live"
#include "element"

struct Params {
    record: u32,
    images: u32,
    pixels: u32,
    width: u32,
    groups: u32,
    in_pixels: u32,
    in_groups: u32,
    channels: u32,
    rows: u32,
    columns: u32,
    map: u32,
    fill: f32,
}

@group(0) @binding(1) var<uniform> p: Params;
#if form == 0
@group(0) @binding(2) var<storage, read> x: array<vec4f>;
#else
@group(0) @binding(2) var<storage, read> x: array<f32>;
#endif
@group(0) @binding(3) var<storage, read> table: array<vec4u>;
@group(0) @binding(4) var<storage, read_write> y: array<vec4f>;

#if form == 0
fn moved(source: vec4u) -> vec4f {
    if (source.w > 0u) {
        return vec4f(p.fill);
    }
    return x[(source.x * p.in_groups + source.y) * p.in_pixels + source.z];
}
#else
fn moved(source: vec4u) -> f32 {
    if (source.w > 0u) {
        return p.fill;
    }
#if form == 1
    let lane = source.y;
#else
    let lane = table[p.map + source.y].y;
#endif
    let plane = source.x * p.in_groups + lane / 4u;
    return x[4u * (plane * p.in_pixels + source.z) + lane % 4u];
}
#endif

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
    let source = table[e.image] + table[p.rows + row] + table[p.columns + e.pixel - row * p.width];
#if form == 0
    let v = mask_lanes(moved(source + table[p.channels + e.group]), e.lanes);
#else
    var v = vec4f(0.0);
#for lane in ["x", "y", "z", "w"]
    if (e.lanes > ${loop.index0}u) {
        v.${lane} = moved(source + table[p.channels + 4u * e.group + ${loop.index0}u]);
    }
#endfor
#endif
    y[(e.image * p.groups + e.group) * p.pixels + e.pixel] = v;
}
