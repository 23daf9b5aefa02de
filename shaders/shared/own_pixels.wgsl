// The pixels that a thread has: those of one channel group of one image, from its own on every `p.threads`-th. `p` has
// images, channels, pixels, groups and threads. Channels are whole and in order. Needs "live" and "element".

struct Own {
    // The channel group, and how many of its lanes exist: 0 where the thread is past the end.
    group: u32,
    lanes: u32,
    // The vec4s of the pixels: from `first` to below `end`.
    first: u32,
    end: u32,
}

// Groups are outermost, then images, then threads.
fn own_pixels(thread: u32) -> Own {
    let per_group = p.images * p.threads;
    let group = quotient(thread, per_group);
    let rest = thread - group * per_group;
    let image = quotient(rest, p.threads);
    let start = (image * p.groups + group) * p.pixels;
    if (group >= p.groups) {
        return Own(0u, 0u, 0u, 0u);
    }
    return Own(group, min(p.channels - 4u * group, 4u), start + rest - image * p.threads, start + p.pixels);
}
