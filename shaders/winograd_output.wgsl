// The output of Winograd's convolution F(${m}, 3): a thread makes ${m} by ${m} pixels of one live channel group of what the
// products gave for the ${(m + 2) * (m + 2)} points.

#include "live"
#include "activation"
#include "element"
#include "winograd"
#include "finish"
#set n = m + 2

@group(0) @binding(2) var<storage, read> x: array<vec4f>;
@group(0) @binding(3) var<storage, read> bias: array<vec4f>;
@group(0) @binding(4) var<storage, read> residual: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> y: array<vec4f>;

fn transformed(d: array<vec4f, ${n}>) -> array<vec4f, ${m}> {
#if m == 4
    let a = d[1] + d[2];
    let b = d[1] - d[2];
    let e = d[3] + d[4];
    let f = d[3] - d[4];
    return array<vec4f, 4>(d[0] + a + e, b + 2.0 * f, a + 4.0 * e, b + 8.0 * f + d[5]);
#else
    return array<vec4f, 2>(d[0] + d[1] + d[2], d[1] - d[2] - d[3]);
#endif
}

@compute @workgroup_size(${workgroup})
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) grid: vec3u) {
    let windows = p.rows * p.tiles_x;
    let e = element(p.out_record, id.x + id.z * grid.x * ${workgroup}u, 1u, windows);
    if (e.lanes == 0u) {
        return;
    }
    let plane = p.out_groups * windows;
    let source = e.group * windows + e.pixel;
#for j in range(n)
    let t${j} = transformed(array<vec4f, ${n}>(
#for i in range(n)
        x[source + ${n * i + j}u * plane],
#endfor
    ));
#endfor
    let place = window(e.pixel);
    let oy = place.y * ${m}u;
    let ox = place.x * ${m}u;
    let first = ((place.image * p.out_groups + e.group) * p.out_height + oy) * p.out_width + ox;
    let b = bias[e.group];
#for i in range(m)
    let v${i} = transformed(array<vec4f, ${n}>({% for j in range(n) %}t${j}[${i}], {% endfor %}));
    if (oy + ${i}u < p.out_height) {
        let at = first + ${i}u * p.out_width;
#for j in range(m)
        if (ox + ${j}u < p.out_width) {
            y[at + ${j}u] = finish(v${i}[${j}] + b, at + ${j}u, e.lanes);
        }
#endfor
    }
#endfor
}
