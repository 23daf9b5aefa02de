// Finishes the sums of a thread of "conv_dense" and stores them.
#if window
    let out_base = (image * (p.out_groups - 1u) * p.out_height + row) * p.out_width + ox;
    let mine_is_last = block * ${workgroup}u + lane < p.tiles;
#endif
    let live_out = live_groups(p.out_record);
#for q in range(kg)
    if (first_group + ${q}u < live_out) {
#for n in range(np)
#if window
        if (mine_is_last && ox + ${n}u < p.out_width) {
            let at = out_base + group${q} * out_pixels + ${n}u;
#else
        if ((block * ${np}u + ${n}u) * ${workgroup}u + lane < pixels) {
            let at = (image${n} * p.out_groups + group${q}) * out_pixels + pixel${n};
#endif
            y[at] = finish(a${n}_${q} + bias${q}, at, lanes${q});
        }
#endfor
    }
#endfor
