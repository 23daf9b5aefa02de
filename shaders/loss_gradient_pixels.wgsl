// The gradient of a loss that looks at the channels of a pixel together, times a scale: one thread per pixel.

#include "live"

struct Params {
    images: u32,
    pixels: u32,
    groups: u32,
    channels: u32,
    shortest: f32,
}

@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> x: array<vec4f>;
@group(0) @binding(3) var<storage, read> labels: array<vec4f>;
@group(0) @binding(4) var<storage, read> scale: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> y: array<vec4f>;

const LOWEST = vec4f(-3.4028234e38);

// Which lanes of channel group `i` exist.
fn exists(i: u32) -> vec4<bool> {
    return vec4u(0u, 1u, 2u, 3u) + 4u * i < vec4u(p.channels);
}

fn over_lanes(v: vec4f) -> f32 {
    return (v.x + v.y) + (v.z + v.w);
}

fn largest(v: vec4f) -> f32 {
    return max(max(v.x, v.y), max(v.z, v.w));
}

# if measure == 0
// Cross-entropy: the softmax less 1 at the class.
fn pixel(first: u32, label: u32, factor: f32) {
    let number = labels[label].x;
    if (!(number >= 0.0)) {
        for (var i = 0u; i < p.groups; i++) {
            y[first + i * p.pixels] = vec4f(0.0);
        }
        return;
    }
    var tops = LOWEST;
    for (var i = 0u; i < p.groups; i++) {
        tops = select(tops, max(tops, x[first + i * p.pixels]), exists(i));
    }
    let top = largest(tops);
    var sums = vec4f(0.0);
    for (var i = 0u; i < p.groups; i++) {
        sums += select(vec4f(0.0), exp(x[first + i * p.pixels] - top), exists(i));
    }
    let share = 1.0 / over_lanes(sums);
    let wanted = vec4u(u32(number));
    for (var i = 0u; i < p.groups; i++) {
        let own = select(vec4f(0.0), vec4f(1.0), vec4u(0u, 1u, 2u, 3u) + 4u * i == wanted);
        let v = factor * (exp(x[first + i * p.pixels] - top) * share - own);
        y[first + i * p.pixels] = select(vec4f(0.0), v, exists(i));
    }
}
# else
// Which lanes of channel group `i` have a label.
fn labelled(label: vec4f, i: u32) -> vec4<bool> {
    return (label > vec4f(-1e30)) & exists(i);
}
# endif

# if measure == 1
// One minus the cosine.
fn pixel(first: u32, label: u32, factor: f32) {
    var projections = vec4f(0.0);
    var lengths = vec4f(0.0);
    for (var i = 0u; i < p.groups; i++) {
        let at = first + i * p.pixels;
        let wanted = labels[at];
        let present = labelled(wanted, i);
        let v = select(vec4f(0.0), x[at], present);
        projections += v * select(vec4f(0.0), wanted, present);
        lengths += v * v;
    }
    let squares = over_lanes(lengths);
    let short = sqrt(squares) < p.shortest;
    let along = select(over_lanes(projections) / squares, 0.0, short);
    let length = select(sqrt(squares), p.shortest, short);
    for (var i = 0u; i < p.groups; i++) {
        let at = first + i * p.pixels;
        let wanted = labels[at];
        let v = factor * ((along * x[at] - wanted) / length);
        y[at] = select(vec4f(0.0), v, labelled(wanted, i));
    }
}
# elif measure == 2
// Divergence: the softmax less that of the labels.
fn pixel(first: u32, label: u32, factor: f32) {
    var tops = LOWEST;
    var label_tops = LOWEST;
    var counts = vec4f(0.0);
    for (var i = 0u; i < p.groups; i++) {
        let at = first + i * p.pixels;
        let wanted = labels[at];
        let present = labelled(wanted, i);
        tops = select(tops, max(tops, x[at]), present);
        label_tops = select(label_tops, max(label_tops, wanted), present);
        counts += select(vec4f(0.0), vec4f(1.0), present);
    }
    // One channel is the logit of yes: that of no is 0.
    let alone = over_lanes(counts) == 1.0;
    var top = vec2f(largest(tops), largest(label_tops));
    top = select(top, max(top, vec2f(0.0)), alone);
    var sums = vec4f(0.0);
    var label_sums = vec4f(0.0);
    for (var i = 0u; i < p.groups; i++) {
        let at = first + i * p.pixels;
        let wanted = labels[at];
        let present = labelled(wanted, i);
        sums += select(vec4f(0.0), exp(x[at] - top.x), present);
        label_sums += select(vec4f(0.0), exp(wanted - top.y), present);
    }
    let both = vec2f(over_lanes(sums), over_lanes(label_sums));
    let share = 1.0 / (both + select(vec2f(0.0), exp(-top), alone));
    for (var i = 0u; i < p.groups; i++) {
        let at = first + i * p.pixels;
        let wanted = labels[at];
        let v = factor * (exp(x[at] - top.x) * share.x - exp(wanted - top.y) * share.y);
        y[at] = select(vec4f(0.0), v, labelled(wanted, i));
    }
}
# endif

@compute @workgroup_size(64)
fn main(
    @builtin(global_invocation_id) id: vec3u,
    @builtin(num_workgroups) grid: vec3u,
) {
    let index = id.x + id.z * grid.x * 64u;
    if (index >= p.images * p.pixels) {
        return;
    }
    let image = index / p.pixels;
    pixel(image * p.groups * p.pixels + index - image * p.pixels, index, scale[0].x);
}
