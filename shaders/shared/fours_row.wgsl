// Row `j` of four: `v1_2` is the third column of the second row. Needs "fours".
#set row_at = [0, row_steps % 2, row_steps % 2 + row_steps // 2 % 2, row_steps % 2 + row_steps // 2 % 2 + row_steps // 4]
#for i in range(4)
#if linear
    let v${j}_${i} = row_first[${j}] * a${row_at[j]}_${i} + row_second[${j}] * a${row_at[j] + 1}_${i};
#else
    let v${j}_${i} = a${row_at[j]}_${i};
#endif
#endfor
