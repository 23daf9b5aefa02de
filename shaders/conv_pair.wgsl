// Dense convolution and the 1x1 one of few channels that alone reads it, for CPU devices: see "conv_dense". A thread
// has all channels of its pixels, so that nothing is stored in between.
#set store = "conv_pair_store"
#set paired = true

#include "live"
#include "activation"
#include "element"
#include "conv"
#include "conv_dense"

@group(0) @binding(2) var<storage, read> x: array<vec4f>;
@group(0) @binding(3) var weight: texture_storage_2d<rgba32float, read>;
@group(0) @binding(4) var<storage, read> bias: array<vec4f>;
@group(0) @binding(5) var next_weight: texture_storage_2d<rgba32float, read>;
@group(0) @binding(6) var<storage, read> next_bias: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> y: array<vec4f>;

fn weight_at(i: u32) -> vec4f {
    return textureLoad(weight, vec2u(i % ${texel_row}u, i / ${texel_row}u));
}

fn next_weight_at(i: u32) -> vec4f {
    return textureLoad(next_weight, vec2u(i % ${texel_row}u, i / ${texel_row}u));
}
