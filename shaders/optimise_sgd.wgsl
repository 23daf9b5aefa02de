// Stochastic gradient descent with Nesterov's momentum, as PyTorch defines it.

#include "live"
#include "optimise"

fn change(i: u32, clipped: f32) -> f32 {
    let decay = state[DECAY] * f32(i < p.decaying);
    let g = clipped + decay * weight[i];
    let velocity = state[BETA1] * first[i] + g;
    first[i] = velocity;
    return -state[RATE] * (g + state[BETA1] * velocity);
}
