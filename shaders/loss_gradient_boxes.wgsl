// The gradient of how far a detector's boxes are from labelled ones, times a scale: one thread per cell. Encoding 0 is
// anchors, 1 exponents, 2 distributions, 3 pixels; `complete` says whether the loss is 1 - CIoU, or else 1 - IoU².

#include "live"
#include "overlap"

struct Params {
    images: u32,
    pixels: u32,
    width: u32,
    bins: u32,
    cell: f32,
    anchor_width: f32,
    anchor_height: f32,
}

@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> boxes: array<vec4f>;
@group(0) @binding(3) var<storage, read> labels: array<vec4f>;
@group(0) @binding(4) var<storage, read> scale: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> y: array<vec4f>;

// The derivative by both corners of `a`: left, top, right, bottom.
fn of_sides(a: vec4f, b: vec4f) -> vec4f {
    let one = vec2f(1.0);
    let none = vec2f(0.0);
    let iou = overlap(a, b);
    let inner = min(a.zw, b.zw) - max(a.xy, b.xy);
    let sides = max(inner, none);
    let size = a.zw - a.xy;
    let other = b.zw - b.xy;
    let either = size.x * size.y + other.x * other.y - sides.x * sides.y + TINY;
    let near = select(none, one, (inner > none) & (a.xy > b.xy));
    let far = select(none, one, (inner > none) & (a.zw < b.zw));
    let both = vec4f(-near * sides.yx, far * sides.yx);
    let of_iou = (both * (1.0 + iou) - iou * vec4f(-size.yx, size.yx)) / either;
#if complete == 0
    return -2.0 * iou * of_iou;
#else
    let hull = max(a.zw, b.zw) - min(a.xy, b.xy);
    let diagonal = hull.x * hull.x + hull.y * hull.y + TINY;
    let off = (a.xy + a.zw - b.xy - b.zw) * 0.5;
    let distance = (off.x * off.x + off.y * off.y) / diagonal;
    let grows = vec4f(-select(none, one, a.xy < b.xy), select(none, one, a.zw > b.zw));
    let of_distance = (off.xyxy - 2.0 * distance * hull.xyxy * grows) / diagonal;
    let rate = size.y * other.y + size.x * other.x + TINY;
    let tangent = (other.x * size.y - size.x * other.y) / rate;
    let turn = atan(tangent);
    let shape = 0.40528473 * turn * turn;
    // By the width and the height of the box.
    let by_size = vec2f(-other.y, other.x) - tangent * other;
    let of_shape = 0.81056947 * turn * by_size / (rate * (1.0 + tangent * tangent));
    let rest = 1.0 - iou + shape + TINY;
    let share = shape / rest;
    let of_penalty = share * (2.0 - share) * vec4f(-of_shape, of_shape);
    return of_distance + of_penalty - (1.0 - share * share) * of_iou;
#endif
}

#if encoding == 2
const LOWEST = vec4f(-3.4028234e38);

fn over_lanes(v: vec4f) -> f32 {
    return (v.x + v.y) + (v.z + v.w);
}

// The number of a side, for every lane.
fn of_side(v: vec4f, side: vec4u) -> vec4f {
    let first = select(vec4f(v.x), vec4f(v.y), side == vec4u(1u));
    return select(select(first, vec4f(v.z), side == vec4u(2u)), vec4f(v.w), side == vec4u(3u));
}

fn cell_gradient(first: u32, corner: vec2f, goal: vec4f, factor: f32) {
    var tops = LOWEST;
    for (var i = 0u; i < p.bins; i++) {
        let v = boxes[first + i * p.pixels];
        let side = (vec4u(0u, 1u, 2u, 3u) + 4u * i) / p.bins;
#for lane in ["x", "y", "z", "w"]
        {
            let own = select(LOWEST, v, side == vec4u(${loop.index0}u));
            tops.${lane} = max(tops.${lane}, max(max(own.x, own.y), max(own.z, own.w)));
        }
#endfor
    }
    var weights = vec4f(0.0);
    var sums = vec4f(0.0);
    for (var i = 0u; i < p.bins; i++) {
        let channels = vec4u(0u, 1u, 2u, 3u) + 4u * i;
        let side = channels / p.bins;
        let weight = exp(boxes[first + i * p.pixels] - of_side(tops, side));
        let bin = vec4f(channels - side * p.bins);
#for lane in ["x", "y", "z", "w"]
        {
            let own = select(vec4f(0.0), weight, side == vec4u(${loop.index0}u));
            weights.${lane} += over_lanes(own);
            sums.${lane} += over_lanes(own * bin);
        }
#endfor
    }
    let cells = sums / weights;
    let sign = vec4f(-1.0, -1.0, 1.0, 1.0);
    let found = ((corner + 0.5).xyxy + sign * cells) * p.cell;
    let by_cells = factor * p.cell * sign * of_sides(found, goal);
    for (var i = 0u; i < p.bins; i++) {
        let at = first + i * p.pixels;
        let channels = vec4u(0u, 1u, 2u, 3u) + 4u * i;
        let side = channels / p.bins;
        let share = exp(boxes[at] - of_side(tops, side)) / of_side(weights, side);
        let bin = vec4f(channels - side * p.bins);
        y[at] = of_side(by_cells, side) * share * (bin - of_side(cells, side));
    }
}
#else
fn cell_gradient(first: u32, corner: vec2f, goal: vec4f, factor: f32) {
    let raw = boxes[first];
#if encoding == 0
    let half = 2.0 / (1.0 + exp(-clamp(raw, vec4f(-80.0), vec4f(80.0))));
    let centre = (half.xy - 0.5 + corner) * p.cell;
    let anchor = vec2f(p.anchor_width, p.anchor_height);
    let size = half.zw * half.zw * anchor;
    let slope = half * (1.0 - 0.5 * half);
    let by_raw = slope * vec4f(vec2f(p.cell), 2.0 * half.zw * anchor);
#elif encoding == 1
    let centre = (raw.xy + corner) * p.cell;
    let size = exp(min(raw.zw, vec2f(16.0))) * p.cell;
    let by_raw = vec4f(vec2f(p.cell), select(size, vec2f(0.0), raw.zw > vec2f(16.0)));
#else
    let centre = raw.xy;
    let size = raw.zw;
    let by_raw = vec4f(1.0);
#endif
    let g = of_sides(vec4f(centre - 0.5 * size, centre + 0.5 * size), goal);
    y[first] = factor * by_raw * vec4f(g.xy + g.zw, 0.5 * (g.zw - g.xy));
}
#endif

@compute @workgroup_size(64)
fn main(
    @builtin(global_invocation_id) id: vec3u,
    @builtin(num_workgroups) grid: vec3u,
) {
    let index = id.x + id.z * grid.x * 64u;
    if (index >= p.images * p.pixels) {
        return;
    }
    let image = index / p.pixels;
    let pixel = index - image * p.pixels;
    let first = image * p.bins * p.pixels + pixel;
    let weight = labels[(2u * image + 1u) * p.pixels + pixel].x;
    if (!(weight > -1e30)) {
        for (var i = 0u; i < p.bins; i++) {
            y[first + i * p.pixels] = vec4f(0.0);
        }
        return;
    }
    let corner = vec2f(f32(pixel % p.width), f32(pixel / p.width));
    cell_gradient(first, corner, labels[2u * image * p.pixels + pixel], scale[0].x * weight);
}
