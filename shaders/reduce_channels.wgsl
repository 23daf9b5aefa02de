// Reduces the live channels, and images or pixels with them: one thread for each four output elements, each one chain
// over live channels in stored order within row-major order of the rest. `map` holds where each image of the output
// begins in the input, then each stored channel, then each pixel, then the distances of the `count` elements that are
// reduced beside the channels.

#include "live"
#include "element"
#include "extreme"
#include "logical"

struct Params {
    record: u32,
    images: u32,
    pixels: u32,
    groups: u32,
    in_record: u32,
    in_pixels: u32,
    count: u32,
}

@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> x: array<vec4f>;
@group(0) @binding(3) var<storage, read> map: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<vec4f>;

fn reduced(first: u32) -> f32 {
    let deltas = p.images + 4u * p.groups + p.pixels;
    let groups = live_groups(p.in_record);
#if reduction == 2 or reduction >= 4
    let start = live_group(p.in_record, 0u);
    var total = x[first + u32(map[deltas]) + start.group * p.in_pixels].x;
#else
    var total = 0.0;
#endif
#if reduction >= 4
    var best = 0u;
    var channel = 0u;
#endif
    for (var k = 0u; k < p.count; k++) {
        let at = first + u32(map[deltas + k]);
        for (var i = 0u; i < groups; i++) {
            let g = live_group(p.in_record, i);
#if reduction == 2
            let stored = x[at + g.group * p.in_pixels];
            let v = select(vec4f(total), stored, vec4u(0u, 1u, 2u, 3u) < vec4u(g.lanes));
            let pairs = larger(v, v.zwxy);
            total = larger(larger(pairs, pairs.yxwz), vec4f(total)).x;
#elif reduction >= 4
            let v = x[at + g.group * p.in_pixels];
#for lane in ["x", "y", "z", "w"]
            if (${loop.index0}u < g.lanes && v.${lane} ${">" if reduction == 4 else ">="} total) {
                total = v.${lane};
                best = channel + ${loop.index0}u;
            }
#endfor
            channel += g.lanes;
#else
            let v = mask_lanes(x[at + g.group * p.in_pixels], g.lanes);
#if reduction == 3
            total = total + v.x * v.x + v.y * v.y + v.z * v.z + v.w * v.w;
#else
            total = total + v.x + v.y + v.z + v.w;
#endif
#endif
        }
    }
#if reduction == 0
    return total / f32(p.count * live_channels(p.in_record));
#elif reduction == 3
    return sqrt(total);
#elif reduction >= 4
    return f32(best);
#else
    return total;
#endif
}

@compute @workgroup_size(64)
fn main(
    @builtin(global_invocation_id) id: vec3u,
    @builtin(num_workgroups) grid: vec3u,
) {
    let e = element(p.record, id.x + id.z * grid.x * 64u, p.images, p.pixels);
    if (e.lanes == 0u) {
        return;
    }
    let first = u32(map[e.image]) + u32(map[p.images + 4u * p.groups + e.pixel]);
    var v = vec4f(0.0);
#for lane in ["x", "y", "z", "w"]
    if (e.lanes > ${loop.index0}u) {
        v.${lane} = reduced(first + u32(map[p.images + 4u * e.group + ${loop.index0}u]));
    }
#endfor
    y[(e.image * p.groups + e.group) * p.pixels + e.pixel] = v;
}
