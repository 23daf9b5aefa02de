// The term of a loss that adds over every labelled element: labels are `[image][channel][pixel]`, live channels being
// all channels in order. Needs "loss" and `element(output, label) -> f32`.

fn term(image: u32, pixel: u32) -> Term {
    let base = image * p.groups * p.pixels + pixel;
    var t = Term(0.0, 0u, 0u);
    var at = image * p.channels * p.pixels + pixel;
    for (var i = 0u; i < live_groups(p.record); i++) {
        let g = live_group(p.record, i);
        let v = x[base + g.group * p.pixels];
# for lane in range(4)
        if (${lane}u < g.lanes) {
            let label = labels[at];
            at += p.pixels;
            if (label != UNLABELLED) {
                t.sum += element(v[${lane}], label);
                t.count += 1u;
                t.broken |= not_finite(vec4f(v[${lane}]));
            }
        }
# endfor
    }
    return t;
}
