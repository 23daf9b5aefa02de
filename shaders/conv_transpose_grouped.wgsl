// Transposed convolution of several groups. A thread computes one pixel of one live output channel group, whose lanes
// may belong to different convolution groups. `channels` holds, for every stored output lane, the first input of its
// convolution group, then for every logical input channel the lane (4 group + lane) where it is stored.
// Inputs are summed in blocks of 4 within a kernel row, as the kernel of one group does, so that a convolution cut to
// one group gives the same bits there.

#include "live"
#include "activation"
#include "element"
#include "transposed"
#set lane_names = "xyzw"

@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read> weight: array<vec4f>;
@group(0) @binding(4) var<storage, read> bias: array<vec4f>;
@group(0) @binding(5) var<storage, read> residual: array<vec4f>;
@group(0) @binding(6) var<storage, read> channels: array<vec4u>;
@group(0) @binding(7) var<storage, read_write> y: array<vec4f>;

// Logical input channel `c` of the pixel at `pixel` in an image that starts at group `base`.
fn load(c: u32, base: u32, pixel: u32) -> f32 {
    let stored = channels[p.out_groups + c / 4u][c % 4u];
    return x[((base + stored / 4u) * p.in_height * p.in_width + pixel) * 4u + stored % 4u];
}

@compute @workgroup_size(64)
fn main(
    @builtin(global_invocation_id) id: vec3u,
    @builtin(num_workgroups) grid: vec3u,
) {
    let e = element(p.out_record, id.x + id.z * grid.x * 64u, p.images, p.out_height * p.out_width);
    if (e.lanes == 0u) {
        return;
    }
    let oy = quotient(e.pixel, p.out_width);
    let ox = e.pixel - oy * p.out_width;
    let above = first_tap(oy + p.pad_top, p.kernel_height, p.stride_y, p.dilation_y, p.step_y);
    let left = first_tap(ox + p.pad_left, p.kernel_width, p.stride_x, p.dilation_x, p.step_x);
    let base = e.image * p.in_groups;
    let firsts = channels[e.group];
    let w_base = e.group * p.kernel_height * p.kernel_width * p.group_inputs;
    var sum = vec4f(0.0);
    var iy = above.source;
    for (var ky = above.tap; ky < p.kernel_height; ky += p.step_y) {
        if (iy < p.in_height) {
            for (var start = 0u; start < p.group_inputs; start += 4u) {
                let end = min(start + 4u, p.group_inputs);
                var ix = left.source;
                for (var kx = left.tap; kx < p.kernel_width; kx += p.step_x) {
                    if (ix < p.in_width) {
                        let pixel = iy * p.in_width + ix;
                        let w = w_base + (ky * p.kernel_width + kx) * p.group_inputs;
                        for (var c = start; c < end; c++) {
                            let inputs = vec4f(
#for i in range(4)
                                load(firsts.${lane_names[i]} + c, base, pixel),
#endfor
                            );
                            sum += inputs * weight[w + c];
                        }
                    }
                    ix -= p.shift_x;
                }
            }
        }
        iy -= p.shift_y;
    }
    let at = (e.image * p.out_groups + e.group) * p.out_height * p.out_width + e.pixel;
    y[at] = finish(sum + bias[e.group], at, e.lanes);
}
