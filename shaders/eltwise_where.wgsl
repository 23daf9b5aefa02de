// y = condition ≠ 0 ? a : b, where the strides of broadcast axes are 0 and one-channel operands are splatted.

#include "live"
#include "element"
#include "broadcast"

struct Params {
    record: u32,
    images: u32,
    pixels: u32,
    width: u32,
    rows: u32,
    planes: u32,
    groups: u32,
#for operand in ["c", "a", "b"]
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
@group(0) @binding(2) var<storage, read> c: array<vec4f>;
@group(0) @binding(3) var<storage, read> a: array<vec4f>;
@group(0) @binding(4) var<storage, read> b: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> y: array<vec4f>;

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
#for operand in ["c", "a", "b"]
    var ${operand}_at = e.image * p.${operand}_image + e.group * p.${operand}_group;
    ${operand}_at += q.row * p.${operand}_row + q.column * p.${operand}_column;
#if axes == 4
    ${operand}_at += q.outer * p.${operand}_outer + q.plane * p.${operand}_plane;
#endif
    let ${operand}_stored = ${operand}[${operand}_at];
    let ${operand}_value = select(${operand}_stored, ${operand}_stored.xxxx, p.${operand}_splat != 0u);
#endfor
    let at = (e.image * p.groups + e.group) * p.pixels + e.pixel;
    y[at] = mask_lanes(select(b_value, a_value, c_value != vec4f(0.0)), e.lanes);
}
