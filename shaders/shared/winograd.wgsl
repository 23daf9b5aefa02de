// The parameters of both transforms of Winograd's convolution.

struct Params {
    in_record: u32,
    in_groups: u32,
    in_height: u32,
    in_width: u32,
    out_record: u32,
    out_groups: u32,
    out_height: u32,
    out_width: u32,
    // Windows along both axes.
    tiles_y: u32,
    tiles_x: u32,
    // Which rows of windows are computed, those of all images in one sequence: the first, and how many.
    first_row: u32,
    rows: u32,
    pad_top: u32,
    pad_left: u32,
    // What the activation needs.
    a: f32,
    b: f32,
    // What an enlarged residual needs.
    enlarged_y: u32,
    enlarged_x: u32,
}

@group(0) @binding(1) var<uniform> p: Params;

// Which image a window is of, and where it is in it.
struct Window {
    image: u32,
    y: u32,
    x: u32,
}

// The window at `i` among those that are computed.
fn window(i: u32) -> Window {
    let row = quotient(i, p.tiles_x);
    let image = quotient(p.first_row + row, p.tiles_y);
    return Window(image, p.first_row + row - image * p.tiles_y, i - row * p.tiles_x);
}
