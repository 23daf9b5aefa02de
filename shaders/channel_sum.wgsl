// Sums of every channel over runs of `span` pixels, those of all images in one sequence: a thread has one run of one
// channel group.

#include "live"
#include "element"

struct Params {
    channels: u32,
    // Pixels of one channel of an image, and of all images.
    pixels: u32,
    all_pixels: u32,
    // Pixels of a run, and runs.
    span: u32,
    spans: u32,
}

@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> dy: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4f>;

@compute @workgroup_size(64)
fn main(
    @builtin(global_invocation_id) id: vec3u,
    @builtin(num_workgroups) grid: vec3u,
) {
    let thread = id.x + id.z * grid.x * 64u;
    let groups = (p.channels + 3u) / 4u;
    let group = quotient(thread, p.spans);
    if (group >= groups) {
        return;
    }
    let part = thread - group * p.spans;
    let start = part * p.span;
    var sum = vec4f(0.0);
    // Runs have unlike lengths, but all threads go through the loop equally often: SwiftShader goes on in threads that are
    // done.
    for (var i = 0u; i < p.span; i++) {
        let at = min(start + i, p.all_pixels - 1u);
        let image = quotient(at, p.pixels);
        // Of pixel 0 of all images, so that `at` counts on.
        let base = (image * (groups - 1u) + group) * p.pixels;
        sum += select(vec4f(0.0), dy[base + at], start + i < p.all_pixels);
    }
    y[part * groups + group] = mask_lanes(sum, min(p.channels - 4u * group, 4u));
}
