// The sums of a loss: every workgroup adds `p.span` pixels of one image in a fixed order and writes one pair of sum
// and count, so that no total depends on the batch or on which candidates share a submission. Needs "live", `p`,
// `results`, and `term(image, pixel) -> Term`.

const UNLABELLED = 0xffffffffu;

struct Term {
    sum: f32,
    count: u32,
    // Not 0 where something was not finite. WGSL may assume that no float is: only bits tell.
    broken: u32,
}

var<workgroup> sums: array<f32, 64>;
var<workgroup> counts: array<u32, 64>;
var<workgroup> flags: array<u32, 64>;

fn not_finite(v: vec4f) -> u32 {
    let exponents = bitcast<vec4u>(v) & vec4u(0x7f800000u);
    return u32(any(exponents == vec4u(0x7f800000u)));
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) id: vec3u, @builtin(local_invocation_index) thread: u32) {
    var sum = 0.0;
    var count = 0u;
    var broken = 0u;
    let end = min((id.x + 1u) * p.span, p.pixels);
    for (var pixel = id.x * p.span + thread; pixel < end; pixel += 64u) {
        let t = term(id.y, pixel);
        sum += t.sum;
        count += t.count;
        broken |= t.broken;
    }
    sums[thread] = sum;
    counts[thread] = count;
    flags[thread] = broken;
    workgroupBarrier();
    for (var other = 32u; other > 0u; other >>= 1u) {
        if (thread < other) {
            sums[thread] += sums[thread + other];
            counts[thread] += counts[thread + other];
            flags[thread] |= flags[thread + other];
        }
        workgroupBarrier();
    }
    if (thread == 0u) {
        let at = live[0] * p.stride + p.base + id.y * p.partials + id.x;
        let bits = select(bitcast<u32>(sums[0]), 0x7fc00000u, flags[0] != 0u);
        results[at] = vec2u(bits, bitcast<u32>(f32(counts[0])));
    }
}
