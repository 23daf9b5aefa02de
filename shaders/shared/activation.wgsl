// Pointwise functions; the codes are those of `plan::lower::activation::code`.

#include "erf"

fn activate(v: vec4f, code: u32, a: f32, b: f32) -> vec4f {
    switch code {
        case 1u: { return select(v, vec4f(0.0), v < vec4f(0.0)); }
        case 2u: { return select(a * v, v, v > vec4f(0.0)); }
        case 3u: { return sigmoid(v); }
        case 4u: { return tanh(bounded(v, -16.0, 16.0)); }
        case 5u: { return bounded(v, a, b); }
        case 6u: { return v * clamp(v / 6.0 + 0.5, vec4f(0.0), vec4f(1.0)); }
        case 7u: { return v * sigmoid(v); }
        case 8u: { return elu(v, a); }
        case 9u: { return bounded(a * v + b, 0.0, 1.0); }
        case 10u: { return mish(v); }
        case 11u: { return 0.5 * v * (1.0 + erf(v * 0.70710678)); }
        case 12u: { return v * sigmoid(gelu_argument(bounded(v, -20.0, 20.0))); }
        case 13u: { return b * elu(v, a); }
        case 14u: { return select(vec4f(0.0), v, v > vec4f(0.0)) + log(1.0 + exp(-abs(v))); }
        case 15u: { return erf(v); }
        case 16u: { return exp(v); }
        case 17u: { return log(v); }
        case 18u: { return sqrt(v); }
        case 19u: { return abs(v); }
        case 20u: { return -v; }
        case 21u: { return 1.0 / v; }
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

fn elu(v: vec4f, alpha: f32) -> vec4f {
    return select(v, alpha * (exp(select(v, vec4f(0.0), v > vec4f(0.0))) - 1.0), v < vec4f(0.0));
}

// x tanh(log(1 + e)) = x n / (n + 2) with n = e (e + 2); above 20 the fraction is 1.
fn mish(v: vec4f) -> vec4f {
    let e = exp(select(v, vec4f(20.0), v > vec4f(20.0)));
    let n = e * (e + 2.0);
    return v * (n / (n + 2.0));
}

// Twice what the approximate GELU takes the hyperbolic tangent of: 1 + tanh(x) = 2 sigmoid(2 x).
fn gelu_argument(v: vec4f) -> vec4f {
    return 1.59576912 * (v + 0.044715 * v * v * v);
}
