// Multiply-adds in registers, in sequences that do not depend on each other: how many a device can do.

#include "live"

struct Params {
    rounds: u32,
    scale: f32,
    shift: f32,
}

@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let scale = vec4f(p.scale);
    let shift = vec4f(p.shift);
    // No two components are equal: equal ones would be computed once.
    let start = vec4f(0.0, 0.25, 0.5, 0.75) + f32(id.x % 64u);
#for a in range(accumulators)
    var a${a} = start + ${64 * a}.0;
#endfor
    for (var round = 0u; round < p.rounds; round++) {
#for step in range(16)
#for a in range(accumulators)
#if fused == 1
        a${a} = fma(a${a}, scale, shift);
#else
        a${a} = a${a} * scale + shift;
#endif
#endfor
#endfor
    }
    var sum = a0;
#for a in range(1, accumulators)
    sum += a${a};
#endfor
    y[id.x] = sum;
}
