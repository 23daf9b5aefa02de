// What a batch normalisation does to a channel group before its scale. Needs `moments`, `scale` and `shift`, and `p` with
// groups and epsilon.

struct Channels {
    mean: vec4f,
    inverse: vec4f,
    scale: vec4f,
    shift: vec4f,
}

fn channels_of(group: u32) -> Channels {
    let inverse = inverseSqrt(moments[p.groups + group] + p.epsilon);
    return Channels(moments[group], inverse, scale[group], shift[group]);
}

fn normalised(c: Channels, v: vec4f) -> vec4f {
    return (v - c.mean) * c.inverse;
}
