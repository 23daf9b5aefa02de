// The norm of all gradients, the factor that brings it down to the one that is allowed, and behind them what the host
// says of this step. One workgroup.

#include "live"

struct Params {
    sums: u32,
}

@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> sums: array<u32>;
@group(0) @binding(3) var<storage, read> hyper: array<f32>;
@group(0) @binding(4) var<storage, read_write> state: array<f32>;

const CLIP = 2u;
const HYPER = 9u;

var<workgroup> parts: array<f32, 64>;
var<workgroup> flags: array<u32, 64>;

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) thread: u32) {
    var sum = 0.0;
    var broken = 0u;
    for (var i = thread; i < p.sums; i += 64u) {
        let bits = sums[i];
        sum += bitcast<f32>(bits);
        broken |= u32((bits & 0x7f800000u) == 0x7f800000u);
    }
    parts[thread] = sum;
    flags[thread] = broken;
    workgroupBarrier();
    for (var other = 32u; other > 0u; other >>= 1u) {
        if (thread < other) {
            parts[thread] += parts[thread + other];
            flags[thread] |= flags[thread + other];
        }
        workgroupBarrier();
    }
    if (thread == 0u) {
        let total = parts[0];
        let overflow = (bitcast<u32>(total) & 0x7f800000u) == 0x7f800000u;
        let finite = flags[0] == 0u && !overflow;
        let norm = sqrt(select(0.0, total, finite));
        let most = hyper[CLIP];
        state[0] = select(1.0, min(1.0, most / (norm + 1e-6)), most > 0.0);
        state[1] = norm;
        state[2] = select(0.0, 1.0, finite);
    }
    if (thread < HYPER) {
        state[3u + thread] = hyper[thread];
    }
}
