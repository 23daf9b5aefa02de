// Normalisation of every channel by itself: one workgroup for each line of each live channel group of an image, a line
// being adjacent pixels. The order of the additions depends on the number of pixels alone.

#include "live"
#include "element"
#include "moments"

struct Params {
    record: u32,
    images: u32,
    pixels: u32,
    groups: u32,
    // Pixels of a line, and lines of one channel.
    run: u32,
    lines: u32,
    // Distances between neighbours in `coefficients`, in pairs of scale and shift.
    step_group: u32,
    step_pixel: u32,
    epsilon: f32,
}

@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> x: array<vec4f>;
@group(0) @binding(3) var<storage, read> coefficients: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> y: array<vec4f>;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) workgroup: vec3u,
    @builtin(num_workgroups) grid: vec3u,
    @builtin(local_invocation_index) thread: u32,
) {
    // A workgroup past the end reads group 0 once more and stores nothing.
    let e = element(p.record, workgroup.x + workgroup.z * grid.x, p.images, p.lines);
    let first = (e.image * p.groups + e.group) * p.pixels + e.pixel * p.run;
    var sum = vec4f(0.0);
    for (var i = thread; i < p.run; i += 64u) {
        sum += x[first + i];
    }
    let mean = total(thread, sum) / f32(p.run);
    var squares = vec4f(0.0);
    for (var i = thread; i < p.run; i += 64u) {
        let d = x[first + i] - mean;
        squares += d * d;
    }
    let inverse = inverseSqrt(total(thread, squares) / f32(p.run) + p.epsilon);
    if (e.lanes == 0u) {
        return;
    }
    for (var i = thread; i < p.run; i += 64u) {
        let c = 2u * (e.group * p.step_group + i * p.step_pixel);
        y[first + i] = mask_lanes((x[first + i] - mean) * inverse * coefficients[c] + coefficients[c + 1u], e.lanes);
    }
}
