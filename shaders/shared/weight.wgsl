// What gradients of convolutions' weights share: parameters, and lines of pixels.

struct Params {
    // Outputs, and the blocks of them that threads have; blocks of one convolution group.
    outputs: u32,
    blocks: u32,
    group_blocks: u32,
    // Input channels of one convolution group, and taps of a kernel.
    channels: u32,
    kernel_height: u32,
    kernel_width: u32,
    stride_y: u32,
    stride_x: u32,
    dilation_y: u32,
    dilation_x: u32,
    pad_top: u32,
    pad_left: u32,
    in_height: u32,
    in_width: u32,
    // Lines of an image, and their pixels.
    out_height: u32,
    out_width: u32,
    // Lines of all images, lines of a run, and runs.
    lines: u32,
    span: u32,
    spans: u32,
    // Stored output groups.
    out_groups: u32,
    // Distances in texels: of adjacent columns, of groups, and of images.
    x_column: u32,
    x_group: u32,
    x_image: u32,
    dy_column: u32,
    dy_group: u32,
    dy_image: u32,
}

@group(0) @binding(1) var<uniform> p: Params;

// One of the parts that the work of all threads is cut into.
struct Share {
    // A tap, or a row of taps, of a channel group of the inputs of one convolution group.
    task: u32,
    // A block of outputs, and a run of lines: past the end where there is nothing left.
    block: u32,
    part: u32,
}

// The share of thread number `thread` where each block of each run has `tasks`.
fn share(thread: u32, tasks: u32) -> Share {
    let others = quotient(thread, tasks);
    let part = quotient(others, p.blocks);
    return Share(thread - others * tasks, others - part * p.blocks, part);
}
