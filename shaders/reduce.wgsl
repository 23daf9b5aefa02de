// Reduces images or pixels, every channel by itself: one thread for each output element of four channels, one chain
// in row-major order. `map` holds where each image of the output begins in the input, then each pixel, then the
// distances of the `count` elements that are reduced.

#include "live"
#include "element"
#include "extreme"

struct Params {
    record: u32,
    images: u32,
    pixels: u32,
    groups: u32,
    in_pixels: u32,
    count: u32,
}

@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> x: array<vec4f>;
@group(0) @binding(3) var<storage, read> map: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<vec4f>;

@compute @workgroup_size(64)
fn main(
    @builtin(global_invocation_id) id: vec3u,
    @builtin(num_workgroups) grid: vec3u,
) {
    let e = element(p.record, id.x + id.z * grid.x * 64u, p.images, p.pixels);
    if (e.lanes == 0u) {
        return;
    }
    let first = u32(map[e.image]) + u32(map[p.images + e.pixel]) + e.group * p.in_pixels;
    let deltas = p.images + p.pixels;
#if reduction == 2 or reduction >= 4
    var total = x[first];
#else
    var total = vec4f(0.0);
#endif
#if reduction >= 4
    var best = vec4f(0.0);
#endif
    for (var k = 0u; k < p.count; k++) {
        let v = x[first + u32(map[deltas + k])];
#if reduction <= 1
        total += v;
#elif reduction == 2
        total = larger(total, v);
#elif reduction == 3
        total += v * v;
#else
        let better = v ${">" if reduction == 4 else ">="} total;
        best = select(best, vec4f(f32(k)), better);
        total = select(total, v, better);
#endif
    }
#if reduction == 0
    let result = total / f32(p.count);
#elif reduction == 3
    let result = sqrt(total);
#elif reduction >= 4
    let result = best;
#else
    let result = total;
#endif
    y[(e.image * p.groups + e.group) * p.pixels + e.pixel] = mask_lanes(result, e.lanes);
}
