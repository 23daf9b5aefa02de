// What "conv_dense" adds for one input group and one row of the kernel, lane by lane. Threads of a subgroup read the weights
// of different columns and outputs.
                    let lanes = min(live[p.in_record + 3u + 2u * s] - (g - range.x) * 4u, 4u);
                    let w = (g * p.kernel_height + ky) * ${4 * columns}u;
#for t in range(texels)
                    let all${t} = select(vec4f(0.0), x[c${t} + row_base + plane], ok${t});
#endfor
                    var i = 0u;
                    loop {
#for t in range(texels)
                        let x${t} = select(select(all${t}.x, all${t}.y, i == 1u), select(all${t}.z, all${t}.w, i == 3u), i > 1u);
#endfor
#for l in range((columns * kg + subgroup - 1) // subgroup)
                        let v${l} = weight_at(w_base${l} + w + i);
#endfor
#for k in range(columns)
#for q in range(kg)
                        let w${k}_${q} = subgroupBroadcast(v${(k * kg + q) // subgroup}, ${(k * kg + q) % subgroup}u);
#endfor
#endfor
#for q in range(kg)
#for n in range(np)
                        a${n}_${q} = a${n}_${q}{% for k in range(columns) %} + x${n * stride + k} * w${k}_${q}{% endfor %};
#endfor
#endfor
                        continuing { i++; break if i >= lanes; }
                    }
