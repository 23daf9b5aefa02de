// What happens to the sum of a convolution before it is stored. Needs "live", "activation", parameters `a` and `b`,
// and a tensor `residual` of the output's layout; where that is enlarged, "element" and the parameters for it.

#if add > 2
// Where the pixel of `residual` is that belongs to the output texel `at`.
fn residual_index(at: u32) -> u32 {
    let pixels = p.out_height * p.out_width;
    let plane = quotient(at, pixels);
    let pixel = at - plane * pixels;
    let row = quotient(pixel, p.out_width);
    let column = pixel - row * p.out_width;
    let above = plane * (p.out_height >> p.enlarged_y) + (row >> p.enlarged_y);
    return above * (p.out_width >> p.enlarged_x) + (column >> p.enlarged_x);
}
#endif

#set index = "residual_index(at)" if add > 2 else "at"
// The output texel `at` from its sum and bias; `lanes` of it exist.
fn finish(sum: vec4f, at: u32, lanes: u32) -> vec4f {
#if add in [1, 3]
    let v = activate(sum + residual[${index}], p.a, p.b);
#elif add in [2, 4]
    let v = activate(sum, p.a, p.b) + residual[${index}];
#else
    let v = activate(sum, p.a, p.b);
#endif
    return mask_lanes(v, lanes);
}
