//! Damage to the bytes of a file.

use crate::rng::Rng;

/// Damages `bytes` in one to four ways; `other` is a file to splice with.
pub fn damage(mut bytes: Vec<u8>, other: &[u8], rng: &mut Rng) -> Vec<u8> {
    for _ in 0..=rng.below(4) {
        if bytes.is_empty() {
            break;
        }
        let at = rng.below(bytes.len());
        let length = rng.below((bytes.len() - at).min(64)) + 1;
        match rng.below(7) {
            0 => bytes.truncate(at),
            1 | 2 => bytes[at] ^= 1 << rng.below(8),
            3 => bytes[at] = rng.pick(&[0, 1, 0x7f, 0x80, 0xff]),
            4 => drop(bytes.drain(at..at + length)),
            5 => {
                let copy = bytes[at..at + length].to_vec();
                let to = rng.below(bytes.len());
                bytes.splice(to..to, copy);
            }
            _ => {
                let from = rng.below(other.len());
                bytes.truncate(at);
                bytes.extend(&other[from..]);
            }
        }
    }
    // Lengths and sizes are variable-length integers: now and then one becomes as large as they get.
    if rng.below(4) == 0 && bytes.len() > 12 {
        let at = rng.below(bytes.len() - 10);
        bytes.splice(at..at + 1, [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]);
    }
    bytes
}
