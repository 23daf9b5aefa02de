// Dense convolution for GPUs on small maps: a thread computes ${np} pixels of ${kg} live output channel groups. All
// threads of a workgroup read one weight at a time, from an address that only the workgroup decides, so that GPUs with
// scalar registers load it once. A weight texel holds the weights of 4 outputs for one input channel. Every sum runs
// over kernel rows, then live input groups, then kernel columns, then lanes, as in all convolutions.
//
// Where `largest` is more than ${kg}, tiles of so many groups come first. Forms: 0 is a 1x1 kernel without padding, 2 one whose columns
// share their input texels. `depth` lanes of an input group are read; there is only one where it is not 4. With `scaled`,
// input channels of the one image that there is are multiplied by `scales` first.
#set point = form == 0
#set texels = np if point else (np - 1) * stride + columns
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

#include "walk"

@compute @workgroup_size(${workgroup})
fn main(
    @builtin(workgroup_id) id: vec3u,
    @builtin(num_workgroups) grid: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let in_pixels = p.in_height * p.in_width;
    let block = id.x + id.z * grid.x;
#if point
    let pixels = p.images * p.out_height * p.out_width;
#for n in range(np)
    let i${n} = min((block * ${np}u + ${n}u) * ${workgroup}u + lane, pixels - 1u);
    let row${n} = quotient(i${n}, p.out_width);
    let image${n} = quotient(row${n}, p.out_height);
    let in_row${n} = image${n} * p.in_groups * p.in_height + (row${n} - image${n} * p.out_height) * p.stride_y;
    let c${n} = in_row${n} * p.in_width + (i${n} - row${n} * p.out_width) * p.stride_x;
#endfor
#else
    // Pixels are adjacent columns of one row: the texels of all their windows overlap. Input coordinates are unsigned
    // and wrap below 0, so that one comparison tells inside from outside.
    let tile = min(block * ${workgroup}u + lane, p.tiles - 1u);
    let row = quotient(tile, p.row_tiles);
    let image = quotient(row, p.out_height);
    let ox = (tile - row * p.row_tiles) * ${np}u;
    let left = ox * ${stride}u - p.pad_left;
    let top = (row - image * p.out_height) * p.stride_y - p.pad_top;
    let in_base = image * p.in_groups * in_pixels;
#endif

#if largest > kg
    let first_group = live_groups(p.out_record) / ${largest}u * ${largest}u + id.y * ${kg}u;
#else
    let first_group = id.y * ${kg}u;
#endif
    let stride = p.in_groups * p.kernel_height * p.kernel_width * 4u;
#for q in range(kg)
    let w_base${q} = live_group(p.out_record, first_group + ${q}u).group * stride;
#endfor

#for n in range(np)
#for q in range(kg)
    var a${n}_${q} = vec4f(0.0);
#endfor
#endfor
    let segments = live[p.in_record];
#if not point
    var ky = 0u;
    loop {
        let iy = top + ky * p.dilation_y;
        let in_row = iy < p.in_height;
        let line = in_base + select(0u, iy, in_row) * p.in_width;
#for t in range(texels)
        let ok${t} = in_row && left + ${t}u < p.in_width;
        let c${t} = line + select(0u, left + ${t}u, ok${t});
#endfor
#endif
        for (var s = 0u; s < segments; s++) {
            let range = segment(p.in_record, s);
            for (var g = range.x; g < range.y; g++) {
                let plane = g * in_pixels;
#if scaled
                let scale = scales[g];
#endif
                let w = (g * p.kernel_height${" + ky" if not point}) * ${4 * columns}u;
#for t in range(texels)
#if point
                let x${t} = x[c${t} + plane]${" * scale" if scaled};
#else
                let x${t} = select(vec4f(0.0), x[c${t} + plane], ok${t});
#endif
#endfor
#for q in range(kg)
                let w${q} = near(w_base${q} + w);
#endfor
#for k in range(columns)
#for q in range(kg)
#for i in range(depth)
                let w${k}_${4 * q + i} = weight[w${q} + ${4 * k + i}u];
#endfor
#for n in range(np)
#set t = n if point else n * stride + k
                a${n}_${q} = a${n}_${q}{% for i in range(depth) %} + x${t}.${lane_names[i]} * w${k}_${4 * q + i}{% endfor %};
#endfor
#endfor
#endfor
            }
        }
#if not point
        ky++;
        if (ky >= p.kernel_height) { break; }
    }
#endif

    let out_pixels = p.out_height * p.out_width;
    let live_out = live_groups(p.out_record);
#for q in range(kg)
    if (first_group + ${q}u < live_out) {
        let mine = live_group(p.out_record, first_group + ${q}u);
        let b = bias[mine.group];
#for n in range(np)
#if point
        if ((block * ${np}u + ${n}u) * ${workgroup}u + lane < pixels) {
            let image = quotient(i${n}, out_pixels);
            let at = (image * (p.out_groups - 1u) + mine.group) * out_pixels + i${n};
#else
        if (block * ${workgroup}u + lane < p.tiles && ox + ${n}u < p.out_width) {
            let at = (image * (p.out_groups - 1u) * p.out_height + row) * p.out_width + ox + mine.group * out_pixels + ${n}u;
#endif
            y[at] = finish(a${n}_${q} + b, at, mine.lanes);
        }
#endfor
    }
#endfor
}
