// Softmax cross-entropy of the channels against a class per pixel. `held` channel groups, all in one segment, are read once;
// where it is 0 any are, twice.

#include "live"

struct Params {
    record: u32,
    groups: u32,
    pixels: u32,
    span: u32,
    partials: u32,
    base: u32,
    stride: u32,
    height: u32,
    width: u32,
    in_pixels: u32,
    in_width: u32,
    outside: f32,
}

#include "loss"

fn term(image: u32, pixel: u32) -> Term {
    let label = labels[image * p.pixels + pixel];
    if (label == UNLABELLED) {
        return Term(0.0, 0u, 0u);
    }
    let here = spot(pixel);
    var tops = vec4f(-3.4028234e38);
    var broken = 0u;
    var sums = vec4f(0.0);
    var own = vec4f(0.0);
#if held
    let first = image * p.groups + live[p.record + 2u];
    let channels = live[p.record + 3u];
#for g in range(held)
    let lanes${g} = vec4u(0u, 1u, 2u, 3u) + ${4 * g}u;
    let v${g} = texel(first + ${g}u, here);
    let live${g} = select(tops, v${g}, lanes${g} < vec4u(channels));
    tops = max(tops, live${g});
    broken |= not_finite(live${g});
#endfor
    let top = max(max(tops.x, tops.y), max(tops.z, tops.w));
#for g in range(held)
    sums += select(vec4f(0.0), exp(v${g} - top), lanes${g} < vec4u(channels));
    own = select(own, v${g}, (lanes${g} == vec4u(label)) & (lanes${g} < vec4u(channels)));
#endfor
#else
    let segments = live[p.record];
    for (var s = 0u; s < segments; s++) {
        let channels = live[p.record + 3u + 2u * s];
        let first = image * p.groups + live[p.record + 2u + 2u * s];
        for (var c = 0u; c < channels; c += 4u) {
            let v = select(tops, texel(first + c / 4u, here), vec4u(0u, 1u, 2u, 3u) + c < vec4u(channels));
            tops = max(tops, v);
            broken |= not_finite(v);
        }
    }
    let top = max(max(tops.x, tops.y), max(tops.z, tops.w));
    var wanted = label;
    for (var s = 0u; s < segments; s++) {
        let channels = live[p.record + 3u + 2u * s];
        let first = image * p.groups + live[p.record + 2u + 2u * s];
        for (var c = 0u; c < channels; c += 4u) {
            let lanes = vec4u(0u, 1u, 2u, 3u) + c;
            let v = texel(first + c / 4u, here);
            sums += select(vec4f(0.0), exp(v - top), lanes < vec4u(channels));
            own = select(own, v, (lanes == vec4u(wanted)) & (lanes < vec4u(channels)));
        }
        // Wraps to no channel at all where the class was in this segment.
        wanted -= channels;
    }
#endif
    let sum = (sums.x + sums.y) + (sums.z + sums.w);
    return Term(top - (own.x + own.y + own.z + own.w) + log(sum), 1u, broken);
}
