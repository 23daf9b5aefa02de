// Maximum or mean over a window, which may be known to be a square of ${side} by ${side} adjacent pixels. Input coordinates are unsigned and wrap below 0, so that one comparison per axis
// tells inside from outside.

#include "live"
#include "element"

struct Params {
    record: u32,
    images: u32,
    pixels: u32,
    width: u32,
    groups: u32,
    in_height: u32,
    in_width: u32,
    kernel_height: u32,
    kernel_width: u32,
    stride_y: u32,
    stride_x: u32,
    dilation_y: u32,
    dilation_x: u32,
    pad_top: u32,
    pad_left: u32,
    // The part of the padded input that counts in a mean: its margins before the input, and its size.
    counted_top: u32,
    counted_left: u32,
    counted_height: u32,
    counted_width: u32,
    // What a maximum starts from: minus infinity, which WGSL cannot write.
    lowest: f32,
}

@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> x: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4f>;

@compute @workgroup_size(64)
fn main(
    @builtin(global_invocation_id) id: vec3u,
    @builtin(num_workgroups) grid: vec3u,
) {
    let e = element(p.record, id.x + id.z * grid.x * 64u, p.images, p.pixels);
    if (e.lanes == 0u) {
        return;
    }
    let row = quotient(e.pixel, p.width);
    let top = row * p.stride_y - p.pad_top;
    let left = (e.pixel - row * p.width) * p.stride_x - p.pad_left;
    let plane = e.image * p.groups + e.group;
    let base = plane * p.in_height * p.in_width;
#if average
    var sum = vec4f(0.0);
    var counted = 0u;
#else
    var best = vec4f(p.lowest);
    // The largest number without its sign, as bits: those of what is not a number are above infinity's. A comparison
    // may take such a value for any, or be left out for it.
    var widest = vec4u(0u);
#endif
#if side
#for ky in range(side)
    let iy${ky} = top + ${ky}u;
    let in${ky} = iy${ky} < p.in_height;
    let row${ky} = base + select(0u, iy${ky}, in${ky}) * p.in_width;
#for kx in range(side)
    let ok${ky}_${kx} = in${ky} && left + ${kx}u < p.in_width;
    let v${ky}_${kx} = x[row${ky} + select(0u, left + ${kx}u, ok${ky}_${kx})];
    let here${ky}_${kx} = select(vec4f(p.lowest), v${ky}_${kx}, ok${ky}_${kx});
    best = max(best, here${ky}_${kx});
    widest = max(widest, bitcast<vec4u>(here${ky}_${kx}) & vec4u(0x7fffffffu));
#endfor
#endfor
#else
    for (var ky = 0u; ky < p.kernel_height; ky++) {
        let iy = top + ky * p.dilation_y;
        for (var kx = 0u; kx < p.kernel_width; kx++) {
            let ix = left + kx * p.dilation_x;
#if average
            if (iy + p.counted_top < p.counted_height && ix + p.counted_left < p.counted_width) {
                counted++;
            }
#endif
            if (iy < p.in_height && ix < p.in_width) {
#if average
                sum += x[base + iy * p.in_width + ix];
#else
                let here = x[base + iy * p.in_width + ix];
                best = max(best, here);
                widest = max(widest, bitcast<vec4u>(here) & vec4u(0x7fffffffu));
#endif
            }
        }
    }
#endif
#if average
    let pooled = sum / f32(max(counted, 1u));
#else
    let pooled = select(best, bitcast<vec4f>(widest), widest > vec4u(0x7f800000u));
#endif
    y[plane * p.pixels + e.pixel] = mask_lanes(pooled, e.lanes);
}
