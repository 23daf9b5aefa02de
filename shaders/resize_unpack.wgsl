// Nearest or bilinear enlargement of stored channels to row-major `[images][live channels][pixels]`. A thread computes four
// adjacent columns of four rows, for one channel group: see "fours".

#include "live"
#include "element"
#include "logical"

struct Params {
    record: u32,
    images: u32,
    groups: u32,
    rows: u32,
    columns: u32,
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
    let index = id.x + id.z * grid.x * 64u;
    let quads = p.rows * p.columns;
    let e = element(p.record, index, p.images, quads);
    if (e.lanes == 0u) {
        return;
    }
    let row = quotient(e.pixel, p.columns);
    let column = e.pixel - row * p.columns;
#include "fours_axes"
    let base = (e.image * p.groups + e.group) * p.in_pixels;
#include "fours"
    let channel = channels_before(p.record, quotient(index, p.images * quads));
    let plane = (e.image * live_channels(p.record) + channel) * 4u * quads;
    let at = plane + 4u * row * p.columns + column;
#for j in range(4)
#include "fours_row"
    y[at + ${j}u * p.columns] = vec4f({% for i in range(4) %}v${j}_${i}.x, {% endfor %});
#endfor
#for lane in [1, 2, 3]
    if (e.lanes > ${lane}u) {
#for j in range(4)
        y[at + ${lane}u * 4u * quads + ${j}u * p.columns] = vec4f({% for i in range(4) %}v${j}_${i}[${lane}], {% endfor %});
#endfor
    }
#endfor
}
