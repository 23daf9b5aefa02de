// The pixel of an output as broadcast operands see it. Runs of axes that all operands treat alike count as one: at
// most `axes` are left. Needs "element" and a `Params` with `width` and, with four axes, `rows` and `planes`.

struct Place {
    outer: u32,
    plane: u32,
    row: u32,
    column: u32,
}

fn place(pixel: u32) -> Place {
    let line = quotient(pixel, p.width);
    let column = pixel - line * p.width;
#if axes == 4
    let plane = quotient(line, p.rows);
    let outer = quotient(plane, p.planes);
    return Place(outer, plane - outer * p.planes, line - plane * p.rows, column);
#else
    return Place(0u, 0u, line, column);
#endif
}
