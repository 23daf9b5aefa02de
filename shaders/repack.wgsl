// A packed constant from the weights that it holds: every number of it is 0 or one of them.

#include "live"

struct Params {
    texels: u32,
}

@group(0) @binding(1) var<uniform> p: Params;
// 0, or one more than the place of a weight.
@group(0) @binding(2) var<storage, read> places: array<vec4u>;
@group(0) @binding(3) var<storage, read> weight: array<f32>;
@group(0) @binding(4) var<storage, read_write> packed: array<vec4f>;

fn at(place: u32) -> f32 {
    if (place == 0u) {
        return 0.0;
    }
    return weight[place - 1u];
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) grid: vec3u) {
    let i = id.x + id.z * grid.x * 64u;
    if (i >= p.texels) {
        return;
    }
    let four = places[i];
    packed[i] = vec4f(at(four.x), at(four.y), at(four.z), at(four.w));
}
