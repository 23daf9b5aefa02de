// Pointwise functions; the codes are those of `plan::lower::activation::code`.

fn activate(v: vec4f, code: u32, a: f32, b: f32) -> vec4f {
    switch code {
        case 1u: { return max(v, vec4f(0.0)); }
        case 2u: { return select(a * v, v, v > vec4f(0.0)); }
        case 3u: { return sigmoid(v); }
        case 4u: { return tanh(clamp(v, vec4f(-16.0), vec4f(16.0))); }
        case 5u: { return min(max(v, vec4f(a)), vec4f(b)); }
        case 6u: { return v * clamp(v / 6.0 + 0.5, vec4f(0.0), vec4f(1.0)); }
        case 7u: { return v * sigmoid(v); }
        default: { return v; }
    }
}

fn sigmoid(v: vec4f) -> vec4f {
    return 1.0 / (1.0 + exp(-clamp(v, vec4f(-80.0), vec4f(80.0))));
}
