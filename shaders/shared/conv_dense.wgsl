// Dense convolution: everything but where weights are read from, which `fn weight_at(i: u32) -> vec4f` tells. A thread
// computes ${np} pixels of ${kg} live output channel groups. A weight texel holds the weights of 4 outputs for one input
// channel. Every sum runs over kernel rows, then live input groups, then kernel columns, then lanes, in every form:
// grouped convolutions keep the same order. What becomes of the sums, the part named `store` tells. Needs "live", "activation",
// "element" and "conv".
//
// Forms: 0 is a 1x1 kernel without padding, 1 any kernel, 2 a kernel ${columns} wide whose columns share their input texels.
// With `planes`, every image has weights of its own, and its number is that of the workgroup along z. `depth` lanes of an
// input group are read; there is only one where it is not 4. With `lanewise`, sums run over lanes before kernel columns: all
// lanes of a window at once are more code, with which threads cannot have as many outputs. With `scaled`, input channels
// of the one image that there is are multiplied by `scales` first. Blocks of ${kg} output groups: those of the largest size,
// ${largest}, come first; of each other size there is at most one, behind a multiple of ${rest} groups. With `alike`, blocks are
// as few as there must be, of up to two sizes that differ by one group, the larger ones first.
// With a subgroup size, lanes read different weight texels and broadcast them: CPU devices pay per lane for a load,
// even where all lanes read one address. All lanes then stay active to the end.
#set point = form == 0
#set window = form == 2
#set texels = (np - 1) * stride + columns if window else np
#set lane_names = "xyzw"

#include "walk"

@compute @workgroup_size(${workgroup})
fn main(
    @builtin(workgroup_id) id: vec3u,
    @builtin(num_workgroups) grid: vec3u,
#if subgroup
    @builtin(subgroup_invocation_id) lane: u32,
#else
    @builtin(local_invocation_index) lane: u32,
#endif
) {
    let in_pixels = p.in_height * p.in_width;
    let out_pixels = p.out_height * p.out_width;
#if planes
    let block = id.x;
#else
    let block = id.x + id.z * grid.x;
#endif
#if window
    // Pixels are adjacent columns of one row: the texels of all their windows overlap.
    let tile = min(block * ${workgroup}u + lane, p.tiles - 1u);
    let row = quotient(tile, p.row_tiles);
    let image = quotient(row, p.out_height);
    let ox = (tile - row * p.row_tiles) * ${np}u;
    let top = (row - image * p.out_height) * p.stride_y - p.pad_top;
    let in_base = image * p.in_groups * in_pixels;
#for t in range(texels)
    let ix${t} = ox * ${stride}u + ${t}u - p.pad_left;
    let in${t} = ix${t} < p.in_width;
    let c${t} = in_base + select(0u, ix${t}, in${t});
#endfor
#else
#if planes
    let pixels = out_pixels;
#else
    let pixels = p.images * out_pixels;
#endif
#for n in range(np)
    // Input coordinates are unsigned and wrap below 0, so that one comparison tells inside from outside.
    let i${n} = min((block * ${np}u + ${n}u) * ${workgroup}u + lane, pixels - 1u);
#if planes
    let image${n} = id.z;
    let pixel${n} = i${n};
#else
    let image${n} = quotient(i${n}, out_pixels);
    let pixel${n} = i${n} - image${n} * out_pixels;
#endif
    let row${n} = quotient(pixel${n}, p.out_width);
    let top${n} = row${n} * p.stride_y - p.pad_top;
    let left${n} = (pixel${n} - row${n} * p.out_width) * p.stride_x - p.pad_left;
#if point
    let c${n} = image${n} * p.in_groups * in_pixels + top${n} * p.in_width + left${n};
#else
    let c${n} = image${n} * p.in_groups * in_pixels;
#endif
#endfor
#endif

#if alike
    let all_groups = live_groups(p.out_record);
    let is_larger = (all_groups + ${largest - 1}u) / ${largest}u * ${kg}u >= all_groups;
    let first_group = select(all_groups - (grid.y - id.y) * ${kg}u, id.y * ${kg}u, is_larger);
#elif kg == largest
    let first_group = id.y * ${kg}u;
#else
    let first_group = (live_groups(p.out_record) + ${least - 1}u) / ${rest}u * ${rest}u${" - " ~ largest ~ "u" if kg > largest};
#endif
    let stride = p.in_groups * p.kernel_height * p.kernel_width * 4u;
#if planes
    let plane_weights = id.z * p.out_groups * stride;
#else
    let plane_weights = 0u;
#endif
#include "conv_outputs"

#for n in range(np)
#for q in range(kg)
    var a${n}_${q} = vec4f(0.0);
#endfor
#endfor
    // Loops test at their end: where lanes leave a loop by a mask, as on CPU devices, a test at the beginning costs one
    // more pass through the body.
    let segments = live[p.in_record];
    let first_segment = segment(p.in_record, 0u);
#if not point
    var ky = 0u;
    loop {
#if window
        let iy = top + ky * p.dilation_y;
        let in_row = iy < p.in_height;
        let row_base = select(0u, iy, in_row) * p.in_width;
#for t in range(texels)
        let ok${t} = in${t} && in_row;
#endfor
#endif
#endif
        var s = 0u;
        var range = first_segment;
        loop {
            if (range.x < range.y) {
                var g = range.x;
                loop {
                    let plane = g * in_pixels;
#if lanewise
#include "conv_lanewise"
#else
#if scaled
                    let scale = scales[g];
#endif
#if point
                    let w = g * 4u;
#elif window
                    let w = (g * p.kernel_height + ky) * ${4 * columns}u;
#else
                    var kx = 0u;
                    loop {
                        let w = ((g * p.kernel_height + ky) * p.kernel_width + kx) * 4u;
#endif
#for t in range(texels)
#if point
                        let x${t} = x[c${t} + plane]${" * scale" if scaled};
#elif window
                        let x${t} = select(vec4f(0.0), x[c${t} + row_base + plane], ok${t});
#else
                        let iy${t} = top${t} + ky * p.dilation_y;
                        let ix${t} = left${t} + kx * p.dilation_x;
                        let ok${t} = iy${t} < p.in_height && ix${t} < p.in_width;
                        let at${t} = plane + select(0u, iy${t} * p.in_width + ix${t}, ok${t});
                        let x${t} = select(vec4f(0.0), x[c${t} + at${t}], ok${t});
#endif
#endfor
#for k in range(columns)
#if subgroup
#for l in range((4 * kg + subgroup - 1) // subgroup)
                        let v${k}_${l} = weight_at(w_base${l} + w + ${4 * k}u);
#endfor
#for t in range(4 * kg) if t % 4 < depth
                        let w${k}_${t} = subgroupBroadcast(v${k}_${t // subgroup}, ${t % subgroup}u);
#endfor
#else
#for t in range(4 * kg) if t % 4 < depth
                        let w${k}_${t} = weight_at(w_base${t // 4} + w + ${4 * k + t % 4}u);
#endfor
#endif
#endfor
#for q in range(kg)
#for n in range(np)
                        a${n}_${q} = a${n}_${q}{% for k in range(columns) %}{% for i in range(depth) %} + x${n * stride + k if window else n}.${lane_names[i]} * w${k}_${4 * q + i}{% endfor %}{% endfor %};
#endfor
#endfor
#if form == 1
                        continuing { kx++; break if kx >= p.kernel_width; }
                    }
#endif
#endif
                    continuing { g++; break if g >= range.y; }
                }
            }
            continuing { s++; range = segment(p.in_record, min(s, segments - 1u)); break if s >= segments; }
        }
#if not point
        continuing { ky++; break if ky >= p.kernel_height; }
    }
#endif

#include store
}
