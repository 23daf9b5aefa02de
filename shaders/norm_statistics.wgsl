// Mean and inverse deviation of sets of elements that span channels, for "norm_apply". A set is some adjacent pixels
// (of one image, or of all) in all live channels or, with `blocks`, in the channels of one block. With `reduce` a
// workgroup shares the pixels of a set, otherwise a thread has a set. At a pixel the sum is one chain over live channels
// in stored order, so the order of all additions depends on the number of pixels alone.

#include "live"
#include "element"
#if reduce
#include "moments"
#endif
#if not blocks
#include "logical"
#endif

struct Params {
    // The channel layout; with blocks that of the blocks, each a group of its own.
    record: u32,
    // Images with statistics of their own.
    images: u32,
    // Pixels of one channel of one image, and stored channel groups.
    pixels: u32,
    groups: u32,
    // Adjacent pixels of a set, and sets of one image (with blocks: of one block of one image).
    run: u32,
    lines: u32,
    // Images that a set goes through.
    depth: u32,
    // Channels of a block, and statistics of one image, with blocks.
    block: u32,
    blocks: u32,
    epsilon: f32,
}

@group(0) @binding(1) var<uniform> p: Params;
#if blocks
@group(0) @binding(2) var<storage, read> x: array<f32>;
#else
@group(0) @binding(2) var<storage, read> x: array<vec4f>;
#endif
// The stored channels of the blocks, one block after the other.
@group(0) @binding(3) var<storage, read> members: array<u32>;
@group(0) @binding(4) var<storage, read_write> statistics: array<vec2f>;

#macro chain(value)
#if blocks
    for (var j = 0u; j < p.block; j++) {
        let place = members[block * p.block + j];
        let v = x[4u * (base + (place / 4u) * p.pixels) + place % 4u];
        sum = sum + ${value};
    }
#else
    for (var s = 0u; s < live[p.record]; s++) {
        let first = live[p.record + 2u + 2u * s];
        let channels = live[p.record + 3u + 2u * s];
        for (var c = 0u; c < channels; c += 4u) {
            let v = x[base + (first + c / 4u) * p.pixels];
            let m = mask_lanes(${value}, min(channels - c, 4u));
            sum = sum + m.x + m.y + m.z + m.w;
        }
    }
#endif
#endmacro

// The sum at pixel `base` of channel group 0 of what a set has there.
fn values(base: u32, block: u32) -> f32 {
    var sum = 0.0;
${chain("v")}
    return sum;
}

fn squares(base: u32, block: u32, mean: f32) -> f32 {
    var sum = 0.0;
${chain("(v - mean) * (v - mean)")}
    return sum;
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) workgroup: vec3u,
    @builtin(num_workgroups) grid: vec3u,
    @builtin(local_invocation_index) thread: u32,
) {
    let id = workgroup.x + workgroup.z * grid.x;
#if reduce
    let item = id;
    let start = thread;
    let step = 64u;
#else
    let item = id * 64u + thread;
    let start = 0u;
    let step = 1u;
#endif
#if blocks
    let e = element(p.record, item, p.images, p.lines);
    let block = e.group;
    let inside = e.lanes > 0u;
    let image = e.image;
    let line = e.pixel;
    let at = image * p.blocks + block;
    let channels = p.block;
#else
    let inside = item < p.images * p.lines;
    let block = 0u;
    let image = select(0u, item / p.lines, inside);
    let line = select(0u, item % p.lines, inside);
    let at = item;
    let channels = live_channels(p.record);
#endif
    let positions = p.run * p.depth;
    let terms = f32(positions * channels);
    var sum = 0.0;
    for (var i = start; i < positions; i += step) {
        let deep = i / p.run;
        sum += values((image + deep) * p.groups * p.pixels + line * p.run + i - deep * p.run, block);
    }
#if reduce
    sum = total(thread, vec4f(sum)).x;
#endif
    let mean = sum / terms;
    sum = 0.0;
    for (var i = start; i < positions; i += step) {
        let deep = i / p.run;
        sum += squares((image + deep) * p.groups * p.pixels + line * p.run + i - deep * p.run, block, mean);
    }
#if reduce
    sum = total(thread, vec4f(sum)).x;
    if (thread > 0u) {
        return;
    }
#endif
    if (inside) {
        statistics[at] = vec2f(mean, inverseSqrt(sum / terms + p.epsilon));
    }
}
