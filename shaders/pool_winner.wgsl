// Which tap of every window holds its maximum, the first of several: tap 0 is the upper left one, rows come first.
// Every output has four numbers of 16 bits, one for each lane. Input coordinates are unsigned and wrap below 0.

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
    kernel_height: u32,
    kernel_width: u32,
    stride_y: u32,
    stride_x: u32,
    dilation_y: u32,
    dilation_x: u32,
    pad_top: u32,
    pad_left: u32,
}

@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> x: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> winners: array<vec2u>;

// No tap: a window over padding alone.
const NONE = 0xffffu;

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
    let top = row * p.stride_y - p.pad_top;
    let left = (e.pixel - row * p.width) * p.stride_x - p.pad_left;
    let plane = e.image * p.groups + e.group;
    let base = plane * p.in_height * p.in_width;
    var best = vec4f(0.0);
    var winner = vec4u(NONE);
    for (var ky = 0u; ky < p.kernel_height; ky++) {
        let iy = top + ky * p.dilation_y;
        for (var kx = 0u; kx < p.kernel_width; kx++) {
            let ix = left + kx * p.dilation_x;
            if (iy < p.in_height && ix < p.in_width) {
                let here = x[base + iy * p.in_width + ix];
                let wins = (here > best) | (winner == vec4u(NONE));
                best = select(best, here, wins);
                winner = select(winner, vec4u(ky * p.kernel_width + kx), wins);
            }
        }
    }
    winners[plane * p.pixels + e.pixel] = winner.xz | (winner.yw << vec2u(16u));
}
