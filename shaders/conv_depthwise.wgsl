// Depthwise convolution, one output per channel: output groups are input groups. A thread computes ${np} adjacent
// pixels of one live channel group. Form 1 is any kernel, form 2 a kernel ${columns} wide whose columns share their texels.

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
    let e = element(p.out_record, id.x + id.z * grid.x * 64u, p.images, p.out_height * p.row_tiles);
    if (e.lanes == 0u) {
        return;
    }
    let row = quotient(e.pixel, p.row_tiles);
    let ox = (e.pixel - row * p.row_tiles) * ${np}u;
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
#for n in range(np)
    var a${n} = vec4f(0.0);
#endfor
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
        a${n} += x${n * stride + k} * w${k};
#endfor
#endfor
#else
        var kx = 0u;
        loop {
            let w0 = weight[w_base + ky * p.kernel_width + kx];
#for n in range(np)
            let ix${n} = left + ${n}u * p.stride_x + kx * p.dilation_x;
            let ok${n} = in_row && ix${n} < p.in_width;
            a${n} += select(vec4f(0.0), x[in_base + iy_base + select(0u, ix${n}, ok${n})], ok${n}) * w0;
#endfor
            continuing { kx++; break if kx >= p.kernel_width; }
        }
#endif
        continuing { ky++; break if ky >= p.kernel_height; }
    }
    let out_base = ((e.image * p.out_groups + e.group) * p.out_height + row) * p.out_width + ox;
    let b = bias[e.group];
#for n in range(np)
    if (ox + ${n}u < p.out_width) {
        y[out_base + ${n}u] = finish(a${n} + b, out_base + ${n}u, e.lanes);
    }
#endfor
}
