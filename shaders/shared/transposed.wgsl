// What transposed convolutions share: parameters, which taps reach an output, and what "finish" does and needs.

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
    // Every how many-th tap reaches the same output, and how many input pixels lie between them.
    step_y: u32,
    step_x: u32,
    shift_y: u32,
    shift_x: u32,
    pad_top: u32,
    pad_left: u32,
    // Threads along the pixel axis, how many of them share an output row, and how many of these columns that lie a
    // multiple of the stride apart, where threads own such columns.
    tiles: u32,
    row_tiles: u32,
    phase_tiles: u32,
    // Input channels of one convolution group.
    group_inputs: u32,
    // What the activation needs.
    a: f32,
    b: f32,
}

@group(0) @binding(1) var<uniform> p: Params;

// A tap, and the input coordinate that it brings to an output; unsigned, it wraps below 0.
struct Tap {
    tap: u32,
    source: u32,
}

// The first of `taps` taps that reaches uncut output coordinate `at`; tap `taps` where there is none.
fn first_tap(at: u32, taps: u32, stride: u32, dilation: u32, step: u32) -> Tap {
    let wanted = at % stride;
    var reached = 0u;
    var found = Tap(taps, 0u);
    for (var tap = 0u; tap < min(taps, step); tap++) {
        if (reached == wanted) {
            let source = (bitcast<i32>(at) - bitcast<i32>(tap * dilation)) / bitcast<i32>(stride);
            found = Tap(tap, bitcast<u32>(source));
            break;
        }
        reached = (reached + dilation) % stride;
    }
    return found;
}

#include "finish"
