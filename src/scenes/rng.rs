//! A small seeded generator: PCG32 with the sampling helpers the scenes need.

use super::vector::{Vec3, vec3};

/// PCG32 (XSH RR); one picture owns one stream.
#[derive(Clone)]
pub struct Rng {
    state: u64,
    increment: u64,
}

/// SplitMix64's finaliser: spreads neighbouring integers over all 64 bits.
pub fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl Rng {
    /// The generator of picture `index` of data set `seed`.
    pub fn new(seed: u64, index: u64) -> Self {
        let key = mix(mix(seed) ^ index);
        let mut rng = Self { state: key, increment: mix(key) | 1 };
        rng.next_u32();
        rng
    }

    /// The next 32 random bits.
    pub fn next_u32(&mut self) -> u32 {
        let old = self.state;
        self.state = old.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(self.increment);
        let shifted = (((old >> 18) ^ old) >> 27) as u32;
        shifted.rotate_right((old >> 59) as u32)
    }

    /// Uniform in `[0, 1)`, a multiple of 2^-24.
    pub fn unit(&mut self) -> f32 {
        (self.next_u32() >> 8) as f32 * (1.0 / 16_777_216.0)
    }

    /// Uniform in `[low, high)`.
    pub fn range(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.unit()
    }

    /// Uniform among `0..count`.
    pub fn below(&mut self, count: usize) -> usize {
        ((u64::from(self.next_u32()) * count as u64) >> 32) as usize
    }

    /// True with the given probability.
    pub fn chance(&mut self, probability: f32) -> bool {
        self.unit() < probability
    }

    /// One of `items`, which must not be empty.
    pub fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len())]
    }

    /// Approximately standard normal (a sum of four uniforms), without transcendentals.
    pub fn normal(&mut self) -> f32 {
        let sum = self.unit() + self.unit() + self.unit() + self.unit();
        (sum - 2.0) * 1.732_050_8
    }

    /// Uniform inside the unit ball.
    pub fn in_ball(&mut self) -> Vec3 {
        loop {
            let point = vec3(self.range(-1.0, 1.0), self.range(-1.0, 1.0), self.range(-1.0, 1.0));
            if point.dot(point) <= 1.0 {
                return point;
            }
        }
    }

    /// A linear colour with a random hue, the given saturation and value.
    pub fn colour(&mut self, saturation: f32, value: f32) -> Vec3 {
        let hue = self.range(0.0, 6.0);
        let channel = |offset: f32| {
            let position = (hue + offset) % 6.0;
            let ramp = ((position - 3.0).abs() - 1.0).clamp(0.0, 1.0);
            value * (1.0 - saturation + saturation * ramp)
        };
        vec3(channel(0.0), channel(4.0), channel(2.0))
    }
}
