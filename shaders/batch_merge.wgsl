// Puts together what the threads of "batch_norm_sums" or, with `moments`, of "batch_moments" left of a channel group: two
// sums, or mean and variance, which count from the first thread's mean. With `shared` a workgroup does it, otherwise a
// thread.

#include "live"
#include "element"
#if shared
#include "moments"
#endif

struct Params {
    images: u32,
    channels: u32,
    pixels: u32,
    groups: u32,
    threads: u32,
}

@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> partials: array<vec4f>;
// A row of channel groups, then another.
@group(0) @binding(3) var<storage, read_write> y: array<vec4f>;

#if moments
// How many pixels the `i`-th thread has.
fn terms_of(i: u32) -> f32 {
    let thread = i - quotient(i, p.threads) * p.threads;
    return f32(quotient(p.pixels - 1u - thread, p.threads) + 1u);
}
#endif

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) workgroup: vec3u,
    @builtin(num_workgroups) grid: vec3u,
    @builtin(local_invocation_index) thread: u32,
) {
#if shared
    let item = workgroup.x + workgroup.z * grid.x;
    let start = thread;
    let step = 64u;
#else
    let item = (workgroup.x + workgroup.z * grid.x) * 64u + thread;
    let start = 0u;
    let step = 1u;
#endif
    // What is past the end computes the last group once more and stores nothing.
    let group = min(item, p.groups - 1u);
    let count = p.images * p.threads;
    let base = group * count;
    var first = vec4f(0.0);
    var second = vec4f(0.0);
#if moments
    let terms = f32(p.images * p.pixels);
    let origin = partials[2u * base];
    for (var i = start; i < count; i += step) {
        first += terms_of(i) * (partials[2u * (base + i)] - origin);
    }
#if shared
    first = total(thread, first);
#endif
    let moved = first / terms;
    for (var i = start; i < count; i += step) {
        let distance = partials[2u * (base + i)] - origin - moved;
        second += partials[2u * (base + i) + 1u] + terms_of(i) * distance * distance;
    }
#if shared
    second = total(thread, second);
#endif
    first = origin + moved;
    second = second / terms;
#else
    for (var i = start; i < count; i += step) {
        first += partials[2u * (base + i)];
        second += partials[2u * (base + i) + 1u];
    }
#if shared
    first = total(thread, first);
    second = total(thread, second);
#endif
#endif
    if (item < p.groups${" && thread == 0u" if shared else ""}) {
        let lanes = min(p.channels - 4u * group, 4u);
        y[group] = mask_lanes(first, lanes);
        y[p.groups + group] = mask_lanes(second, lanes);
    }
}
