// One part of a detector's loss over one map of cells: part 0 is boxes, 1 objectness, 2 classes; family 0 is YOLOv5,
// 1 YOLOX, 2 YOLOv8. Outputs are row-major. A cell has six target words in planes: the four sides of its box, its
// class, its score.

#include "live"

struct Params {
    boxes_floats: u32,
    boxes_first: u32,
    boxes_channel: u32,
    boxes_pixel: u32,
    scores_floats: u32,
    scores_first: u32,
    scores_channel: u32,
    scores_pixel: u32,
    words: u32,
    first: u32,
    pixels: u32,
    width: u32,
    cell: f32,
    anchor_width: f32,
    anchor_height: f32,
    bins: u32,
    classes: u32,
    weight: f32,
    span: u32,
    partials: u32,
    base: u32,
    stride: u32,
}

@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> boxes: array<f32>;
@group(0) @binding(3) var<storage, read> scores: array<f32>;
@group(0) @binding(4) var<storage, read> labels: array<u32>;
@group(0) @binding(5) var<storage, read_write> results: array<vec2u>;

#include "loss_sums"

# set own = part == 0 or moving == 1
struct Target {
    sides: vec4f,
    label: u32,
    score: f32,
}

fn expected(image: u32, pixel: u32) -> Target {
    let at = image * p.words + p.first + pixel;
    let left = bitcast<f32>(labels[at]);
    let top = bitcast<f32>(labels[at + p.pixels]);
    let right = bitcast<f32>(labels[at + 2u * p.pixels]);
    let bottom = bitcast<f32>(labels[at + 3u * p.pixels]);
    let score = bitcast<f32>(labels[at + 5u * p.pixels]);
    return Target(vec4f(left, top, right, bottom), labels[at + 4u * p.pixels], score);
}

# if own
#include "own_box"
# endif

# if part != 0
fn score(image: u32, channel: u32, pixel: u32) -> f32 {
    return scores[image * p.scores_floats + p.scores_first + channel * p.scores_channel + pixel * p.scores_pixel];
}

// Binary cross-entropy.
fn entropy(value: f32, wanted: f32) -> f32 {
# if probabilities
    // Half the distance of floats below 1.
    let least = vec2f(5.9604645e-8);
    let logs = log(max(vec2f(value, 1.0 - value), least));
    return -(wanted * logs.x + (1.0 - wanted) * logs.y);
# else
    return max(value, 0.0) - wanted * value + log(1.0 + exp(-abs(value)));
# endif
}
# endif

fn term(image: u32, pixel: u32) -> Term {
    let goal = expected(image, pixel);
    let labelled = goal.label != UNLABELLED;
# if part == 0
    if (!labelled) {
        return Term(0.0, 0u, 0u);
    }
    let found = own(image, pixel, goal.sides);
# if family == 0
    return Term(1.0 - found.overlap, 1u, found.broken);
# elif family == 1
    return Term(1.0 - found.overlap * found.overlap, 1u, found.broken);
# else
    return Term(goal.score * (1.0 - found.overlap), 1u, found.broken);
# endif
# elif part == 1
    let value = score(image, 0u, pixel);
    var broken = not_finite(vec4f(value));
    var wanted = 0.0;
    if (labelled) {
# if family == 1
        wanted = 1.0;
# elif moving
        let found = own(image, pixel, goal.sides);
        wanted = max(found.overlap, 0.0);
        broken |= found.broken;
# else
        wanted = goal.score;
# endif
    }
    return Term(p.weight * entropy(value, wanted), 1u, broken);
# else
# if family != 2
    if (!labelled) {
        return Term(0.0, 0u, 0u);
    }
# endif
    var t = Term(0.0, p.classes, 0u);
# if family == 0
    let wanted = 1.0;
# elif moving
    let found = own(image, pixel, goal.sides);
    let wanted = found.overlap;
    t.broken |= found.broken;
# else
    let wanted = goal.score;
# endif
    for (var c = 0u; c < p.classes; c++) {
        let value = score(image, c, pixel);
        t.sum += entropy(value, select(0.0, wanted, c == goal.label));
        t.broken |= not_finite(vec4f(value));
    }
    return t;
# endif
}
