// Transposed convolution of one group. A thread computes ${np} pixels of ${kg} live output channel groups. Its pixels lie
// `stride_x` columns apart, so that the same taps reach them, from adjacent input pixels. A weight texel holds the
// weights of 4 outputs for one input channel. Every sum runs over kernel rows, then live input groups, then kernel
// columns, then lanes.

#include "live"
#include "activation"
#include "element"
#include "transposed"
#set lane_names = "xyzw"

@group(0) @binding(2) var<storage, read> x: array<vec4f>;
@group(0) @binding(3) var<storage, read> weight: array<vec4f>;
@group(0) @binding(4) var<storage, read> bias: array<vec4f>;
@group(0) @binding(5) var<storage, read> residual: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> y: array<vec4f>;

@compute @workgroup_size(${workgroup})
fn main(
    @builtin(workgroup_id) id: vec3u,
    @builtin(num_workgroups) grid: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let in_pixels = p.in_height * p.in_width;
    let out_pixels = p.out_height * p.out_width;
    let index = (id.x + id.z * grid.x) * ${workgroup}u + lane;
    let tile = min(index, p.tiles - 1u);
    let row = quotient(tile, p.row_tiles);
    let image = quotient(row, p.out_height);
    let oy = row - image * p.out_height;
    let row_tile = tile - row * p.row_tiles;
    let phase = row_tile / p.phase_tiles;
    let ox = phase + (row_tile - phase * p.phase_tiles) * ${np}u * p.stride_x;
    let above = first_tap(oy + p.pad_top, p.kernel_height, p.stride_y, p.dilation_y, p.step_y);
    let left = first_tap(ox + p.pad_left, p.kernel_width, p.stride_x, p.dilation_x, p.step_x);
    let in_base = image * p.in_groups * in_pixels;

    let first_group = id.y * ${kg}u;
    let stride = p.in_groups * p.kernel_height * p.kernel_width * 4u;
#for q in range(kg)
    let mine${q} = live_group(p.out_record, first_group + ${q}u);
    let w_base${q} = mine${q}.group * stride;
#endfor
#for n in range(np)
#for q in range(kg)
    var a${n}_${q} = vec4f(0.0);
#endfor
#endfor
    var iy = above.source;
    for (var ky = above.tap; ky < p.kernel_height; ky += p.step_y) {
        if (iy < p.in_height) {
            for (var s = 0u; s < live[p.in_record]; s++) {
                let first = live[p.in_record + 2u + 2u * s];
                let end = first + (live[p.in_record + 3u + 2u * s] + 3u) / 4u;
                for (var g = first; g < end; g++) {
                    let x_base = in_base + g * in_pixels + iy * p.in_width;
                    let w_row = (g * p.kernel_height + ky) * p.kernel_width;
                    var ix = left.source;
                    for (var kx = left.tap; kx < p.kernel_width; kx += p.step_x) {
                        let w = (w_row + kx) * 4u;
#for n in range(np)
                        let in${n} = ix + ${n}u < p.in_width;
                        let x${n} = select(vec4f(0.0), x[x_base + select(0u, ix + ${n}u, in${n})], in${n});
#endfor
#for t in range(4 * kg)
                        let w${t} = weight[w_base${t // 4} + w + ${t % 4}u];
#endfor
#for n in range(np)
#for q in range(kg)
                        a${n}_${q} = a${n}_${q}{% for i in range(4) %} + x${n}.${lane_names[i]} * w${4 * q + i}{% endfor %};
#endfor
#endfor
                        ix -= p.shift_x;
                    }
                }
            }
        }
        iy -= p.shift_y;
    }

    let out_base = (image * p.out_groups * p.out_height + oy) * p.out_width + ox;
    let live_out = live_groups(p.out_record);
#for q in range(kg)
    if (index < p.tiles && first_group + ${q}u < live_out) {
        let b = bias[mine${q}.group];
#for n in range(np)
        if (ox + ${n}u * p.stride_x < p.out_width) {
            let at = out_base + mine${q}.group * out_pixels + ${n}u * p.stride_x;
            y[at] = finish(a${n}_${q} + b, at, mine${q}.lanes);
        }
#endfor
    }
#endfor
}
