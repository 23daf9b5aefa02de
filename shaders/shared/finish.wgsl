// What happens to the sum of a convolution before it is stored. Needs "live", "activation", parameters `a` and `b`,
// and a tensor `residual` of the output's layout.

// The output texel `at` from its sum and bias; `lanes` of it exist.
fn finish(sum: vec4f, at: u32, lanes: u32) -> vec4f {
#if add == 1
    let v = activate(sum + residual[at], p.a, p.b);
#elif add == 2
    let v = activate(sum, p.a, p.b) + residual[at];
#else
    let v = activate(sum, p.a, p.b);
#endif
    return mask_lanes(v, lanes);
}
