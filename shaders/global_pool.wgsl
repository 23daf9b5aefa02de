// A mean, sum, maximum or norm over all pixels: one workgroup for each live channel group of an image. The order of
// the additions depends on the number of pixels alone.

#include "live"
#include "element"
#include "extreme"

struct Params {
    record: u32,
    images: u32,
    pixels: u32,
    groups: u32,
}

@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> x: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4f>;

var<workgroup> parts: array<vec4f, 64>;

fn join(a: vec4f, b: vec4f) -> vec4f {
#if reduction == 2
    return larger(a, b);
#else
    return a + b;
#endif
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) workgroup: vec3u,
    @builtin(num_workgroups) grid: vec3u,
    @builtin(local_invocation_index) thread: u32,
) {
    // A workgroup past the end reduces group 0 once more and stores nothing.
    let e = element(p.record, workgroup.x + workgroup.z * grid.x, p.images, 1u);
    let plane = e.image * p.groups + e.group;
#if reduction == 2
    var part = x[plane * p.pixels + min(thread, p.pixels - 1u)];
#else
    var part = vec4f(0.0);
#endif
    for (var pixel = thread; pixel < p.pixels; pixel += 64u) {
        let v = x[plane * p.pixels + pixel];
#if reduction == 3
        part = join(part, v * v);
#else
        part = join(part, v);
#endif
    }
    parts[thread] = part;
#for half in [32, 16, 8, 4, 2, 1]
    workgroupBarrier();
    if (thread < ${half}u) {
        parts[thread] = join(parts[thread], parts[thread + ${half}u]);
    }
#endfor
    if (thread == 0u && e.lanes > 0u) {
#if reduction == 0
        let result = parts[0] / f32(p.pixels);
#elif reduction == 3
        let result = sqrt(parts[0]);
#else
        let result = parts[0];
#endif
        y[plane] = mask_lanes(result, e.lanes);
    }
}
