// y = (x - mean) inverse scale + shift with the statistics of "norm_statistics"; with `blocks` every channel has those of
// its block.

#include "live"
#include "element"

struct Params {
    record: u32,
    images: u32,
    pixels: u32,
    groups: u32,
    // Adjacent pixels that share statistics.
    run: u32,
    // Distances between neighbours in `statistics`.
    step_image: u32,
    step_line: u32,
    // The same in `coefficients`, in pairs of scale and shift.
    pair_image: u32,
    pair_group: u32,
    pair_pixel: u32,
}

@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> x: array<vec4f>;
@group(0) @binding(3) var<storage, read> statistics: array<vec2f>;
@group(0) @binding(4) var<storage, read> coefficients: array<vec4f>;
// The block of every stored channel.
@group(0) @binding(5) var<storage, read> owners: array<vec4u>;
@group(0) @binding(6) var<storage, read_write> y: array<vec4f>;

@compute @workgroup_size(64)
fn main(
    @builtin(global_invocation_id) id: vec3u,
    @builtin(num_workgroups) grid: vec3u,
) {
    let e = element(p.record, id.x + id.z * grid.x * 64u, p.images, p.pixels);
    if (e.lanes == 0u) {
        return;
    }
    let line = e.pixel / p.run;
    let first = e.image * p.step_image + line * p.step_line;
#if blocks
    let owner = owners[e.group];
#for lane in "xyzw"
    let s${lane} = statistics[first + owner.${lane}];
#endfor
    let mean = vec4f(sx.x, sy.x, sz.x, sw.x);
    let inverse = vec4f(sx.y, sy.y, sz.y, sw.y);
#else
    let found = statistics[first];
    let mean = vec4f(found.x);
    let inverse = vec4f(found.y);
#endif
    let at = (e.image * p.groups + e.group) * p.pixels + e.pixel;
    let c = 2u * (e.image * p.pair_image + e.group * p.pair_group + (e.pixel - line * p.run) * p.pair_pixel);
    y[at] = mask_lanes((x[at] - mean) * inverse * coefficients[c] + coefficients[c + 1u], e.lanes);
}
