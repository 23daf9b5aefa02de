// The live output groups of a thread of "conv_dense": where they are stored, their lanes, biases and first weights.
#if subgroup
#for j in range(0, kg, subgroup)
    let mine${j} = live_group(p.out_record, first_group + ${j}u + lane % ${[kg, subgroup] | min}u);
    let my_bias${j} = bias[mine${j}.group];
#endfor
#for q in range(kg)
#set j = q // subgroup * subgroup
    let group${q} = subgroupBroadcast(mine${j}.group, ${q - j}u);
    let lanes${q} = subgroupBroadcast(mine${j}.lanes, ${q - j}u);
    let bias${q} = subgroupBroadcast(my_bias${j}, ${q - j}u);
#endfor
#if lanewise is defined and lanewise
#for l in range((columns * kg + subgroup - 1) // subgroup)
    let slot${l} = min(lane + ${l * subgroup}u, ${columns * kg - 1}u);
    var read${l} = group0;
#for q in range(1, kg)
    read${l} = select(read${l}, group${q}, slot${l} % ${kg}u == ${q}u);
#endfor
    let w_base${l} = plane_weights + read${l} * stride + slot${l} / ${kg}u * 4u;
#endfor
#else
#for l in range((4 * kg + subgroup - 1) // subgroup)
    var read${l} = group${l * subgroup // 4};
#for q in range(1, subgroup // 4) if l * subgroup // 4 + q < kg
    read${l} = select(read${l}, group${l * subgroup // 4 + q}, lane >= ${4 * q}u);
#endfor
    let w_base${l} = plane_weights + read${l} * stride + lane % 4u;
#endfor
#endif
#else
#for q in range(kg)
    let mine${q} = live_group(p.out_record, first_group + ${q}u);
    let group${q} = mine${q}.group;
    let lanes${q} = mine${q}.lanes;
    let bias${q} = bias[group${q}];
    let w_base${q} = plane_weights + group${q} * stride;
#endfor
#endif
