// The gradient of a loss that adds over labelled elements, times a scale: one thread for every four elements, which lie
// alike in output, labels and gradient.

#include "live"
#include "element"

struct Params {
    count: u32,
    pixels: u32,
    groups: u32,
    channels: u32,
    positive_weight: f32,
}

@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> x: array<vec4f>;
@group(0) @binding(3) var<storage, read> labels: array<vec4f>;
@group(0) @binding(4) var<storage, read> scale: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> y: array<vec4f>;

fn derivative(output: vec4f, label: vec4f) -> vec4f {
# if measure == 0
    return select(vec4f(0.0), vec4f(1.0), output > label) - select(vec4f(0.0), vec4f(1.0), output < label);
# elif measure == 1
    return 2.0 * (output - label);
# else
    let positive = label > vec4f(0.5);
    let z = select(output, -output, positive);
    let e = exp(-min(abs(z), vec4f(80.0)));
    let sigmoid = select(e, vec4f(1.0), z >= vec4f(0.0)) / (1.0 + e);
    return select(vec4f(1.0), vec4f(-p.positive_weight), positive) * sigmoid;
# endif
}

@compute @workgroup_size(64)
fn main(
    @builtin(global_invocation_id) id: vec3u,
    @builtin(num_workgroups) grid: vec3u,
) {
    let at = id.x + id.z * grid.x * 64u;
    if (at >= p.count) {
        return;
    }
    let plane = quotient(at, p.pixels);
    let lanes = p.channels - 4u * (plane % p.groups);
    let label = labels[at];
    let labelled = label > vec4f(-1e30);
    let v = select(vec4f(0.0), scale[0].x * derivative(x[at], label), labelled);
    y[at] = mask_lanes(v, lanes);
}
