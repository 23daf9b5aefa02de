// Enlarges the channel group at `base` along its columns, for "fours_row". Which of the inputs that a four of outputs reads
// each of them begins with is the same for every four: ${row_steps} and ${column_steps} tell, see `Quads` in
// src/kernels/resize_unpack.rs. Needs "fours_axes".
#set taps = 2 if linear else 1
#set rows_read = taps + row_steps % 2 + row_steps // 2 % 2 + row_steps // 4
#set column_at = [0, column_steps % 2, column_steps % 2 + column_steps // 2 % 2, column_steps % 2 + column_steps // 2 % 2 + column_steps // 4]
#for r in range(rows_read)
#for c in range(column_at[3] + taps)
    let x${r}_${c} = x[base + rows[${r}] + columns[${c}]];
#endfor
#for i in range(4)
#if linear
    let a${r}_${i} = column_first[${i}] * x${r}_${column_at[i]} + column_second[${i}] * x${r}_${column_at[i] + 1};
#else
    let a${r}_${i} = x${r}_${column_at[i]};
#endif
#endfor
#endfor
