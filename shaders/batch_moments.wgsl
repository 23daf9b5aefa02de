// Moments of runs of pixels: a thread has one channel group of one image and adds differences to the run's first pixel, so
// that nothing cancels where the mean is large. Every run leaves its mean and the sum of squares around it.

#include "live"
#include "element"

struct Params {
    images: u32,
    pixels: u32,
    groups: u32,
    // Pixels of a run, and runs of an image.
    span: u32,
    runs: u32,
}

@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> x: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> partials: array<vec4f>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) grid: vec3u) {
    let thread = id.x + id.z * grid.x * 64u;
    let plane = quotient(thread, p.runs);
    if (plane >= p.images * p.groups) {
        return;
    }
    let start = (thread - plane * p.runs) * p.span;
    let end = plane * p.pixels + min(start + p.span, p.pixels);
    let first = plane * p.pixels + start;
    let origin = x[first];
    var sum = vec4f(0.0);
    var squares = vec4f(0.0);
    for (var at = first + 1u; at < end; at++) {
        let d = x[at] - origin;
        sum += d;
        squares += d * d;
    }
    let mean = sum / f32(end - first);
    partials[2u * thread] = origin + mean;
    partials[2u * thread + 1u] = max(squares - sum * mean, vec4f(0.0));
}
