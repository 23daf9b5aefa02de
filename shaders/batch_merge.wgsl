// Adds up what runs of pixels left, in their order: a thread has one channel group. With `moments`, means and sums of squares
// become those of all runs (Chan, Golub and LeVeque), else both are sums.

#include "live"
#include "element"

struct Params {
    images: u32,
    channels: u32,
    pixels: u32,
    groups: u32,
    // Pixels of a run, and runs of an image.
    span: u32,
    runs: u32,
}

@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> partials: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4f>;

// The place of the partial of a run of an image.
fn place(image: u32, group: u32, run: u32) -> u32 {
    return 2u * ((image * p.groups + group) * p.runs + run);
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let group = id.x;
    if (group >= p.groups) {
        return;
    }
    let lanes = min(p.channels - 4u * group, 4u);
    var first = vec4f(0.0);
    var second = vec4f(0.0);
#if moments
    let origin = partials[place(0u, group, 0u)];
    for (var image = 0u; image < p.images; image++) {
        for (var run = 0u; run < p.runs; run++) {
            let count = f32(min(p.span, p.pixels - run * p.span));
            first += count * (partials[place(image, group, run)] - origin);
        }
    }
    let count = f32(p.images * p.pixels);
    first = origin + first / count;
    for (var image = 0u; image < p.images; image++) {
        for (var run = 0u; run < p.runs; run++) {
            let at = place(image, group, run);
            let count = f32(min(p.span, p.pixels - run * p.span));
            let off = partials[at] - first;
            second += partials[at + 1u] + count * off * off;
        }
    }
    second /= count;
#else
    for (var image = 0u; image < p.images; image++) {
        for (var run = 0u; run < p.runs; run++) {
            let at = place(image, group, run);
            first += partials[at];
            second += partials[at + 1u];
        }
    }
#endif
    y[group] = mask_lanes(first, lanes);
    y[p.groups + group] = mask_lanes(second, lanes);
}
