// Softmax along an axis of pixels or along the images, or its logarithm: one thread for each line of `length` elements
// that lie `step` apart. Lines begin at `inner` adjacent pixels, and again every `outer`.

#include "live"
#include "element"

struct Params {
    record: u32,
    images: u32,
    pixels: u32,
    groups: u32,
    lines: u32,
    length: u32,
    step: u32,
    inner: u32,
    outer: u32,
}

@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> x: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4f>;

@compute @workgroup_size(64)
fn main(
    @builtin(global_invocation_id) id: vec3u,
    @builtin(num_workgroups) grid: vec3u,
) {
    let e = element(p.record, id.x + id.z * grid.x * 64u, p.images, p.lines);
    if (e.lanes == 0u) {
        return;
    }
    let run = quotient(e.pixel, p.inner);
    let plane = e.image * p.groups + e.group;
    let first = plane * p.pixels + run * p.outer + e.pixel - run * p.inner;
    var top = vec4f(-3.4028234e38);
    for (var i = 0u; i < p.length; i++) {
        top = max(top, x[first + i * p.step]);
    }
    var sum = vec4f(0.0);
    for (var i = 0u; i < p.length; i++) {
        sum += exp(x[first + i * p.step] - top);
    }
    for (var i = 0u; i < p.length; i++) {
        let at = first + i * p.step;
#if logarithm == 1
        y[at] = mask_lanes(x[at] - top - log(sum), e.lanes);
#else
        y[at] = mask_lanes(exp(x[at] - top) / sum, e.lanes);
#endif
    }
}
