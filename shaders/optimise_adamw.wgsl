// AdamW, as PyTorch defines it: decay apart from the gradient, both moments corrected for their start.

#include "live"
#include "optimise"

@group(0) @binding(7) var<storage, read_write> second: array<f32>;

fn change(i: u32, g: f32) -> f32 {
    let mean = state[BETA1] * first[i] + (1.0 - state[BETA1]) * g;
    let square = state[BETA2] * second[i] + (1.0 - state[BETA2]) * g * g;
    first[i] = mean;
    second[i] = square;
    let scaled = mean / state[CORRECTION1] / (sqrt(square / state[CORRECTION2]) + state[EPSILON]);
    return -state[RATE] * (scaled + state[DECAY] * f32(i < p.decaying) * weight[i]);
}
