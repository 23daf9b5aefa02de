// What all convolutions share: parameters, and what "finish" does and needs.

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
    kernel_height: u32,
    kernel_width: u32,
    stride_y: u32,
    stride_x: u32,
    dilation_y: u32,
    dilation_x: u32,
    pad_top: u32,
    pad_left: u32,
    // Threads along the pixel axis, and how many of them share an output row (where threads own adjacent pixels).
    tiles: u32,
    row_tiles: u32,
    // Input channels of one convolution group.
    group_inputs: u32,
    // What the activation needs.
    a: f32,
    b: f32,
    // What an enlarged residual needs.
    enlarged_y: u32,
    enlarged_x: u32,
#if paired is defined
    // The live record of the output of the convolution that follows, and its stored channel groups.
    next_record: u32,
    next_groups: u32,
#endif
}

@group(0) @binding(1) var<uniform> p: Params;

#include "finish"
