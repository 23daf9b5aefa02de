// Softmax cross-entropy of the channels against a class per pixel.

#include "live"

struct Params {
    record: u32,
    groups: u32,
    pixels: u32,
    span: u32,
    partials: u32,
    base: u32,
    stride: u32,
}

#include "loss"

fn term(image: u32, pixel: u32) -> Term {
    let label = labels[image * p.pixels + pixel];
    if (label == UNLABELLED) {
        return Term(0.0, 0u, 0u);
    }
    let base = image * p.groups * p.pixels + pixel;
    let segments = live[p.record];
    var tops = vec4f(-3.4028234e38);
    var broken = 0u;
    for (var s = 0u; s < segments; s++) {
        let channels = live[p.record + 3u + 2u * s];
        var at = base + live[p.record + 2u + 2u * s] * p.pixels;
        for (var c = 0u; c < channels; c += 4u) {
            let v = select(tops, x[at], vec4u(0u, 1u, 2u, 3u) + c < vec4u(channels));
            tops = max(tops, v);
            broken |= not_finite(v);
            at += p.pixels;
        }
    }
    let top = max(max(tops.x, tops.y), max(tops.z, tops.w));
    var sums = vec4f(0.0);
    var own = vec4f(0.0);
    var wanted = label;
    for (var s = 0u; s < segments; s++) {
        let channels = live[p.record + 3u + 2u * s];
        var at = base + live[p.record + 2u + 2u * s] * p.pixels;
        for (var c = 0u; c < channels; c += 4u) {
            let lanes = vec4u(0u, 1u, 2u, 3u) + c;
            let v = x[at];
            sums += select(vec4f(0.0), exp(v - top), lanes < vec4u(channels));
            own = select(own, v, (lanes == vec4u(wanted)) & (lanes < vec4u(channels)));
            at += p.pixels;
        }
        // Wraps to no channel at all where the class was in this segment.
        wanted -= channels;
    }
    let sum = (sums.x + sums.y) + (sums.z + sums.w);
    return Term(top - (own.x + own.y + own.z + own.w) + log(sum), 1u, broken);
}
