// The parameters of both transforms of Winograd's convolution.

struct Params {
    images: u32,
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
    pad_top: u32,
    pad_left: u32,
    // What the activation needs.
    a: f32,
    b: f32,
}

@group(0) @binding(1) var<uniform> p: Params;
