// Overlaps of boxes by their sides: left, top, right, bottom.

// Keeps quotients of boxes without area from being 0 / 0.
const TINY = 1e-7;

fn overlap(a: vec4f, b: vec4f) -> f32 {
    let sides = max(min(a.zw, b.zw) - max(a.xy, b.xy), vec2f(0.0));
    let sizes = vec4f(a.zw - a.xy, b.zw - b.xy);
    let both = sides.x * sides.y;
    return both / (sizes.x * sizes.y + sizes.z * sizes.w - both + TINY);
}

// CIoU: the overlap less the distance of the centres and the difference of the proportions.
fn complete_overlap(a: vec4f, b: vec4f) -> f32 {
    let iou = overlap(a, b);
    let hull = max(a.zw, b.zw) - min(a.xy, b.xy);
    let off = (a.xy + a.zw - b.xy - b.zw) * 0.5;
    let distance = (off.x * off.x + off.y * off.y) / (hull.x * hull.x + hull.y * hull.y + TINY);
    let sizes = vec4f(a.zw - a.xy, b.zw - b.xy);
    // The difference of the angles of both diagonals, as one: `atan` is precise relative to what it gives.
    let across = sizes.z * sizes.y - sizes.x * sizes.w;
    let turn = atan(across / (sizes.y * sizes.w + sizes.x * sizes.z + TINY));
    let shape = 0.40528473 * turn * turn;
    return iou - distance - shape * shape / (1.0 - iou + shape + TINY);
}
