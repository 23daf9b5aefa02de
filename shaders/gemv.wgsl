// A 1x1 convolution of maps of one pixel, for GPUs: a workgroup computes one live output channel group of one image, and its
// threads share the input channels, so that loads are many at once and next to each other. A weight texel holds the weights
// of 4 outputs for one input channel. Which channels a thread sums depends on their order among those that live alone.

#include "live"
#include "activation"
#include "element"
#include "conv"
#include "walk"

@group(0) @binding(2) var<storage, read> x: array<vec4f>;
@group(0) @binding(3) var<storage, read> weight: array<vec4f>;
@group(0) @binding(4) var<storage, read> bias: array<vec4f>;
@group(0) @binding(5) var<storage, read> residual: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> y: array<vec4f>;

var<workgroup> parts: array<vec4f, ${workgroup}>;

@compute @workgroup_size(${workgroup})
fn main(
    @builtin(workgroup_id) workgroup: vec3u,
    @builtin(num_workgroups) grid: vec3u,
    @builtin(local_invocation_index) thread: u32,
) {
    // A workgroup past the end computes group 0 once more and stores nothing.
    let e = element(p.out_record, workgroup.x + workgroup.z * grid.x, p.images, 1u);
    // Windows may lie apart on a larger map, of which there is one then.
    let in_pixels = p.in_height * p.in_width;
    let first = e.image * p.in_groups;
    let w_first = e.group * p.in_groups * 4u;
    var sum = vec4f(0.0);
    // The number of a lane among those that live, and of the first one of a segment.
    var lane = thread;
    var before = 0u;
    let segments = live[p.in_record];
    for (var s = 0u; s < segments; s++) {
        let range = segment(p.in_record, s);
        let after = before + (range.y - range.x) * 4u;
        while (lane < after) {
            let channel = range.x * 4u + lane - before;
            let v = x[(first + channel / 4u) * in_pixels];
            sum += v[thread % 4u] * weight[w_first + channel];
            lane += ${workgroup}u;
        }
        before = after;
    }
    parts[thread] = sum;
#for half in [32, 16, 8, 4, 2, 1]
    workgroupBarrier();
    if (thread < ${half}u) {
        parts[thread] += parts[thread + ${half}u];
    }
#endfor
    if (thread == 0u && e.lanes > 0u) {
        let at = e.image * p.out_groups + e.group;
        y[at] = finish(parts[0] + bias[e.group], at, e.lanes);
    }
}
