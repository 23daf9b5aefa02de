// The input of Winograd's convolution F(${m}, 3): a thread transforms one window of ${m + 2} by ${m + 2} pixels, which it
// shares in part with its neighbours, of one live channel group. Point (i, j) of all windows is plane ${m + 2} i + j of `y`.

#include "live"
#include "element"
#include "winograd"
#set n = m + 2

@group(0) @binding(2) var<storage, read> x: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4f>;

fn transformed(d: array<vec4f, ${n}>) -> array<vec4f, ${n}> {
#if m == 4
    let a = d[4] - 4.0 * d[2];
    let b = d[3] - 4.0 * d[1];
    let e = d[4] - d[2];
    let f = 2.0 * (d[3] - d[1]);
    return array<vec4f, 6>(4.0 * d[0] - 5.0 * d[2] + d[4], a + b, a - b, e + f, e - f, 4.0 * d[1] - 5.0 * d[3] + d[5]);
#else
    return array<vec4f, 4>(d[0] - d[2], d[1] + d[2], d[2] - d[1], d[1] - d[3]);
#endif
}

@compute @workgroup_size(${workgroup})
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) grid: vec3u) {
    let windows = p.rows * p.tiles_x;
    let e = element(p.in_record, id.x + id.z * grid.x * ${workgroup}u, 1u, windows);
    if (e.lanes == 0u) {
        return;
    }
    let at = window(e.pixel);
    // Unsigned coordinates wrap below 0, so that one comparison tells inside from outside.
    let top = at.y * ${m}u - p.pad_top;
    let left = at.x * ${m}u - p.pad_left;
    let base = (at.image * p.in_groups + e.group) * p.in_height * p.in_width;
#for i in range(n)
    let ok${i} = top + ${i}u < p.in_height;
    let row${i} = base + select(0u, top + ${i}u, ok${i}) * p.in_width;
#endfor
#for j in range(n)
    let in${j} = left + ${j}u < p.in_width;
    let c${j} = select(0u, left + ${j}u, in${j});
    let t${j} = transformed(array<vec4f, ${n}>(
#for i in range(n)
        select(vec4f(0.0), x[row${i} + c${j}], ok${i} && in${j}),
#endfor
    ));
#endfor
    let plane = p.in_groups * windows;
    let to = e.group * windows + e.pixel;
#for i in range(n)
    let v${i} = transformed(array<vec4f, ${n}>({% for j in range(n) %}t${j}[${i}], {% endfor %}));
#for j in range(n)
    y[to + ${n * i + j}u * plane] = v${i}[${j}];
#endfor
#endfor
}
