// Dense convolution without any feature: every thread reads its own weights.
#set store = "conv_store"

#include "live"
#include "activation"
#include "element"
#include "conv"
#include "conv_dense"

@group(0) @binding(2) var<storage, read> x: array<vec4f>;
@group(0) @binding(3) var<storage, read> weight: array<vec4f>;
@group(0) @binding(4) var<storage, read> bias: array<vec4f>;
@group(0) @binding(5) var<storage, read> residual: array<vec4f>;
@group(0) @binding(6) var<storage, read> scales: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> y: array<vec4f>;

fn weight_at(i: u32) -> vec4f {
    return weight[i];
}
