// Resize by a filter. `axes` holds, for every output row and then every output column, the input coordinates that it
// reads, each with its weight; negative ones where it comes from outside of the input. A thread computes one pixel of
// one live channel group.

#include "live"
#include "element"

struct Params {
    record: u32,
    images: u32,
    width: u32,
    height: u32,
    groups: u32,
    in_pixels: u32,
    in_width: u32,
    // How many input coordinates every row and every column has.
    taps_y: u32,
    taps_x: u32,
    // What an output is that comes from outside of the input.
    outside: f32,
}

@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> x: array<vec4f>;
@group(0) @binding(3) var<storage, read> axes: array<vec2f>;
@group(0) @binding(4) var<storage, read_write> y: array<vec4f>;

@compute @workgroup_size(64)
fn main(
    @builtin(global_invocation_id) id: vec3u,
    @builtin(num_workgroups) grid: vec3u,
) {
    let e = element(p.record, id.x + id.z * grid.x * 64u, p.images, p.height * p.width);
    if (e.lanes == 0u) {
        return;
    }
    let row = quotient(e.pixel, p.width);
    let rows = row * p.taps_y;
    let columns = p.height * p.taps_y + (e.pixel - row * p.width) * p.taps_x;
    let plane = e.image * p.groups + e.group;
    var sum = vec4f(p.outside);
    if (axes[rows].x >= 0.0 && axes[columns].x >= 0.0) {
        sum = vec4f(0.0);
        for (var i = 0u; i < p.taps_y; i++) {
            let above = axes[rows + i];
            let base = plane * p.in_pixels + u32(above.x) * p.in_width;
            var line = vec4f(0.0);
            for (var j = 0u; j < p.taps_x; j++) {
                let across = axes[columns + j];
                line += across.y * x[base + u32(across.x)];
            }
            sum += above.y * line;
        }
    }
    y[plane * p.height * p.width + e.pixel] = mask_lanes(sum, e.lanes);
}
