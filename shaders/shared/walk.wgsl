// How convolutions walk live input groups and their weights. Needs "live".

// The stored channel groups of a segment of a record that live: from x to below y.
fn segment(record: u32, s: u32) -> vec2u {
    let first = live[record + 2u + 2u * s];
    return vec2u(first, first + (live[record + 3u + 2u * s] + 3u) / 4u);
}

// `i`, which is below 2^27 as every texel's index is (plans bind at most 2 GiB). Compilers that know so add the
// constants after it in the load itself.
fn near(i: u32) -> u32 {
    return i & 0x7ffffffu;
}
