// Dense convolution for GPUs on large maps: a workgroup computes 64 pixels of 16 live output channel groups, a thread 8
// pixels of 2 of them. Workgroup memory holds up to ${slices} slices of what they share, a slice being one input channel
// group at one kernel column: 64 input texels, found as the slice is read, and the weights of 64 outputs. A weight texel
// holds the weights of 4 outputs for one input channel. Every sum runs over kernel rows, then live input groups, then
// kernel columns, then lanes, as in all convolutions.
//
// Forms: 0 is a kernel one column wide, whose slices are input groups; 1 a kernel of any width, 2 one of ${slices}
// columns: their slices are columns of one input group. With `scaled`, input channels of the one image that there is are multiplied by
// `scales` first, by kernels of 1x1 alone.
#set columns = slices if form == 2 else 1
#set lane_names = "xyzw"

#include "live"
#include "activation"
#include "element"
#include "conv"

@group(0) @binding(2) var<storage, read> x: array<vec4f>;
@group(0) @binding(3) var<storage, read> weight: array<vec4f>;
@group(0) @binding(4) var<storage, read> bias: array<vec4f>;
@group(0) @binding(5) var<storage, read> residual: array<vec4f>;
@group(0) @binding(6) var<storage, read> scales: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> y: array<vec4f>;

// [slice][pixel] and [slice][output group][input lane].
var<workgroup> inputs: array<vec4f, ${slices * 64}>;
var<workgroup> weights: array<vec4f, ${slices * 64}>;

#include "walk"

#macro stage(count)
                {
#if form == 0
#for j in range(count)
                    let x${j} = select(vec4f(0.0), x[c0 + (g + ${j}u) * in_pixels]${" * scales[g + " ~ j ~ "u]" if scaled}, ok0);
                    let w${j} = weight[w_base + ((g + ${j}u) * p.kernel_height + ky) * 4u];
#endfor
#elif form == 1
                    let w = near(w_line + kx * 4u);
                    let ix0 = left + kx * p.dilation_x;
#for j in range(count)
#if j > 0
                    let ix${j} = ix${j - 1} + p.dilation_x;
#endif
                    let ok${j} = in_row && ix${j} < p.in_width;
                    let x${j} = select(vec4f(0.0), x[plane + select(0u, ix${j}, ok${j})], ok${j});
                    let w${j} = weight[w + ${4 * j}u];
#endfor
#else
                    let w = near(w_base + (g * p.kernel_height + ky) * ${4 * slices}u);
#for j in range(count)
                    let x${j} = select(vec4f(0.0), x[c${j} + g * in_pixels], ok${j});
                    let w${j} = weight[w + ${4 * j}u];
#endfor
#endif
                    workgroupBarrier();
#for j in range(count)
                    inputs[lane + ${64 * j}u] = x${j};
                    weights[lane + ${64 * j}u] = w${j};
#endfor
                    workgroupBarrier();
#for j in range(count)
#for n in range(8)
                    let x${j}_${n} = inputs[tx + ${64 * j + 8 * n}u];
#endfor
#for i in range(4)
#for q in range(2)
                    let w${j}_${4 * q + i} = weights[ty * 4u + ${64 * j + 32 * q + i}u];
#for n in range(8)
                    a${n}_${q} += x${j}_${n}.${lane_names[i]} * w${j}_${4 * q + i};
#endfor
#endfor
#endfor
#endfor
                }
#endmacro

@compute @workgroup_size(${workgroup})
fn main(
    @builtin(workgroup_id) id: vec3u,
    @builtin(num_workgroups) grid: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let in_pixels = p.in_height * p.in_width;
    let out_pixels = p.out_height * p.out_width;
    let pixels = p.images * out_pixels;
    let first_pixel = (id.x + id.z * grid.x) * 64u;
    let first_group = id.y * 16u;

    // What this thread loads: one pixel's input texels, and the weights of one output group for one input lane. Input
    // coordinates are unsigned and wrap below 0, so that one comparison tells inside from outside.
    let loaded = min(first_pixel + lane, pixels - 1u);
    let row = quotient(loaded, p.out_width);
    let image = quotient(row, p.out_height);
    let top = (row - image * p.out_height) * p.stride_y - p.pad_top;
    let left = (loaded - row * p.out_width) * p.stride_x - p.pad_left;
    let in_base = image * p.in_groups * in_pixels;
    let taps = p.kernel_height * p.kernel_width;
    let w_group = live_group(p.out_record, first_group + lane / 4u).group;
    let w_base = w_group * p.in_groups * taps * 4u + lane % 4u;
    // What it computes: pixels `tx`, `tx + 8`, … of groups `ty` and `ty + 8`
    let tx = lane % 8u;
    let ty = lane / 8u;

#for n in range(8)
#for q in range(2)
    var a${n}_${q} = vec4f(0.0);
#endfor
#endfor
    let segments = live[p.in_record];
    for (var ky = 0u; ky < p.kernel_height; ky++) {
        let iy = top + ky * p.dilation_y;
        let in_row = iy < p.in_height;
        let line = in_base + select(0u, iy * p.in_width, in_row);
#if form != 1
        // Where the columns of the kernel are.
#for j in range(columns)
        let ok${j} = in_row && left + ${j}u * p.dilation_x < p.in_width;
        let c${j} = line + select(0u, left + ${j}u * p.dilation_x, ok${j});
#endfor
#endif
        for (var s = 0u; s < segments; s++) {
            let range = segment(p.in_record, s);
#if form == 0
            var g = range.x;
            while (g + ${slices - 1}u < range.y) {
${stage(slices)}
                g += ${slices}u;
            }
            while (g < range.y) {
${stage(1)}
                g++;
            }
#elif form == 1
            for (var g = range.x; g < range.y; g++) {
                let plane = line + g * in_pixels;
                let w_line = w_base + (g * p.kernel_height + ky) * p.kernel_width * 4u;
                var kx = 0u;
                while (kx + ${slices - 1}u < p.kernel_width) {
${stage(slices)}
                    kx += ${slices}u;
                }
                while (kx < p.kernel_width) {
${stage(1)}
                    kx++;
                }
            }
#else
            for (var g = range.x; g < range.y; g++) {
${stage(slices)}
            }
#endif
        }
    }

    let live_out = live_groups(p.out_record);
#for q in range(2)
    if (first_group + ty + ${8 * q}u < live_out) {
        let mine = live_group(p.out_record, first_group + ty + ${8 * q}u);
        let b = bias[mine.group];
#for n in range(8)
        let i${n}_${q} = first_pixel + tx + ${8 * n}u;
        if (i${n}_${q} < pixels) {
            let at = (quotient(i${n}_${q}, out_pixels) * (p.out_groups - 1u) + mine.group) * out_pixels + i${n}_${q};
            y[at] = finish(a${n}_${q} + b, at, mine.lanes);
        }
#endfor
    }
#endfor
}
