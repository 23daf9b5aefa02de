// Mean over all pixels: one workgroup for each live channel group of an image. The order of the additions depends on
// the number of pixels alone.

#include "live"
#include "element"

struct Params {
    record: u32,
    images: u32,
    pixels: u32,
    groups: u32,
}

@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> x: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4f>;

var<workgroup> sums: array<vec4f, 64>;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) workgroup: vec3u,
    @builtin(num_workgroups) grid: vec3u,
    @builtin(local_invocation_index) thread: u32,
) {
    // A workgroup past the end sums group 0 once more and stores nothing.
    let e = element(p.record, workgroup.x + workgroup.z * grid.x, p.images, 1u);
    let plane = e.image * p.groups + e.group;
    var sum = vec4f(0.0);
    for (var pixel = thread; pixel < p.pixels; pixel += 64u) {
        sum += x[plane * p.pixels + pixel];
    }
    sums[thread] = sum;
#for half in [32, 16, 8, 4, 2, 1]
    workgroupBarrier();
    if (thread < ${half}u) {
        sums[thread] += sums[thread + ${half}u];
    }
#endfor
    if (thread == 0u && e.lanes > 0u) {
        y[plane] = mask_lanes(sums[0] / f32(p.pixels), e.lanes);
    }
}
