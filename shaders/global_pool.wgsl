// A mean, sum, maximum or norm over all pixels: one workgroup for each live channel group of an image. The order of
// the additions depends on the number of pixels alone: 64 parts, joined by halves. With a subgroup size, a workgroup is one
// subgroup, whose lanes have several parts each.

#include "live"
#include "element"
#include "extreme"

struct Params {
    record: u32,
    images: u32,
    pixels: u32,
    groups: u32,
}

@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> x: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4f>;
#set own = 64 // subgroup if subgroup else 1
#set halves = [32, 16, 8, 4, 2, 1]
#if not subgroup

var<workgroup> parts: array<vec4f, 64>;
#endif

fn join(a: vec4f, b: vec4f) -> vec4f {
#if reduction == 2
    return larger(a, b);
#else
    return a + b;
#endif
}

@compute @workgroup_size(${workgroup})
fn main(
    @builtin(workgroup_id) workgroup: vec3u,
    @builtin(num_workgroups) grid: vec3u,
#if subgroup
    @builtin(subgroup_invocation_id) thread: u32,
#else
    @builtin(local_invocation_index) thread: u32,
#endif
) {
    // A workgroup past the end reduces group 0 once more and stores nothing.
    let e = element(p.record, workgroup.x + workgroup.z * grid.x, p.images, 1u);
    let plane = e.image * p.groups + e.group;
    let first = plane * p.pixels;
#for j in range(own)
#if reduction == 2
    var part${j} = x[first + min(thread + ${j * subgroup}u, p.pixels - 1u)];
#else
    var part${j} = vec4f(0.0);
#endif
#endfor
    for (var pixel = thread; pixel < p.pixels; pixel += 64u) {
#for j in range(own)
        let v${j} = x[first + min(pixel + ${j * subgroup}u, p.pixels - 1u)];
#if reduction == 3
        let joined${j} = join(part${j}, v${j} * v${j});
#else
        let joined${j} = join(part${j}, v${j});
#endif
        part${j} = select(part${j}, joined${j}, pixel + ${j * subgroup}u < p.pixels);
#endfor
    }
#if subgroup
#for half in halves if half >= subgroup
#for j in range(half // subgroup)
    part${j} = join(part${j}, part${j + half // subgroup});
#endfor
#endfor
#for half in halves if half < subgroup
    part0 = join(part0, subgroupShuffleXor(part0, ${half}u));
#endfor
    let whole = part0;
#else
    parts[thread] = part0;
#for half in halves
    workgroupBarrier();
    if (thread < ${half}u) {
        parts[thread] = join(parts[thread], parts[thread + ${half}u]);
    }
#endfor
    let whole = parts[0];
#endif
    if (thread == 0u && e.lanes > 0u) {
#if reduction == 0
        let result = whole / f32(p.pixels);
#elif reduction == 3
        let result = sqrt(whole);
#else
        let result = whole;
#endif
        y[plane] = mask_lanes(result, e.lanes);
    }
}
