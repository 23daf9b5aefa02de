// One minus the cosine of the angle between output and label, whose length is 1. A pixel is labelled where its first
// label word is.

#include "live"

struct Params {
    record: u32,
    groups: u32,
    pixels: u32,
    channels: u32,
    shortest: f32,
    span: u32,
    partials: u32,
    base: u32,
    stride: u32,
}

#include "loss"

fn term(image: u32, pixel: u32) -> Term {
    var at = image * p.channels * p.pixels + pixel;
    if (labels[at] == UNLABELLED) {
        return Term(0.0, 0u, 0u);
    }
    let base = image * p.groups * p.pixels + pixel;
    var projection = 0.0;
    var squares = 0.0;
    var broken = 0u;
    for (var i = 0u; i < live_groups(p.record); i++) {
        let g = live_group(p.record, i);
        let v = x[base + g.group * p.pixels];
# for lane in range(4)
        if (${lane}u < g.lanes) {
            projection += v[${lane}] * bitcast<f32>(labels[at]);
            squares += v[${lane}] * v[${lane}];
            broken |= not_finite(vec4f(v[${lane}]));
            at += p.pixels;
        }
# endfor
    }
    let length = sqrt(squares);
    return Term(1.0 - projection / select(length, p.shortest, length < p.shortest), 1u, broken);
}
