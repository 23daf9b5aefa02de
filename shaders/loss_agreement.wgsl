// How far some channels of a row-major output are from what another network made of the same image.

#include "live"

struct Params {
    floats: u32,
    first: u32,
    channels: u32,
    pixels: u32,
    shortest: f32,
    span: u32,
    partials: u32,
    base: u32,
    stride: u32,
}

@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read> labels: array<f32>;
@group(0) @binding(4) var<storage, read_write> results: array<vec2u>;

#include "loss_sums"

# if measure == 0
fn term(image: u32, pixel: u32) -> Term {
    var at = image * p.floats + p.first + pixel;
    var label = image * p.channels * p.pixels + pixel;
    var t = Term(0.0, p.channels, 0u);
    for (var c = 0u; c < p.channels; c++) {
        let output = x[at];
        t.sum += abs(output - labels[label]);
        t.broken |= not_finite(vec4f(output));
        at += p.pixels;
        label += p.pixels;
    }
    return t;
}
# elif measure == 1
fn softplus(z: f32) -> f32 {
    return max(z, 0.0) + log(1.0 + exp(-abs(z)));
}

// One channel is the logit of yes.
fn two_classes(output: f32, label: f32) -> Term {
    let yes = 1.0 / (1.0 + exp(-label));
    let divergence = yes * (label - output) + softplus(output) - softplus(label);
    return Term(max(divergence, 0.0), 1u, not_finite(vec4f(output)));
}

fn term(image: u32, pixel: u32) -> Term {
    let first = image * p.floats + p.first + pixel;
    let label = image * p.channels * p.pixels + pixel;
    if (p.channels == 1u) {
        return two_classes(x[first], labels[label]);
    }
    var top = vec2f(-3.4028234e38);
    var broken = 0u;
    for (var c = 0u; c < p.channels; c++) {
        let pair = vec2f(x[first + c * p.pixels], labels[label + c * p.pixels]);
        top = max(top, pair);
        broken |= not_finite(vec4f(pair.x));
    }
    var sums = vec2f(0.0);
    for (var c = 0u; c < p.channels; c++) {
        sums += exp(vec2f(x[first + c * p.pixels], labels[label + c * p.pixels]) - top);
    }
    let logs = log(sums);
    var divergence = 0.0;
    for (var c = 0u; c < p.channels; c++) {
        let pair = vec2f(x[first + c * p.pixels], labels[label + c * p.pixels]) - top - logs;
        divergence += exp(pair.y) * (pair.y - pair.x);
    }
    // Equal distributions may differ by a rounding.
    return Term(max(divergence, 0.0), 1u, broken);
}
# else
fn term(image: u32, pixel: u32) -> Term {
    var at = image * p.floats + p.first + pixel;
    var label = image * p.channels * p.pixels + pixel;
    var both = 0.0;
    var squares = vec2f(0.0);
    var broken = 0u;
    for (var c = 0u; c < p.channels; c++) {
        let pair = vec2f(x[at], labels[label]);
        both += pair.x * pair.y;
        squares += pair * pair;
        broken |= not_finite(vec4f(pair.x));
        at += p.pixels;
        label += p.pixels;
    }
    let found = sqrt(squares);
    if (all(found < vec2f(p.shortest))) {
        return Term(0.0, 1u, broken);
    }
    let lengths = max(found, vec2f(p.shortest));
    return Term(max(1.0 - both / (lengths.x * lengths.y), 0.0), 1u, broken);
}
# endif
