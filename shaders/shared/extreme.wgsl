// The larger and the lesser of two numbers; not a number where one is not.

// WGSL may assume that no float is NaN: only bits tell.
fn not_a_number(v: vec4f) -> vec4<bool> {
    return (bitcast<vec4u>(v) & vec4u(0x7fffffffu)) > vec4u(0x7f800000u);
}

fn larger(a: vec4f, b: vec4f) -> vec4f {
    return select(max(a, b), a + b, not_a_number(a) | not_a_number(b));
}

fn lesser(a: vec4f, b: vec4f) -> vec4f {
    return select(min(a, b), a + b, not_a_number(a) | not_a_number(b));
}
