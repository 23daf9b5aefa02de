// Where the four rows and the four columns that "fours" makes are read from: those of the fours `row` and `column`.
#set entries = 3 if linear else 1
    let row_entry = ${entries}u * row;
    let column_entry = ${entries}u * (p.rows + column);
    let rows = vec4u(axes[row_entry]) * p.in_width;
    let columns = vec4u(axes[column_entry]);
#if linear
    let row_first = axes[row_entry + 1u];
    let row_second = axes[row_entry + 2u];
    let column_first = axes[column_entry + 1u];
    let column_second = axes[column_entry + 2u];
#endif
