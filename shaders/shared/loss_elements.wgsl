// The term of a loss that adds over every labelled element: labels are `[image][channel][pixel]`, live channels being
// all channels in order. Needs "loss" and `element(output, label) -> f32`.

fn term(image: u32, pixel: u32) -> Term {
    let here = spot(pixel);
    var t = Term(0.0, 0u, 0u);
    var at = image * p.channels * p.pixels + pixel;
    let segments = live[p.record];
    for (var s = 0u; s < segments; s++) {
        let first = image * p.groups + live[p.record + 2u + 2u * s];
        let channels = live[p.record + 3u + 2u * s];
        for (var c = 0u; c < channels; c += 4u) {
            let output = texel(first + c / 4u, here);
            for (var lane = 0u; lane < min(channels - c, 4u); lane++) {
                let label = labels[at];
                at += p.pixels;
                if (label != UNLABELLED) {
                    t.sum += element(output[lane], label);
                    t.count += 1u;
                    t.broken |= not_finite(vec4f(output[lane]));
                }
            }
        }
    }
    return t;
}
