// Dense convolution for CPU devices: weights are texels, for which a storage texture costs half of what a buffer does,
// read once per subgroup.
#set store = "conv_store"

#include "live"
#include "activation"
#include "element"
#include "conv"
#include "conv_dense"

@group(0) @binding(2) var<storage, read> x: array<vec4f>;
@group(0) @binding(3) var weight: texture_storage_2d<rgba32float, read>;
@group(0) @binding(4) var<storage, read> bias: array<vec4f>;
@group(0) @binding(5) var<storage, read> residual: array<vec4f>;
@group(0) @binding(6) var<storage, read> scales: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> y: array<vec4f>;

fn weight_at(i: u32) -> vec4f {
    return textureLoad(weight, vec2u(i % ${texel_row}u, i / ${texel_row}u));
}
