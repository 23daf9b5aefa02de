// The frame of a loss that reads an output in its stored form. Needs "live", a `Params` with the members used here and
// in "loss_sums", and `term(image, pixel) -> Term`.

@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> x: array<vec4f>;
@group(0) @binding(3) var<storage, read> labels: array<u32>;
@group(0) @binding(4) var<storage, read_write> results: array<vec2u>;

#include "loss_sums"
