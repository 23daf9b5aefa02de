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
# elif measure == 2
    let e = exp(-min(abs(output), vec4f(80.0)));
    let yes = output >= vec4f(0.0);
    let sigmoids = (1.0 - label) * select(e, vec4f(1.0), yes);
    return (sigmoids - p.positive_weight * label * select(vec4f(1.0), e, yes)) / (1.0 + e);
# else
    // Half the distance of floats below 1.
    let least = vec4f(5.9604645e-8);
    let other = 1.0 - output;
    let no = select(vec4f(0.0), (1.0 - label) / other, other >= least);
    return no - select(vec4f(0.0), label / output, output >= least);
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
