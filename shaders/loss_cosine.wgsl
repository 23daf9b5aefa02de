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
    height: u32,
    width: u32,
    in_pixels: u32,
    in_width: u32,
    outside: f32,
}

#include "loss"

fn term(image: u32, pixel: u32) -> Term {
    var at = image * p.channels * p.pixels + pixel;
    if (labels[at] == UNLABELLED) {
        return Term(0.0, 0u, 0u);
    }
    let here = spot(pixel);
    var projection = 0.0;
    var squares = 0.0;
    var broken = 0u;
    let segments = live[p.record];
    for (var s = 0u; s < segments; s++) {
        let first = image * p.groups + live[p.record + 2u + 2u * s];
        let channels = live[p.record + 3u + 2u * s];
        for (var c = 0u; c < channels; c += 4u) {
            let outputs = texel(first + c / 4u, here);
            for (var lane = 0u; lane < min(channels - c, 4u); lane++) {
                let output = outputs[lane];
                projection += output * bitcast<f32>(labels[at]);
                squares += output * output;
                broken |= not_finite(vec4f(output));
                at += p.pixels;
            }
        }
    }
    let length = sqrt(squares);
    return Term(1.0 - projection / select(length, p.shortest, length < p.shortest), 1u, broken);
}
