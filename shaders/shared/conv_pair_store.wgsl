// Multiplies what a thread of "conv_dense" has of each pixel, all channels of it, by the weights of a 1x1 convolution, and
// stores that. Sums run over live groups, then lanes, as if the first convolution had been stored.
    let live_between = live_groups(p.out_record);
#for q in range(kg)
#for n in range(np)
    let h${n}_${q} = select(vec4f(0.0), finish(a${n}_${q} + bias${q}, 0u, lanes${q}), ${q}u < live_between);
#endfor
#endfor
#if window
    let next_base = (image * (p.next_groups - 1u) * p.out_height + row) * p.out_width + ox;
    let has_tile = block * ${workgroup}u + lane < p.tiles;
#endif
    let next_groups = live_groups(p.next_record);
    var r = 0u;
    loop {
        let next = live_group(p.next_record, r);
        let b = next_bias[next.group];
#for l in range((4 * kg + subgroup - 1) // subgroup)
        let u${l} = next_weight_at((next.group * p.out_groups + read${l}) * 4u + lane % 4u);
#endfor
#for t in range(4 * kg)
        let m${t} = subgroupBroadcast(u${t // subgroup}, ${t % subgroup}u);
#endfor
#for n in range(np)
        var z${n} = vec4f(0.0);
#for q in range(kg)
        z${n} = z${n}{% for i in range(4) %} + h${n}_${q}.${lane_names[i]} * m${4 * q + i}{% endfor %};
#endfor
#if window
        if (has_tile && ox + ${n}u < p.out_width) {
            let at = next_base + next.group * out_pixels + ${n}u;
#else
        if ((block * ${np}u + ${n}u) * ${workgroup}u + lane < pixels) {
            let at = (image${n} * p.next_groups + next.group) * out_pixels + pixel${n};
#endif
            y[at] = mask_lanes(z${n} + b, next.lanes);
        }
#endfor
        continuing { r++; break if r >= next_groups; }
    }
