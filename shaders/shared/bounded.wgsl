// As `clamp`, which drops NaN, as `max` does: a network that breaks would look sound. Comparisons keep it.

fn bounded(v: vec4f, low: f32, high: f32) -> vec4f {
    let raised = select(v, vec4f(low), v < vec4f(low));
    return select(raised, vec4f(high), raised > vec4f(high));
}
