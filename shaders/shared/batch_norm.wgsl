// What every thread of a batch normalisation needs of its channel group. Needs `moments`, `scale`, `shift` and `p`.

struct Channels {
    mean: vec4f,
    // One by the deviation.
    inverse: vec4f,
    scale: vec4f,
    shift: vec4f,
}

fn channels_of(group: u32) -> Channels {
    let variance = moments[p.groups + group];
    return Channels(moments[group], 1.0 / sqrt(variance + p.epsilon), scale[group], shift[group]);
}
