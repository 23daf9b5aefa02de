// Which element of its output a thread of an elements grid computes (see `Grid::Elements`). Needs "live".

struct Element {
    // The stored channel group, and how many of its lanes exist: 0 where the thread is past the end.
    group: u32,
    lanes: u32,
    image: u32,
    pixel: u32,
}

// `a / b` for quotients below 2^21: the float quotient is then off by less than one. Integer division is a loop of
// scalar divisions on CPU devices and a long sequence on GPUs.
fn quotient(a: u32, b: u32) -> u32 {
    let guess = u32(f32(a) / f32(b));
    let rest = bitcast<i32>(a - guess * b);
    return select(select(guess, guess + 1u, rest >= bitcast<i32>(b)), guess - 1u, rest < 0);
}

// Element `index` of the live groups of `record`: groups are outermost, then images, then pixels.
fn element(record: u32, index: u32, images: u32, pixels: u32) -> Element {
    let per_group = images * pixels;
    let i = quotient(index, per_group);
    let rest = index - i * per_group;
    let image = quotient(rest, pixels);
    let found = nth_group(record, i);
    return Element(found.group, found.lanes, image, rest - image * pixels);
}
