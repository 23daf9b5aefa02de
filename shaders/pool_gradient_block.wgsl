// "pool_gradient" for undilated square windows, ${kernel} wide, that lie 2 apart: a thread computes 2 by 2 pixels of one
// channel group, which the same windows cover. Sums run from the last window that covers a pixel to the first.
#set reach = (kernel + 1) // 2

#include "live"
#include "element"

struct Params {
    record: u32,
    images: u32,
    width: u32,
    height: u32,
    groups: u32,
    windows_y: u32,
    windows_x: u32,
    // Blocks of pixels along both axes, of which the first begin in the padding.
    blocks_y: u32,
    blocks_x: u32,
    pad_top: u32,
    pad_left: u32,
}

@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> winners: array<vec2u>;
@group(0) @binding(3) var<storage, read> dy: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> dx: array<vec4f>;

@compute @workgroup_size(64)
fn main(
    @builtin(global_invocation_id) id: vec3u,
    @builtin(num_workgroups) grid: vec3u,
) {
    let e = element(p.record, id.x + id.z * grid.x * 64u, p.images, p.blocks_y * p.blocks_x);
    if (e.lanes == 0u) {
        return;
    }
    let row = quotient(e.pixel, p.blocks_x);
    let column = e.pixel - row * p.blocks_x;
    let plane = e.image * p.groups + e.group;
#for corner in range(4)
    var sum${corner} = vec4f(0.0);
#endfor
    // Unsigned coordinates wrap below 0, so that one comparison tells inside from outside.
#for j in range(reach)
#for i in range(reach)
    {
        let inside = row - ${j}u < p.windows_y && column - ${i}u < p.windows_x;
        let window = (plane * p.windows_y + row - ${j}u) * p.windows_x + column - ${i}u;
        let at = select(0u, window, inside);
        let won = winners[at];
        let winner = vec4u(won.x & 0xffffu, won.x >> 16u, won.y & 0xffffu, won.y >> 16u);
        let gained = select(vec4f(0.0), dy[at], inside);
#for corner in range(4)
#set ky = corner // 2 + 2 * j
#set kx = corner % 2 + 2 * i
#if ky < kernel and kx < kernel
        sum${corner} += select(vec4f(0.0), gained, winner == vec4u(${ky * kernel + kx}u));
#endif
#endfor
    }
#endfor
#endfor
    let top = 2u * row - p.pad_top;
    let left = 2u * column - p.pad_left;
    let base = plane * p.height * p.width;
#for corner in range(4)
    if (top + ${corner // 2}u < p.height && left + ${corner % 2}u < p.width) {
        dx[base + (top + ${corner // 2}u) * p.width + left + ${corner % 2}u] = mask_lanes(sum${corner}, e.lanes);
    }
#endfor
}
