// The frame of a loss that reads an output as it is stored, or enlarged from a map that is stored in its place (`enlarged` 1:
// by repeating pixels, 2: linearly, as "resize" does). Needs "live", a `Params` with the members used here and in
// "loss_sums", and `term(image, pixel) -> Term`.

@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> x: array<vec4f>;
// Where the output is not enlarged, any readable buffer.
@group(0) @binding(3) var<storage, read> axes: array<vec4f>;
@group(0) @binding(4) var<storage, read> labels: array<u32>;
@group(0) @binding(5) var<storage, read_write> results: array<vec2u>;

#include "loss_sums"
#if enlarged
#include "quotient"

// What a pixel of the output reads.
struct Spot {
    row: vec4f,
    column: vec4f,
}

fn spot(pixel: u32) -> Spot {
    let row = quotient(pixel, p.width);
    return Spot(axes[row], axes[p.height + pixel - row * p.width]);
}

#if enlarged == 2
fn across(row: u32, column: vec4f) -> vec4f {
    return column.z * x[row + u32(column.x)] + column.w * x[row + u32(column.y)];
}
#endif

// The output texel at a spot of plane number `plane`.
fn texel(plane: u32, at: Spot) -> vec4f {
    if (at.row.x < 0.0 || at.column.x < 0.0) {
        return vec4f(p.outside);
    }
    let base = plane * p.in_pixels;
#if enlarged == 2
    let above = across(base + u32(at.row.x) * p.in_width, at.column);
    let below = across(base + u32(at.row.y) * p.in_width, at.column);
    return at.row.z * above + at.row.w * below;
#else
    return x[base + u32(at.row.x) * p.in_width + u32(at.column.x)];
#endif
}
#else
fn spot(pixel: u32) -> u32 {
    return pixel;
}

// The output texel at a pixel of plane number `plane`.
fn texel(plane: u32, at: u32) -> vec4f {
    return x[plane * p.pixels + at];
}
#endif
