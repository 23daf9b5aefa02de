// Transposed convolution of one group, undilated and with stride 2, for CPU devices: lanes read different weight texels and
// broadcast them, see "conv_dense". A thread computes ${np} adjacent blocks of 2 by 2 pixels, which read the same input
// pixels, of ${kg} live output channel groups. Kernels are square, ${kernel} wide, and lose ${pad} rows and columns at the
// start. Every sum runs over kernel rows, then live input groups, then kernel columns, then lanes.
#set lane_names = "xyzw"
// Of the input pixels of a block, so many come before that of its number, and so many after it.
#set before = (kernel - pad - 1) // 2
#set after = (1 + pad) // 2
#set texels = np + before + after

#include "live"
#include "activation"
#include "element"
#include "transposed"
#include "walk"

@group(0) @binding(2) var<storage, read> x: array<vec4f>;
@group(0) @binding(3) var weight: texture_storage_2d<rgba32float, read>;
@group(0) @binding(4) var<storage, read> bias: array<vec4f>;
@group(0) @binding(5) var<storage, read> residual: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> y: array<vec4f>;

fn weight_at(i: u32) -> vec4f {
    return textureLoad(weight, vec2u(i % ${texel_row}u, i / ${texel_row}u));
}

@compute @workgroup_size(${workgroup})
fn main(
    @builtin(workgroup_id) id: vec3u,
    @builtin(num_workgroups) grid: vec3u,
    @builtin(subgroup_invocation_id) lane: u32,
) {
    let in_pixels = p.in_height * p.in_width;
    let out_pixels = p.out_height * p.out_width;
    let index = (id.x + id.z * grid.x) * ${workgroup}u + lane;
    let tile = min(index, p.tiles - 1u);
    let line = quotient(tile, p.row_tiles);
    let lines = (p.out_height + 1u) / 2u;
    let image = quotient(line, lines);
    let block_y = line - image * lines;
    let block_x = (tile - line * p.row_tiles) * ${np}u;
    let in_base = image * p.in_groups * in_pixels;
    // Input coordinates are unsigned and wrap below 0, so that one comparison tells inside from outside.
#for t in range(texels)
    let ix${t} = block_x + ${t}u - ${before}u;
    let in${t} = ix${t} < p.in_width;
    let c${t} = in_base + select(0u, ix${t}, in${t});
#endfor

    let first_group = id.y * ${kg}u;
    let stride = p.in_groups * ${4 * kernel * kernel}u;
    let plane_weights = 0u;
#include "conv_outputs"

#for n in range(np)
#for corner in range(4)
#for q in range(kg)
    var a${n}_${corner}_${q} = vec4f(0.0);
#endfor
#endfor
#endfor
    let segments = live[p.in_record];
    let first_segment = segment(p.in_record, 0u);
    // Later input rows meet earlier kernel rows.
#for i in range(before + after + 1)
#set row = after - i
    {
        let iy = block_y + ${after}u - ${i}u;
        let in_row = iy < p.in_height;
        let row_base = select(0u, iy, in_row) * p.in_width;
#for t in range(texels)
        let ok${t} = in${t} && in_row;
#endfor
        var s = 0u;
        var range = first_segment;
        loop {
            if (range.x < range.y) {
                var g = range.x;
                loop {
                    let plane = g * in_pixels;
                    let w = g * ${4 * kernel * kernel}u;
#for t in range(texels)
                    let x${t} = select(vec4f(0.0), x[c${t} + row_base + plane], ok${t});
#endfor
#for ry in range(2)
#set ky = ry + pad - 2 * row
#if ky >= 0 and ky < kernel
#for kx in range(kernel)
#for l in range(4 * kg // subgroup)
                    let v${ky}_${kx}_${l} = weight_at(w_base${l} + w + ${4 * (ky * kernel + kx)}u);
#endfor
#for t in range(4 * kg)
                    let w${ky}_${kx}_${t} = subgroupBroadcast(v${ky}_${kx}_${t // subgroup}, ${t % subgroup}u);
#endfor
#endfor
#for q in range(kg)
#for n in range(np)
#for rx in range(2)
#set sum = "a" ~ n ~ "_" ~ (2 * ry + rx) ~ "_" ~ q
                    ${sum} = ${sum}{% for kx in range(kernel) if (rx + pad - kx) % 2 == 0 %}{% for i in range(4) %} + x${n + before + (rx + pad - kx) // 2}.${lane_names[i]} * w${ky}_${kx}_${4 * q + i}{% endfor %}{% endfor %};
#endfor
#endfor
#endfor
#endif
#endfor
                    continuing { g++; break if g >= range.y; }
                }
            }
            continuing { s++; range = segment(p.in_record, min(s, segments - 1u)); break if s >= segments; }
        }
    }
#endfor

    let oy = 2u * block_y;
    let ox = 2u * block_x;
    let live_out = live_groups(p.out_record);
#for q in range(kg)
    if (index < p.tiles && first_group + ${q}u < live_out) {
        let base = (image * p.out_groups + group${q}) * out_pixels + oy * p.out_width + ox;
#for n in range(np)
#for corner in range(4)
        if (oy + ${corner // 2}u < p.out_height && ox + ${2 * n + corner % 2}u < p.out_width) {
            let at = base + ${corner // 2}u * p.out_width + ${2 * n + corner % 2}u;
            y[at] = finish(a${n}_${corner}_${q} + bias${q}, at, lanes${q});
        }
#endfor
#endfor
    }
#endfor
}
