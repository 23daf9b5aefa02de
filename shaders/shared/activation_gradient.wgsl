// The derivative of a pointwise function where it is given `v`; codes and parameters are those of "activation". At kinks
// it is that of the flat side, or of the side that is less steep.

fn derivative(v: vec4f, a: f32, b: f32) -> vec4f {
#if activation == 1
    return select(vec4f(1.0), vec4f(0.0), v <= vec4f(0.0));
#elif activation == 2
    return select(vec4f(a), vec4f(1.0), v > vec4f(0.0));
#elif activation == 3
    return bell(v);
#elif activation == 4
    return 4.0 * bell(2.0 * v);
#elif activation == 5
    return select(vec4f(0.0), vec4f(1.0), (v > vec4f(a)) & (v < vec4f(b)));
#elif activation == 6
    let rising = select(v / 3.0 + 0.5, vec4f(0.0), v <= vec4f(-3.0));
    return select(rising, vec4f(1.0), v >= vec4f(3.0));
#elif activation == 7
    return sigmoid(v) + v * bell(v);
#elif activation == 8
    return elu_gradient(v, a);
#elif activation == 9
    let ramp = a * v + b;
    return select(vec4f(0.0), vec4f(a), (ramp > vec4f(0.0)) & (ramp < vec4f(1.0)));
#elif activation == 10
    return mish_gradient(v);
#elif activation == 11
    let near = bounded(v, -13.0, 13.0);
    return 0.5 * (1.0 + erf(v * 0.70710678)) + near * (0.39894228 * exp(-0.5 * near * near));
#elif activation == 12
    let near = bounded(v, -20.0, 20.0);
    let argument = 1.59576912 * (near + 0.044715 * near * near * near);
    return sigmoid(argument) + near * bell(argument) * (1.59576912 + 0.21406459 * near * near);
#elif activation == 13
    return b * elu_gradient(v, a);
#elif activation == 14
    return sigmoid(v);
#elif activation == 15
    let near = bounded(v, -9.0, 9.0);
    return 1.12837917 * exp(-near * near);
#elif activation == 16
    return exp(v);
#elif activation == 17
    return 1.0 / v;
#elif activation == 18
    return 0.5 * inverseSqrt(v);
#elif activation == 19
    return sign(v);
#elif activation == 20
    return vec4f(-1.0);
#elif activation == 21
    return -1.0 / (v * v);
#else
    return vec4f(1.0);
#endif
}

#if activation in [3, 4, 7, 12, 14]
// The derivative of the sigmoid. Nothing cancels on either side.
fn bell(v: vec4f) -> vec4f {
    let e = exp(-abs(v));
    return e / ((1.0 + e) * (1.0 + e));
}

fn sigmoid(v: vec4f) -> vec4f {
    let e = exp(-abs(v));
    return select(e, vec4f(1.0), v > vec4f(0.0)) / (1.0 + e);
}
#elif activation in [8, 13]
fn elu_gradient(v: vec4f, alpha: f32) -> vec4f {
    let size = select(v, vec4f(0.0), v > vec4f(0.0));
    return select(vec4f(1.0), alpha * exp(size), v <= vec4f(0.0));
}
#elif activation == 10
// With e = exp(v) and n = e (e + 2): n / (n + 2) + 4 v e (e + 1) / (n + 2)². Above 20 that is 1.
fn mish_gradient(v: vec4f) -> vec4f {
    let near = bounded(v, -80.0, 20.0);
    let e = exp(near);
    let n = e * (e + 2.0);
    return (n + 4.0 * near * e * (e + 1.0) / (n + 2.0)) / (n + 2.0);
}
#endif
#if activation in [10, 11, 12, 15]
#include "bounded"
#endif
#if activation == 11
#include "erf"
#endif
