// Draws a picture with the class of every pixel over it. The classes are the largest of the network's logits, which
// never left the GPU.

struct Size {
    width: u32,
    height: u32,
    classes: u32,
}

@group(0) @binding(0) var picture: texture_2d<f32>;
@group(0) @binding(1) var<storage, read> logits: array<f32>;
@group(0) @binding(2) var<uniform> size: Size;

@vertex
fn cover(@builtin(vertex_index) i: u32) -> @builtin(position) vec4f {
    return vec4f(f32(i & 1u) * 4.0 - 1.0, f32(i >> 1u) * 4.0 - 1.0, 0.0, 1.0);
}

fn colour(label: u32) -> vec3f {
    let hue = fract(f32(label) * 0.618034) * 6.0;
    return clamp(abs((hue + vec3f(0.0, 4.0, 2.0)) % vec3f(6.0) - 3.0) - 1.0, vec3f(0.0), vec3f(1.0));
}

@fragment
fn paint(@builtin(position) at: vec4f) -> @location(0) vec4f {
    let pixel = vec2u(at.xy);
    let cell = pixel * vec2u(size.width, size.height) / textureDimensions(picture);
    let plane = size.width * size.height;
    var best = 0u;
    for (var label = 1u; label < size.classes; label++) {
        let first = cell.y * size.width + cell.x;
        if (logits[label * plane + first] > logits[best * plane + first]) {
            best = label;
        }
    }
    return vec4f(mix(textureLoad(picture, pixel, 0).rgb, colour(best), 0.45), 1.0);
}
