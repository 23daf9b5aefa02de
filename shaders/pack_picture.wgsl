// A texture to one image in NC4HW4: resized around pixel centres, then `(texel scale - mean) / std` by channel.

#include "live"
#include "element"

struct Params {
    record: u32,
    image: u32,
    height: u32,
    width: u32,
    groups: u32,
    bgr: u32,
    scale: f32,
    mean_x: f32,
    mean_y: f32,
    mean_z: f32,
    mean_w: f32,
    std_x: f32,
    std_y: f32,
    std_z: f32,
    std_w: f32,
}

@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var picture: texture_2d<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4f>;

fn texel(at: vec2i) -> vec4f {
    let last = vec2i(textureDimensions(picture)) - 1;
    return textureLoad(picture, clamp(at, vec2i(0), last), 0);
}

fn sample(centre: vec2f) -> vec4f {
#if linear == 1
    let corner = floor(centre - 0.5);
    let weight = centre - 0.5 - corner;
    let at = vec2i(corner);
    let top = mix(texel(at), texel(at + vec2i(1, 0)), weight.x);
    let bottom = mix(texel(at + vec2i(0, 1)), texel(at + vec2i(1, 1)), weight.x);
    return mix(top, bottom, weight.y);
#else
    return texel(vec2i(floor(centre)));
#endif
}

@compute @workgroup_size(64)
fn main(
    @builtin(global_invocation_id) id: vec3u,
    @builtin(num_workgroups) grid: vec3u,
) {
    let pixels = p.height * p.width;
    let e = element(p.record, id.x + id.z * grid.x * 64u, 1u, pixels);
    if (e.lanes == 0u) {
        return;
    }
    let row = quotient(e.pixel, p.width);
    let at = vec2f(vec2u(e.pixel - row * p.width, row)) + 0.5;
    let ratio = vec2f(textureDimensions(picture)) / vec2f(vec2u(p.width, p.height));
    let v = sample(at * ratio);
    let colour = select(v, v.zyxw, p.bgr == 1u) * p.scale;
    let mean = vec4f(p.mean_x, p.mean_y, p.mean_z, p.mean_w);
    let deviation = vec4f(p.std_x, p.std_y, p.std_z, p.std_w);
    y[(p.image * p.groups + e.group) * pixels + e.pixel] = mask_lanes((colour - mean) / deviation, e.lanes);
}
