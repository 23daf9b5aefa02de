// y = x: how fast a device moves memory.

#include "live"

#if floats == 4
alias Moved = vec4f;
#else
alias Moved = f32;
#endif

struct Params {
    size: u32,
}

@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> x: array<Moved>;
@group(0) @binding(3) var<storage, read_write> y: array<Moved>;

@compute @workgroup_size(64)
fn main(
    @builtin(global_invocation_id) id: vec3u,
    @builtin(num_workgroups) grid: vec3u,
) {
    let at = id.x + id.z * grid.x * 64u;
    if (at < p.size) {
        y[at] = x[at];
    }
}
