// Maximum or mean over a window. Where windows are known to be squares of ${side} by ${side} adjacent pixels, ${stride} apart, a thread
// computes two columns of two rows, whose windows overlap. Input coordinates are unsigned and wrap below 0, so that one
// comparison per axis tells inside from outside.

#include "live"
#include "element"

struct Params {
    record: u32,
    images: u32,
    height: u32,
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

// The largest of what was seen, and the largest number without its sign, as bits: those of what is not a number are above
// infinity's. A comparison may take such a value for any, or be left out for it.
struct Largest {
    value: vec4f,
    bits: vec4u,
}

fn seen(value: vec4f) -> Largest {
    return Largest(value, bitcast<vec4u>(value) & vec4u(0x7fffffffu));
}

fn larger(a: Largest, b: Largest) -> Largest {
    return Largest(max(a.value, b.value), max(a.bits, b.bits));
}

fn result(found: Largest) -> vec4f {
    return select(found.value, bitcast<vec4f>(found.bits), found.bits > vec4u(0x7f800000u));
}

@compute @workgroup_size(64)
fn main(
    @builtin(global_invocation_id) id: vec3u,
    @builtin(num_workgroups) grid: vec3u,
) {
#if side
    let columns = (p.width + 1u) / 2u;
    let e = element(p.record, id.x + id.z * grid.x * 64u, p.images, (p.height + 1u) / 2u * columns);
#else
    let e = element(p.record, id.x + id.z * grid.x * 64u, p.images, p.height * p.width);
#endif
    if (e.lanes == 0u) {
        return;
    }
    let plane = e.image * p.groups + e.group;
    let base = plane * p.in_height * p.in_width;
#if side
    let block = quotient(e.pixel, columns);
    let row = block * 2u;
    let column = (e.pixel - block * columns) * 2u;
    let top = row * ${stride}u - p.pad_top;
    let left = column * ${stride}u - p.pad_left;
#for i in range(stride + side)
    let in_column${i} = left + ${i}u < p.in_width;
    let c${i} = base + select(0u, left + ${i}u, in_column${i});
#endfor
#for j in range(stride + side)
    let in_row${j} = top + ${j}u < p.in_height;
    let r${j} = select(0u, top + ${j}u, in_row${j}) * p.in_width;
#for i in range(stride + side)
    let x${j}_${i} = seen(select(vec4f(p.lowest), x[r${j} + c${i}], in_row${j} && in_column${i}));
#endfor
#for n in range(2)
    var m${j}_${n} = x${j}_${n * stride};
#for i in range(1, side)
    m${j}_${n} = larger(m${j}_${n}, x${j}_${n * stride + i});
#endfor
#endfor
#endfor
    let at = plane * p.height * p.width + row * p.width + column;
#for m in range(2)
#for n in range(2)
    var largest${m}_${n} = m${m * stride}_${n};
#for j in range(1, side)
    largest${m}_${n} = larger(largest${m}_${n}, m${m * stride + j}_${n});
#endfor
    if (row + ${m}u < p.height && column + ${n}u < p.width) {
        y[at + ${m}u * p.width + ${n}u] = mask_lanes(result(largest${m}_${n}), e.lanes);
    }
#endfor
#endfor
#else
    let row = quotient(e.pixel, p.width);
    let top = row * p.stride_y - p.pad_top;
    let left = (e.pixel - row * p.width) * p.stride_x - p.pad_left;
#if average
    var sum = vec4f(0.0);
    var counted = 0u;
#else
    var largest = Largest(vec4f(p.lowest), vec4u(0u));
#endif
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
                largest = larger(largest, seen(x[base + iy * p.in_width + ix]));
#endif
            }
        }
    }
#if average
    let pooled = sum / f32(max(counted, 1u));
#else
    let pooled = result(largest);
#endif
    y[plane * p.height * p.width + e.pixel] = mask_lanes(pooled, e.lanes);
#endif
}
