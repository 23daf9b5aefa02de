// A function of two values, where the strides of broadcast axes are 0 and one-channel operands are splatted.

#include "live"
#include "element"
#include "broadcast"
#include "extreme"

struct Params {
    record: u32,
    images: u32,
    pixels: u32,
    width: u32,
    rows: u32,
    planes: u32,
    groups: u32,
#for operand in ["a", "b"]
    ${operand}_image: u32,
    ${operand}_group: u32,
    ${operand}_outer: u32,
    ${operand}_plane: u32,
    ${operand}_row: u32,
    ${operand}_column: u32,
    ${operand}_splat: u32,
#endfor
}

@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> a: array<vec4f>;
@group(0) @binding(3) var<storage, read> b: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> y: array<vec4f>;

#if operation == 4
// Products where the exponent is 2 or 3; negative bases have powers of whole exponents alone.
fn power(base: vec4f, exponent: vec4f) -> vec4f {
    let whole = exponent == floor(exponent);
    let half = exponent * 0.5;
    let odd = whole & (half != floor(half));
    let size = select(pow(abs(base), exponent), vec4f(1.0), exponent == vec4f(0.0));
    let negative = select(sqrt(base), select(size, -size, odd), whole);
    let general = select(size, negative, base < vec4f(0.0));
    let square = base * base;
    let product = select(general, square, exponent == vec4f(2.0));
    return select(product, square * base, exponent == vec4f(3.0));
}
#endif

fn combine(left: vec4f, right: vec4f) -> vec4f {
#if operation == 0
    return left + right;
#elif operation == 1
    return left - right;
#elif operation == 2
    return left * right;
#elif operation == 3
    return left / right;
#elif operation == 4
    return power(left, right);
#elif operation == 5
    return lesser(left, right);
#elif operation == 6
    return larger(left, right);
#elif operation == 7
    return select(vec4f(0.0), vec4f(1.0), left == right);
#else
    return select(left, left * right, left < vec4f(0.0));
#endif
}

@compute @workgroup_size(64)
fn main(
    @builtin(global_invocation_id) id: vec3u,
    @builtin(num_workgroups) grid: vec3u,
) {
    let e = element(p.record, id.x + id.z * grid.x * 64u, p.images, p.pixels);
    if (e.lanes == 0u) {
        return;
    }
    let q = place(e.pixel);
#for operand in ["a", "b"]
    var ${operand}_at = e.image * p.${operand}_image + e.group * p.${operand}_group;
    ${operand}_at += q.row * p.${operand}_row + q.column * p.${operand}_column;
#if axes == 4
    ${operand}_at += q.outer * p.${operand}_outer + q.plane * p.${operand}_plane;
#endif
    let ${operand}_stored = ${operand}[${operand}_at];
    let ${operand}_value = select(${operand}_stored, ${operand}_stored.xxxx, p.${operand}_splat != 0u);
#endfor
    let at = (e.image * p.groups + e.group) * p.pixels + e.pixel;
    y[at] = mask_lanes(combine(a_value, b_value), e.lanes);
}
