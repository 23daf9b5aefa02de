// The channel in which a nearest or bilinear enlargement is largest, for every pixel of it, without storing it. A thread
// computes four adjacent columns of four rows (see "fours"), each one chain over live channels in stored order. Of equal ones
// the first counts, or with `last` the last. `y` has one channel, or with `by_rows` a channel for every row.

#include "live"
#include "element"

struct Params {
    record: u32,
    in_record: u32,
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
#if by_rows
    let e = element(p.record, index, p.images, p.columns);
    let row = e.group;
    let column = e.pixel;
#else
    let e = element(p.record, index, p.images, p.rows * p.columns);
    let row = quotient(e.pixel, p.columns);
    let column = e.pixel - row * p.columns;
#endif
    if (e.lanes == 0u) {
        return;
    }
#include "fours_axes"
    var channel = 0u;
#for j in range(4)
#for i in range(4)
    var largest${j}_${i} = 0.0;
    var best${j}_${i} = 0u;
#endfor
#endfor
    let groups = live_groups(p.in_record);
    for (var n = 0u; n < groups; n++) {
        let g = live_group(p.in_record, n);
        let base = (e.image * p.groups + g.group) * p.in_pixels;
#include "fours"
#for j in range(4)
#include "fours_row"
#for i in range(4)
        largest${j}_${i} = select(largest${j}_${i}, v${j}_${i}.x, n == 0u);
#for lane in range(4)
        let more${j}_${i}_${lane} = (${lane}u < g.lanes) & (v${j}_${i}[${lane}] ${">=" if last else ">"} largest${j}_${i});
        largest${j}_${i} = select(largest${j}_${i}, v${j}_${i}[${lane}], more${j}_${i}_${lane});
        best${j}_${i} = select(best${j}_${i}, channel + ${lane}u, more${j}_${i}_${lane});
#endfor
#endfor
#endfor
        channel += g.lanes;
    }
    let width = 4u * p.columns;
#if by_rows
    let at = (e.image * p.rows + row) * width + 4u * column;
#for i in range(4)
    y[at + ${i}u] = vec4f({% for j in range(4) %}f32(best${j}_${i}), {% endfor %});
#endfor
#else
    let at = 4u * ((e.image * p.rows + row) * width + column);
#for j in range(4)
#for i in range(4)
    y[at + ${j}u * width + ${i}u] = vec4f(f32(best${j}_${i}), 0.0, 0.0, 0.0);
#endfor
#endfor
#endif
}
