// The frame of an optimiser: a thread changes one number. Needs "live", and `change(i, gradient)`, which returns what is
// added to the weight.

struct Params {
    numbers: u32,
    // Numbers from the first on that decay.
    decaying: u32,
}

@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> gradient: array<f32>;
@group(0) @binding(3) var<storage, read> state: array<f32>;
@group(0) @binding(4) var<storage, read_write> weight: array<f32>;
@group(0) @binding(5) var<storage, read_write> average: array<f32>;
@group(0) @binding(6) var<storage, read_write> first: array<f32>;

const FACTOR = 0u;
const FINITE = 2u;
const RATE = 3u;
const DECAY = 4u;
const AVERAGE = 6u;
const BETA1 = 7u;
const BETA2 = 8u;
const EPSILON = 9u;
const CORRECTION1 = 10u;
const CORRECTION2 = 11u;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) grid: vec3u) {
    let i = id.x + id.z * grid.x * 64u;
    // Gradients that are not finite change nothing.
    if (i >= p.numbers || state[FINITE] == 0.0) {
        return;
    }
    let after = weight[i] + change(i, gradient[i] * state[FACTOR]);
    weight[i] = after;
    average[i] += (1.0 - state[AVERAGE]) * (after - average[i]);
}
