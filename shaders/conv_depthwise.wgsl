// Depthwise convolution, one output per channel: output groups are input groups. A thread computes ${np} adjacent
// pixels of ${nr} rows of one live channel group. Form 1 is any kernel, form 2 a kernel ${columns} wide whose columns share
// their texels; with several rows it is as high as it is wide, its rows are not dilated, and they share texels too.

#include "live"
#include "activation"
#include "element"
#include "conv"
#set window = form == 2
#set texels = (np - 1) * stride + columns if window else np

@group(0) @binding(2) var<storage, read> x: array<vec4f>;
@group(0) @binding(3) var<storage, read> weight: array<vec4f>;
@group(0) @binding(4) var<storage, read> bias: array<vec4f>;
@group(0) @binding(5) var<storage, read> residual: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> y: array<vec4f>;

@compute @workgroup_size(64)
fn main(
    @builtin(global_invocation_id) id: vec3u,
    @builtin(num_workgroups) grid: vec3u,
) {
    let e = element(p.out_record, id.x + id.z * grid.x * 64u, p.images, (p.out_height + ${nr - 1}u) / ${nr}u * p.row_tiles);
    if (e.lanes == 0u) {
        return;
    }
    let row_block = quotient(e.pixel, p.row_tiles);
    let row = row_block * ${nr}u;
    let ox = (e.pixel - row_block * p.row_tiles) * ${np}u;
    let top = row * p.stride_y - p.pad_top;
    let left = ox * p.stride_x - p.pad_left;
    let in_base = (e.image * p.in_groups + e.group) * p.in_height * p.in_width;
    let w_base = e.group * p.kernel_height * p.kernel_width;
#if window
#for t in range(texels)
    let ix${t} = left + ${t}u;
    let in${t} = ix${t} < p.in_width;
    let c${t} = in_base + select(0u, ix${t}, in${t});
#endfor
#endif
#for r in range(nr)
#for n in range(np)
    var a${r}_${n} = vec4f(0.0);
#endfor
#endfor
#if nr > 1
#for k in range(columns * columns)
    let w${k} = weight[w_base + ${k}u];
#endfor
#for i in range((nr - 1) * stride + columns)
    let in_row${i} = top + ${i}u < p.in_height;
    let row_base${i} = select(0u, top + ${i}u, in_row${i}) * p.in_width;
#for t in range(texels)
    let x${i}_${t} = select(vec4f(0.0), x[c${t} + row_base${i}], in${t} && in_row${i});
#endfor
#for r in range(nr) if r * stride <= i and i < r * stride + columns
#for n in range(np)
    a${r}_${n} = a${r}_${n}{% for k in range(columns) %} + x${i}_${n * stride + k} * w${(i - r * stride) * columns + k}{% endfor %};
#endfor
#endfor
#endfor
#else
    // Loops test at their end, see "conv_dense".
    var ky = 0u;
    loop {
        // Unsigned coordinates wrap below 0, so that one comparison tells inside from outside.
        let iy = top + ky * p.dilation_y;
        let in_row = iy < p.in_height;
        let iy_base = select(0u, iy, in_row) * p.in_width;
#if window
        let w = w_base + ky * ${columns}u;
#for t in range(texels)
        let x${t} = select(vec4f(0.0), x[c${t} + iy_base], in${t} && in_row);
#endfor
#for k in range(columns)
        let w${k} = weight[w + ${k}u];
#for n in range(np)
        a0_${n} += x${n * stride + k} * w${k};
#endfor
#endfor
#else
        var kx = 0u;
        loop {
            let w0 = weight[w_base + ky * p.kernel_width + kx];
#for n in range(np)
            let ix${n} = left + ${n}u * p.stride_x + kx * p.dilation_x;
            let ok${n} = in_row && ix${n} < p.in_width;
            a0_${n} += select(vec4f(0.0), x[in_base + iy_base + select(0u, ix${n}, ok${n})], ok${n}) * w0;
#endfor
            continuing { kx++; break if kx >= p.kernel_width; }
        }
#endif
        continuing { ky++; break if ky >= p.kernel_height; }
    }
#endif
    let out_base = ((e.image * p.out_groups + e.group) * p.out_height + row) * p.out_width + ox;
    let b = bias[e.group];
#for r in range(nr)
    if (row + ${r}u < p.out_height) {
        let at = out_base + ${r}u * p.out_width;
#for n in range(np)
        if (ox + ${n}u < p.out_width) {
            y[at + ${n}u] = finish(a${r}_${n} + b, at + ${n}u, e.lanes);
        }
#endfor
    }
#endfor
}
