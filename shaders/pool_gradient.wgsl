// The gradient of a maximum over windows, from the tap that won in each (see "pool_winner"). A thread computes one
// pixel of one channel group of the input: the sum of what the windows got in which it won. `axes` holds, for every
// row and then every column, the last window along its axis that covers it, the tap by which it does, and how many
// windows do; the next one is `shift` windows before it, and its tap `step` further.

#include "live"
#include "element"

struct Params {
    record: u32,
    images: u32,
    width: u32,
    height: u32,
    groups: u32,
    // Windows of one channel, and of one row.
    windows: u32,
    windows_x: u32,
    kernel_width: u32,
    shift_y: u32,
    shift_x: u32,
    step_y: u32,
    step_x: u32,
}

@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> winners: array<vec2u>;
@group(0) @binding(3) var<storage, read> dy: array<vec4f>;
@group(0) @binding(4) var<storage, read> axes: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> dx: array<vec4f>;

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
    let above = vec4u(axes[row]);
    let across = vec4u(axes[p.height + e.pixel - row * p.width]);
    let plane = e.image * p.groups + e.group;
    var sum = vec4f(0.0);
    for (var i = 0u; i < above.z; i++) {
        let line = plane * p.windows + (above.x - i * p.shift_y) * p.windows_x;
        let taps = (above.y + i * p.step_y) * p.kernel_width;
        for (var j = 0u; j < across.z; j++) {
            let at = line + across.x - j * p.shift_x;
            let won = winners[at];
            let winner = vec4u(won.x & 0xffffu, won.x >> 16u, won.y & 0xffffu, won.y >> 16u);
            sum += select(vec4f(0.0), dy[at], winner == vec4u(taps + across.y + j * p.step_x));
        }
    }
    dx[plane * p.height * p.width + e.pixel] = mask_lanes(sum, e.lanes);
}
