// dx = dy derivative(v), where `v` is what the function is given or, with `from_output`, what it computed.

#include "live"
#include "element"
#include "own_pixels"
#if not from_output
#include "activation_gradient"
#endif

struct Params {
    images: u32,
    channels: u32,
    pixels: u32,
    groups: u32,
    threads: u32,
    a: f32,
    b: f32,
}

@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> dy: array<vec4f>;
@group(0) @binding(3) var<storage, read> value: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> dx: array<vec4f>;

#if from_output
fn derivative(y: vec4f, a: f32, b: f32) -> vec4f {
#if activation == 1
    return select(vec4f(1.0), vec4f(0.0), y <= vec4f(0.0));
#elif activation == 2
    return select(vec4f(a), vec4f(1.0), y > vec4f(0.0));
#elif activation == 3
    return y * (1.0 - y);
#elif activation == 4
    return (1.0 + y) * (1.0 - y);
#elif activation == 5
    return select(vec4f(0.0), vec4f(1.0), (y > vec4f(a)) & (y < vec4f(b)));
#elif activation == 8
    return select(vec4f(1.0), y + a, y <= vec4f(0.0));
#else
    return vec4f(1.0);
#endif
}
#endif

@compute @workgroup_size(64)
fn main(
    @builtin(global_invocation_id) id: vec3u,
    @builtin(num_workgroups) grid: vec3u,
) {
    let own = own_pixels(id.x + id.z * grid.x * 64u);
    for (var at = own.first; at < own.end; at += p.threads) {
        dx[at] = mask_lanes(dy[at] * derivative(value[at], p.a, p.b), own.lanes);
    }
}
