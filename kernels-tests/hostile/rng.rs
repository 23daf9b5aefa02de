//! Reproducible choices.

/// A xorshift generator.
pub struct Rng(u64);

impl Rng {
    /// The choices of case `seed`.
    pub fn new(seed: u64) -> Self {
        Self((seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// Any number.
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `end`; 0 where that is 0.
    pub fn below(&mut self, end: usize) -> usize {
        if end == 0 { 0 } else { (self.next() >> 16) as usize % end }
    }

    /// One of them.
    pub fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())].clone()
    }

    /// A place in `from`; `None` where that is empty.
    pub fn place<'a, T>(&mut self, from: &'a mut [T]) -> Option<&'a mut T> {
        let at = self.below(from.len());
        from.get_mut(at)
    }

    /// Replaces one element, where there is any, by one of `by`.
    pub fn set<T: Clone>(&mut self, elements: &mut [T], by: &[T]) {
        let new = self.pick(by);
        if let Some(old) = self.place(elements) {
            *old = new;
        }
    }
}
