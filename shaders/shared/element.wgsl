// Which element of its output a thread of an elements grid computes (see `Grid::Elements`). Needs "live".

struct Element {
    // The stored channel group, and how many of its lanes exist: 0 where the thread is past the end.
    group: u32,
    lanes: u32,
    image: u32,
    pixel: u32,
}

#include "quotient"

// Element `index` of the live groups of `record`: groups are outermost, then images, then pixels.
fn element(record: u32, index: u32, images: u32, pixels: u32) -> Element {
    let per_group = images * pixels;
    let i = quotient(index, per_group);
    let rest = index - i * per_group;
    let image = quotient(rest, pixels);
    let found = nth_group(record, i);
    return Element(found.group, found.lanes, image, rest - image * pixels);
}
