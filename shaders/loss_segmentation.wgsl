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
    let groups = live_groups(p.record);
    var top = -3.4028234e38;
    var broken = 0u;
    for (var i = 0u; i < groups; i++) {
        let g = live_group(p.record, i);
        let v = x[base + g.group * p.pixels];
        let w = select(vec4f(top), v, vec4u(0u, 1u, 2u, 3u) < vec4u(g.lanes));
        top = max(max(max(w.x, w.y), max(w.z, w.w)), top);
        broken |= not_finite(w);
    }
    var sum = 0.0;
    var own = 0.0;
    var channel = 0u;
    for (var i = 0u; i < groups; i++) {
        let g = live_group(p.record, i);
        let v = x[base + g.group * p.pixels];
        let e = mask_lanes(exp(v - top), g.lanes);
        sum = sum + e.x + e.y + e.z + e.w;
        let hit = select(vec4f(0.0), mask_lanes(v, g.lanes), vec4u(0u, 1u, 2u, 3u) + channel == vec4u(label));
        own = own + hit.x + hit.y + hit.z + hit.w;
        channel += g.lanes;
    }
    return Term(top - own + log(sum), 1u, broken);
}
