// Reading texels of lines, 0 outside of them. Needs tensors `x` and `dy` of vectors.

// Texel `column` of a row of x that begins at `row`; 0 outside.
fn input(row: u32, inside: bool, column: u32) -> vec4f {
    let ok = inside && column < p.in_width;
    return select(vec4f(0.0), x[row + select(0u, column, ok) * p.x_column], ok);
}

// Texel `column` of a row of dy that begins at `row`; 0 past its end.
fn output(row: u32, column: u32) -> vec4f {
    let ok = column < p.out_width;
    return select(vec4f(0.0), dy[row + select(0u, column, ok) * p.dy_column], ok);
}
