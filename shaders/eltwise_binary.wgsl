// y = a + b, a - b or a b, where the strides of broadcast axes are 0 and one-channel operands are splatted.

#include "live"
#include "element"

struct Params {
    record: u32,
    images: u32,
    pixels: u32,
    width: u32,
    groups: u32,
    a_image: u32,
    a_group: u32,
    a_row: u32,
    a_column: u32,
    a_splat: u32,
    b_image: u32,
    b_group: u32,
    b_row: u32,
    b_column: u32,
    b_splat: u32,
}

@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> a: array<vec4f>;
@group(0) @binding(3) var<storage, read> b: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> y: array<vec4f>;

@compute @workgroup_size(64)
fn main(
    @builtin(global_invocation_id) id: vec3u,
    @builtin(num_workgroups) grid: vec3u,
) {
    let e = element(p.record, id.x + id.z * grid.x * 64u, p.images, p.pixels);
    if (e.lanes == 0u) {
        return;
    }
    let row = quotient(e.pixel, p.width);
    let column = e.pixel - row * p.width;
    let at = (e.image * p.groups + e.group) * p.pixels + e.pixel;
    let stored_a = a[e.image * p.a_image + e.group * p.a_group + row * p.a_row + column * p.a_column];
    let stored_b = b[e.image * p.b_image + e.group * p.b_group + row * p.b_row + column * p.b_column];
    let left = select(stored_a, stored_a.xxxx, p.a_splat != 0u);
    let right = select(stored_b, stored_b.xxxx, p.b_splat != 0u);
#if operation == 0
    y[at] = mask_lanes(left + right, e.lanes);
#elif operation == 1
    y[at] = mask_lanes(left - right, e.lanes);
#else
    y[at] = mask_lanes(left * right, e.lanes);
#endif
}
