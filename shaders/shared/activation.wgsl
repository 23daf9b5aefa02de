// Pointwise functions; the codes are those of `plan::lower::activation::code`.

fn activate(v: vec4f, code: u32, a: f32, b: f32) -> vec4f {
    switch code {
        case 1u: { return select(v, vec4f(0.0), v < vec4f(0.0)); }
        case 2u: { return select(a * v, v, v > vec4f(0.0)); }
        case 3u: { return sigmoid(v); }
        case 4u: { return tanh(bounded(v, -16.0, 16.0)); }
        case 5u: { return bounded(v, a, b); }
        case 6u: { return v * clamp(v / 6.0 + 0.5, vec4f(0.0), vec4f(1.0)); }
        case 7u: { return v * sigmoid(v); }
        default: { return v; }
    }
}

fn sigmoid(v: vec4f) -> vec4f {
    return 1.0 / (1.0 + exp(-bounded(v, -80.0, 80.0)));
}

// As `clamp`, which drops NaN, as `max` does: a network that breaks would look sound. Comparisons keep it.
fn bounded(v: vec4f, low: f32, high: f32) -> vec4f {
    let raised = select(v, vec4f(low), v < vec4f(low));
    return select(raised, vec4f(high), raised > vec4f(high));
}
