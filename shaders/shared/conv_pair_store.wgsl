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
#for r in range(next)
    let out${r} = nth_group(p.next_record, ${r}u);
    let next_bias${r} = next_bias[out${r}.group];
#for l in range(4 * kg // subgroup)
    let u${r}_${l} = next_weight_at((out${r}.group * p.out_groups + read${l}) * 4u + lane % 4u);
#endfor
#for t in range(4 * kg)
    let m${r}_${t} = subgroupBroadcast(u${r}_${t // subgroup}, ${t % subgroup}u);
#endfor
#for n in range(np)
    var z${r}_${n} = vec4f(0.0);
#for q in range(kg)
    z${r}_${n} = z${r}_${n}{% for i in range(4) %} + h${n}_${q}.${lane_names[i]} * m${r}_${4 * q + i}{% endfor %};
#endfor
#if window
    if (out${r}.lanes > 0u && has_tile && ox + ${n}u < p.out_width) {
        let at = next_base + out${r}.group * out_pixels + ${n}u;
#else
    if (out${r}.lanes > 0u && (block * ${np}u + ${n}u) * ${workgroup}u + lane < pixels) {
        let at = (image${n} * p.next_groups + out${r}.group) * out_pixels + pixel${n};
#endif
        y[at] = mask_lanes(z${r}_${n} + next_bias${r}, out${r}.lanes);
    }
#endfor
#endfor
