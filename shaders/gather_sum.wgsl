// Sums of moved elements: what an output element adds up lies at all sums of one entry each from the lists of its
// image, its row, its column, its channel, and a list that all share; entries are (image, channel, pixel, 1 behind the
// end of a list). Channels are logical; their lanes stand in the table from `map` on.

#include "live"
#include "element"

struct Params {
    record: u32,
    images: u32,
    pixels: u32,
    width: u32,
    groups: u32,
    in_pixels: u32,
    in_groups: u32,
    // Where the lists of each kind begin, after those of images, and how long each list is.
    image_terms: u32,
    channels: u32,
    channel_terms: u32,
    rows: u32,
    row_terms: u32,
    columns: u32,
    column_terms: u32,
    others: u32,
    other_terms: u32,
    map: u32,
}

@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read> table: array<vec4u>;
@group(0) @binding(4) var<storage, read_write> y: array<vec4f>;

// Terms that are added to one another before they are added to others.
const RUN = 64u;

// All that channel `lane` of the output reads around `place`.
fn terms(place: vec4u, lane: u32) -> f32 {
    var sum = 0.0;
    let list = p.channels + lane * p.channel_terms;
    for (var k = 0u; k < p.channel_terms; k++) {
        let source = place + table[list + k];
        if (source.w > 0u) {
            break;
        }
        let stored = table[p.map + source.y].y;
        let plane = source.x * p.in_groups + stored / 4u;
        sum += x[4u * (plane * p.in_pixels + source.z) + stored % 4u];
    }
    return sum;
}

// All that the lanes of `group` that exist read around `place`.
fn other_terms(place: vec4u, group: u32, lanes: u32) -> vec4f {
    var sum = vec4f(0.0);
    for (var first = 0u; first < p.other_terms; first += RUN) {
        var run = vec4f(0.0);
        for (var k = first; k < min(first + RUN, p.other_terms); k++) {
            let here = place + table[p.others + k];
#for lane in ["x", "y", "z", "w"]
            if (lanes > ${loop.index0}u) {
                run.${lane} += terms(here, 4u * group + ${loop.index0}u);
            }
#endfor
        }
        sum += run;
    }
    return sum;
}

@compute @workgroup_size(64)
fn main(
    @builtin(global_invocation_id) id: vec3u,
    @builtin(num_workgroups) grid: vec3u,
) {
    let e = element(p.record, id.x + id.z * grid.x * 64u, p.images, p.pixels);
    if (e.lanes == 0u) {
        return;
    }
    let row = quotient(e.pixel, p.width);
    let column = e.pixel - row * p.width;
    var sum = vec4f(0.0);
    for (var i = 0u; i < p.image_terms; i++) {
        let image = table[e.image * p.image_terms + i];
        if (image.w > 0u) {
            break;
        }
        for (var j = 0u; j < p.row_terms; j++) {
            let above = image + table[p.rows + row * p.row_terms + j];
            if (above.w > 0u) {
                break;
            }
            for (var k = 0u; k < p.column_terms; k++) {
                let place = above + table[p.columns + column * p.column_terms + k];
                if (place.w > 0u) {
                    break;
                }
                sum += other_terms(place, e.group, e.lanes);
            }
        }
    }
    y[(e.image * p.groups + e.group) * p.pixels + e.pixel] = sum;
}
