// `a / b` for quotients below 2^21: the float quotient is then off by less than one. Integer division is a loop of
// scalar divisions on CPU devices and a long sequence on GPUs.
fn quotient(a: u32, b: u32) -> u32 {
    let guess = u32(f32(a) / f32(b));
    let rest = bitcast<i32>(a - guess * b);
    return select(select(guess, guess + 1u, rest >= bitcast<i32>(b)), guess - 1u, rest < 0);
}
