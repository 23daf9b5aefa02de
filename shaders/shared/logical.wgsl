// Where live channel groups are in the order of live channels. Needs "live".

// How many channels of a record live.
fn live_channels(record: u32) -> u32 {
    var channels = 0u;
    for (var s = 0u; s < live[record]; s++) {
        channels += live[record + 3u + 2u * s];
    }
    return channels;
}

// The number of live channels before the `i`-th live group of a record.
fn channels_before(record: u32, i: u32) -> u32 {
    var rest = i;
    var channels = 0u;
    for (var s = 0u; s < live[record]; s++) {
        let here = live[record + 3u + 2u * s];
        let groups = (here + 3u) / 4u;
        if (rest < groups) {
            return channels + 4u * rest;
        }
        rest -= groups;
        channels += here;
    }
    return channels;
}
