// The live channel table (see src/kernels/live.rs) and how a kernel walks it.
// record: [segments, live groups, then (first group, live channels) per segment]

@group(0) @binding(0) var<storage, read> live: array<u32>;

// One live channel group: where it is stored and how many of its 4 lanes exist.
struct LiveGroup {
    group: u32,
    lanes: u32,
}

// The number of live channel groups of a record.
fn live_groups(record: u32) -> u32 {
    return live[record + 1u];
}

// The `i`-th live channel group of a record; one without lanes where `i` is past the end.
fn nth_group(record: u32, i: u32) -> LiveGroup {
    let segments = live[record];
    var rest = i;
    var found = LiveGroup(0u, 0u);
    for (var s = 0u; s < segments; s++) {
        let first = live[record + 2u + 2u * s];
        let channels = live[record + 3u + 2u * s];
        let groups = (channels + 3u) / 4u;
        if (rest < groups) {
            found = LiveGroup(first + rest, min(channels - 4u * rest, 4u));
            break;
        }
        rest -= groups;
    }
    return found;
}

// The `i`-th live channel group of a record; the last one where `i` is past the end.
fn live_group(record: u32, i: u32) -> LiveGroup {
    return nth_group(record, min(i, max(live_groups(record), 1u) - 1u));
}

// Zeroes the lanes of a group that do not exist.
fn mask_lanes(v: vec4f, lanes: u32) -> vec4f {
    return select(vec4f(0.0), v, vec4u(0u, 1u, 2u, 3u) < vec4u(lanes));
}
