// A pointwise function; the codes are those of `plan::lower::activation::code`. Only the one that `activation` names is
// part of a kernel.

fn activate(v: vec4f, a: f32, b: f32) -> vec4f {
#if activation == 1
    return select(v, vec4f(0.0), v < vec4f(0.0));
#elif activation == 2
    return select(a * v, v, v > vec4f(0.0));
#elif activation == 3
    return sigmoid(v);
#elif activation == 4
    return tanh(bounded(v, -16.0, 16.0));
#elif activation == 5
    return bounded(v, a, b);
#elif activation == 6
    return v * clamp(v / 6.0 + 0.5, vec4f(0.0), vec4f(1.0));
#elif activation == 7
    return v * sigmoid(v);
#elif activation == 8
    return elu(v, a);
#elif activation == 9
    return bounded(a * v + b, 0.0, 1.0);
#elif activation == 10
    return mish(v);
#elif activation == 11
    return 0.5 * v * (1.0 + erf(v * 0.70710678));
#elif activation == 12
    return v * sigmoid(gelu_argument(bounded(v, -20.0, 20.0)));
#elif activation == 13
    return b * elu(v, a);
#elif activation == 14
    return select(vec4f(0.0), v, v > vec4f(0.0)) + log(1.0 + exp(-abs(v)));
#elif activation == 15
    return erf(v);
#elif activation == 16
    return exp(v);
#elif activation == 17
    return log(v);
#elif activation == 18
    return sqrt(v);
#elif activation == 19
    return abs(v);
#elif activation == 20
    return -v;
#elif activation == 21
    return 1.0 / v;
#else
    return v;
#endif
}

#include "bounded"

#if activation in [3, 7, 12]
fn sigmoid(v: vec4f) -> vec4f {
    return 1.0 / (1.0 + exp(-bounded(v, -80.0, 80.0)));
}
#elif activation == 10
// x tanh(log(1 + e)) = x n / (n + 2) with n = e (e + 2); above 20 the fraction is 1.
fn mish(v: vec4f) -> vec4f {
    let e = exp(select(v, vec4f(20.0), v > vec4f(20.0)));
    let n = e * (e + 2.0);
    return v * (n / (n + 2.0));
}
#elif activation in [8, 13]
fn elu(v: vec4f, alpha: f32) -> vec4f {
    return select(v, alpha * (exp(select(v, vec4f(0.0), v > vec4f(0.0))) - 1.0), v < vec4f(0.0));
}
#elif activation in [11, 15]
#include "erf"
#endif
#if activation == 12
// Twice what the approximate GELU takes the hyperbolic tangent of: 1 + tanh(x) = 2 sigmoid(2 x).
fn gelu_argument(v: vec4f) -> vec4f {
    return 1.59576912 * (v + 0.044715 * v * v * v);
}
#endif
