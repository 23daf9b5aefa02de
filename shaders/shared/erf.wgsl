// The error function: odd polynomials below 0.9277, 1 - exp(polynomial) above, each within 3e-8 of it.

fn erf(v: vec4f) -> vec4f {
    let t = min(abs(v), vec4f(5.0));
    let s = t * t;
    var small = -5.96761703e-4 * s + 4.99119423e-3;
    small = small * s - 2.67681349e-2;
    small = small * s + 1.12819925e-1;
    small = small * s - 3.76125336e-1;
    small = small * s + 1.28379166e-1;
    small = small * t + t;
    var large = (-1.72853470e-5 * t + 3.83197126e-4) * s + (-3.88396438e-3 * t + 2.42546219e-2);
    large = large * t - 1.06777877e-1;
    large = large * t - 6.34846687e-1;
    large = large * t - 1.28717512e-1;
    large = 1.0 - exp(large * t - t);
    let size = select(small, large, t > vec4f(0.927734375));
    return select(select(v, size, v > vec4f(0.0)), -size, v < vec4f(0.0));
}
