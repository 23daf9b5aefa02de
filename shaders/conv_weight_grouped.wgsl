// The gradient of a grouped convolution's weight, of any groups: products of `dy` and `x`, summed over `span` lines of output
// pixels. A thread has one output, up to 4 of the inputs of its convolution group, and one tap.

#include "live"
#include "element"
#include "weight"

@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read> dy: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<vec4f>;

@compute @workgroup_size(64)
fn main(
    @builtin(global_invocation_id) id: vec3u,
    @builtin(num_workgroups) grid: vec3u,
) {
    let taps = p.kernel_height * p.kernel_width;
    let in_groups = (p.channels + 3u) / 4u;
    let mine = share(id.x + id.z * grid.x * 64u, in_groups * taps);
    if (mine.part >= p.spans) {
        return;
    }
    let group = quotient(mine.task, taps);
    let tap = mine.task - group * taps;
    let ky = quotient(tap, p.kernel_width);
    let left = (tap - ky * p.kernel_width) * p.dilation_x - p.pad_left;
    let first = quotient(mine.block, p.group_blocks) * p.channels;
    let lanes = min(p.channels - 4u * group, 4u);
    // Where the inputs are at pixel 0 of image 0; the first again where there are less than 4.
#for l in range(4)
    let c${l} = first + 4u * group + select(0u, ${l}u, ${l}u < lanes);
    let base${l} = 4u * (c${l} / 4u) * p.x_group + c${l} % 4u;
#endfor
    let dy_base = 4u * (mine.block / 4u) * p.dy_group + mine.block % 4u;
    var sum = vec4f(0.0);
    let start = mine.part * p.span;
    var step = 0u;
    loop {
        // The last run may be shorter: what would be behind it counts as outside of the input.
        let line = min(start + step, p.lines - 1u);
        let image = quotient(line, p.out_height);
        let oy = line - image * p.out_height;
        let iy = oy * p.stride_y + ky * p.dilation_y - p.pad_top;
        let row = 4u * (image * p.x_image + select(0u, iy, iy < p.in_height) * p.in_width);
        let dy_row = dy_base + 4u * (image * p.dy_image + oy * p.out_width);
        var ox = 0u;
        loop {
            let ix = ox * p.stride_x + left;
            let ok = iy < p.in_height && ix < p.in_width && start + step < p.lines;
            let at = row + 4u * select(0u, ix, ok);
            let v = vec4f(x[base0 + at], x[base1 + at], x[base2 + at], x[base3 + at]);
            sum += dy[dy_row + 4u * ox] * select(vec4f(0.0), v, ok);
            continuing { ox++; break if ox >= p.out_width; }
        }
        continuing { step++; break if step >= p.span; }
    }
    y[((mine.part * p.outputs + mine.block) * in_groups + group) * taps + tap] = mask_lanes(sum, lanes);
}
