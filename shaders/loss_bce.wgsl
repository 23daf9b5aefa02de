// Binary cross-entropy of logits against labels 0 and 1, positives being weighted.

#include "live"

struct Params {
    record: u32,
    groups: u32,
    pixels: u32,
    channels: u32,
    positive_weight: f32,
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
#include "loss_elements"

fn element(output: f32, label: u32) -> f32 {
    if (label == 1u) {
        return p.positive_weight * softplus(-output);
    }
    return softplus(output);
}

fn softplus(z: f32) -> f32 {
    return max(z, 0.0) + log(1.0 + exp(-abs(z)));
}
