// Weighted sums along one axis of images: rows (axis 0) or columns (axis 1). `taps` holds, for every output along the
// axis, the inputs along it that it reads, each with its weight; the list of an output ends at a negative one. Lines
// lie across the axis. A thread computes one output of every `blocks`-th line.

#include "live"
#include "element"

struct Params {
    record: u32,
    images: u32,
    groups: u32,
    // Outputs and inputs along the axis, and how many taps an output has at most.
    length: u32,
    in_length: u32,
    taps: u32,
    lines: u32,
    blocks: u32,
}

@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> x: array<vec4f>;
@group(0) @binding(3) var<storage, read> taps: array<vec2f>;
@group(0) @binding(4) var<storage, read_write> y: array<vec4f>;

@compute @workgroup_size(64)
fn main(
    @builtin(global_invocation_id) id: vec3u,
    @builtin(num_workgroups) grid: vec3u,
) {
    let e = element(p.record, id.x + id.z * grid.x * 64u, p.images, p.length * p.blocks);
    if (e.lanes == 0u) {
        return;
    }
    let plane = (e.image * p.groups + e.group) * p.lines;
#if axis == 0
    let at = quotient(e.pixel, p.blocks);
    let line0 = e.pixel - at * p.blocks;
#else
    let line0 = quotient(e.pixel, p.length);
    let at = e.pixel - line0 * p.length;
#endif
#for i in range(lines)
# if i > 0
    let line${i} = line${i - 1} + p.blocks;
# endif
    // A line past the end reads the last one.
# if axis == 0
    let from${i} = plane * p.in_length + min(line${i}, p.lines - 1u);
# else
    let from${i} = (plane + min(line${i}, p.lines - 1u)) * p.in_length;
# endif
    var sum${i} = vec4f(0.0);
#endfor
    for (var i = 0u; i < p.taps; i++) {
        let tap = taps[at * p.taps + i];
        if (tap.x < 0.0) {
            break;
        }
#if axis == 0
        let step = u32(tap.x) * p.lines;
#else
        let step = u32(tap.x);
#endif
#for i in range(lines)
        sum${i} += tap.y * x[from${i} + step];
#endfor
    }
#for i in range(lines)
    if (line${i} < p.lines) {
# if axis == 0
        y[plane * p.length + at * p.lines + line${i}] = mask_lanes(sum${i}, e.lanes);
# else
        y[(plane + line${i}) * p.length + at] = mask_lanes(sum${i}, e.lanes);
# endif
    }
#endfor
}
