// Matrix product over any axes: y = Σ a b along one axis of both. Where an operand's element for an output element is,
// is a sum of one entry for the image, one for the channel, one for the row and one for the column of the output, and
// a term of the sum adds one more. `tables` holds these entries for `a` and then for `b`: images, stored channels, rows,
// columns. A thread computes the 4 channels of one output pixel.
//
// How an operand is read: 0 is one element for all 4 channels, 1 is 4 adjacent ones (entries then count vec4s), 2 is
// any 4. With `inner` the sum runs over the live channels of a record, in stored order, and `tables` goes on with the
// terms' entries for every stored channel, first of `a`, then of `b`; otherwise terms are a fixed distance apart.

#include "live"
#include "element"

struct Params {
    record: u32,
    images: u32,
    pixels: u32,
    width: u32,
    height: u32,
    groups: u32,
    // Terms of a sum and their distances, or the record of live terms and how many the tables hold.
    terms: u32,
    step_a: u32,
    step_b: u32,
    inner_record: u32,
    inner_places: u32,
}

@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> a: array<${"vec4f" if a == 1 else "f32"}>;
@group(0) @binding(3) var<storage, read> b: array<${"vec4f" if b == 1 else "f32"}>;
@group(0) @binding(4) var<storage, read> tables: array<u32>;
@group(0) @binding(5) var<storage, read_write> y: array<vec4f>;

// Where an operand is for one output element; its entries start at `table`.
struct Place {
    // Without the channel.
    base: u32,
    // The entries of the channels of a group.
    channels: u32,
}

fn place(table: u32, e: Element) -> Place {
    let row = quotient(e.pixel, p.width);
    let channels = table + p.images;
    let rows = channels + 4u * p.groups;
    let base = tables[table + e.image] + tables[rows + row] + tables[rows + p.height + e.pixel - row * p.width];
    return Place(base, channels + 4u * e.group);
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
    let entries = p.images + 4u * p.groups + p.height + p.width;
#for name, mode in [("a", a), ("b", b)]
    let place_${name} = place(${"0u" if name == "a" else "entries"}, e);
#for lane in range(4 if mode == 2 else 1)
    let ${name}${lane} = place_${name}.base + tables[place_${name}.channels + ${lane}u];
#endfor
#endfor
    var sum = vec4f(0.0);
#if inner
    let terms_a = 2u * entries;
    let terms_b = terms_a + p.inner_places;
    for (var s = 0u; s < live[p.inner_record]; s++) {
        let first = 4u * live[p.inner_record + 2u + 2u * s];
        let end = first + live[p.inner_record + 3u + 2u * s];
        for (var term = first; term < end; term++) {
            let ta = tables[terms_a + term];
            let tb = tables[terms_b + term];
#else
    var ta = 0u;
    var tb = 0u;
    for (var term = 0u; term < p.terms; term++) {
        {
#endif
#for name, mode in [("a", a), ("b", b)]
#if mode == 2
            let v${name} = vec4f({% for lane in range(4) %}${name}[${name}${lane} + t${name}]${", " if not loop.last}{% endfor %});
#else
            let v${name} = ${name}[${name}0 + t${name}];
#endif
#endfor
            sum = sum + va * vb;
        }
#if not inner
        ta += p.step_a;
        tb += p.step_b;
#endif
    }
    y[(e.image * p.groups + e.group) * p.pixels + e.pixel] = mask_lanes(sum, e.lanes);
}
