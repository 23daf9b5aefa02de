// A 1x1 convolution of maps of one pixel, for CPU devices: a thread computes one live output channel group of one image,
// so that threads have weights of their own where there are too few pixels to share them. Sums run over live input groups,
// then lanes, as in all convolutions.

#include "live"
#include "activation"
#include "element"
#include "conv"
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
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) grid: vec3u) {
    let e = element(p.out_record, id.x + id.z * grid.x * ${workgroup}u, p.images, 1u);
    if (e.lanes == 0u) {
        return;
    }
    // Windows may lie apart on a larger map, of which there is one then.
    let in_pixels = p.in_height * p.in_width;
    let first = e.image * p.in_groups;
    let w_first = e.group * p.in_groups * 4u;
    var sum = vec4f(0.0);
    let segments = live[p.in_record];
    for (var s = 0u; s < segments; s++) {
        let range = segment(p.in_record, s);
        if (range.x < range.y) {
            var g = range.x;
            // Tests at its end, see "conv_dense".
            loop {
                let v = x[(first + g) * in_pixels];
                let w = w_first + g * 4u;
                sum = sum + v.x * weight_at(w) + v.y * weight_at(w + 1u) + v.z * weight_at(w + 2u) + v.w * weight_at(w + 3u);
                continuing { g++; break if g >= range.y; }
            }
        }
    }
    let at = e.image * p.out_groups + e.group;
    y[at] = finish(sum + bias[e.group], at, e.lanes);
}
