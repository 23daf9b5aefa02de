// Absolute or squared difference to labels that are floats.

#include "live"

struct Params {
    record: u32,
    groups: u32,
    pixels: u32,
    channels: u32,
    span: u32,
    partials: u32,
    base: u32,
    stride: u32,
    height: u32,
    width: u32,
    in_pixels: u32,
    in_width: u32,
    outside: f32,
}

#include "loss"
#include "loss_elements"

fn element(output: f32, label: u32) -> f32 {
    let error = output - bitcast<f32>(label);
# if square
    return error * error;
# else
    return abs(error);
# endif
}
