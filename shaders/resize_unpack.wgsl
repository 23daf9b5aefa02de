// Nearest or bilinear enlargement of stored channels to row-major `[images][live channels][pixels]`. A thread computes four
// adjacent columns of four rows, for one channel group. Which of the inputs that a four of outputs reads each of them
// begins with is the same for every four: ${row_steps} and ${column_steps} tell, see `Quads` in
// src/kernels/resize_unpack.rs.

#include "live"
#include "element"
#include "logical"
#set taps = 2 if linear else 1
#set row_at = [0, row_steps % 2, row_steps % 2 + row_steps // 2 % 2, row_steps % 2 + row_steps // 2 % 2 + row_steps // 4]
#set column_at = [0, column_steps % 2, column_steps % 2 + column_steps // 2 % 2, column_steps % 2 + column_steps // 2 % 2 + column_steps // 4]

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
    let row_entry = ${2 * taps - 1}u * row;
    let column_entry = ${2 * taps - 1}u * (p.rows + column);
    let rows = vec4u(axes[row_entry]) * p.in_width;
    let columns = vec4u(axes[column_entry]);
#if linear
    let row_first = axes[row_entry + 1u];
    let row_second = axes[row_entry + 2u];
    let column_first = axes[column_entry + 1u];
    let column_second = axes[column_entry + 2u];
#endif
    let base = (e.image * p.groups + e.group) * p.in_pixels;
#for r in range(row_at[3] + taps)
#for c in range(column_at[3] + taps)
    let x${r}_${c} = x[base + rows[${r}] + columns[${c}]];
#endfor
#for i in range(4)
#if linear
    let a${r}_${i} = column_first[${i}] * x${r}_${column_at[i]} + column_second[${i}] * x${r}_${column_at[i] + 1};
#else
    let a${r}_${i} = x${r}_${column_at[i]};
#endif
#endfor
#endfor
    let channel = channels_before(p.record, quotient(index, p.images * quads));
    let plane = (e.image * live_channels(p.record) + channel) * 4u * quads;
    let at = plane + 4u * row * p.columns + column;
#for j in range(4)
#for i in range(4)
#if linear
    let v${j}_${i} = row_first[${j}] * a${row_at[j]}_${i} + row_second[${j}] * a${row_at[j] + 1}_${i};
#else
    let v${j}_${i} = a${row_at[j]}_${i};
#endif
#endfor
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
