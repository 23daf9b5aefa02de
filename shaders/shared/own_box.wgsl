// The box that a detector finds in a cell, and how far it overlaps the one that it should. Needs `boxes`, `p` and
// `not_finite`; family 0 is YOLOv5, 1 YOLOX, 2 YOLOv8; encoding 0 is anchors, 1 exponents, 2 distributions, 3 pixels.

#include "overlap"

struct Own {
    overlap: f32,
    broken: u32,
}

fn number(image: u32, channel: u32, pixel: u32) -> f32 {
    return boxes[image * p.boxes_floats + p.boxes_first + channel * p.boxes_channel + pixel * p.boxes_pixel];
}

fn around(centre: vec2f, size: vec2f) -> vec4f {
    return vec4f(centre - 0.5 * size, centre + 0.5 * size);
}

# if encoding == 2
struct Distance {
    cells: f32,
    broken: u32,
}

// The mean of 0, 1, 2, … weighted by the softmax of a side's logits.
fn distance_of(image: u32, pixel: u32, side: u32) -> Distance {
    var top = -3.4028234e38;
    var broken = 0u;
    for (var bin = 0u; bin < p.bins; bin++) {
        let logit = number(image, side * p.bins + bin, pixel);
        top = max(top, logit);
        broken |= not_finite(vec4f(logit));
    }
    var sum = 0.0;
    var weights = 0.0;
    for (var bin = 0u; bin < p.bins; bin++) {
        let weight = exp(number(image, side * p.bins + bin, pixel) - top);
        weights += weight;
        sum += weight * f32(bin);
    }
    return Distance(sum / weights, broken);
}
# endif

// How far the network's own box overlaps the one that it should be.
fn own(image: u32, pixel: u32, sides: vec4f) -> Own {
    let corner = vec2f(f32(pixel % p.width), f32(pixel / p.width));
# if encoding == 2
    let left = distance_of(image, pixel, 0u);
    let top = distance_of(image, pixel, 1u);
    let right = distance_of(image, pixel, 2u);
    let bottom = distance_of(image, pixel, 3u);
    let middle = (corner + 0.5).xyxy;
    let found = (middle + vec4f(-left.cells, -top.cells, right.cells, bottom.cells)) * p.cell;
    let broken = left.broken | top.broken | right.broken | bottom.broken;
# else
    let raw = vec4f(
        number(image, 0u, pixel),
        number(image, 1u, pixel),
        number(image, 2u, pixel),
        number(image, 3u, pixel),
    );
    let broken = not_finite(raw);
# if encoding == 0
    let half = 2.0 / (1.0 + exp(-raw));
    let size = half.zw * half.zw * vec2f(p.anchor_width, p.anchor_height);
    let found = around((half.xy - 0.5 + corner) * p.cell, size);
# elif encoding == 1
    // Ends where boxes overlap nothing, before they are infinite.
    let found = around((raw.xy + corner) * p.cell, exp(min(raw.zw, vec2f(16.0))) * p.cell);
# else
    let found = around(raw.xy, raw.zw);
# endif
# endif
# if family == 1
    let result = overlap(found, sides);
# else
    let result = complete_overlap(found, sides);
# endif
    return Own(result, broken | not_finite(vec4f(result)));
}
