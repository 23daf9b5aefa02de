//! Which live output channel groups a kernel of a convolution computes, where several share them.

/// Which live output channel groups a kernel computes, of several kernels that differ in how many a thread or a workgroup has: so
/// many blocks of `size`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blocks {
    /// Channel groups of a block of this kernel: `largest` or less.
    pub size: u32,
    /// Channel groups of the largest block.
    pub largest: u32,
    /// How all are cut.
    pub way: Way,
}

/// How live channel groups are cut into blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Into as few blocks as there must be, none above the largest.
    Alike {
        /// Whether no group is computed in vain: by two kernels, whose blocks differ by one group, the larger first. Else all blocks
        /// are of the least size, by one kernel.
        exact: bool,
    },
    /// Into as many of the largest as there are, and blocks of `rest` behind them, or one more of the largest where those
    /// would compute as much.
    Tiles {
        /// Groups of a block behind the largest.
        rest: u32,
    },
    /// Their number, rounded up to a multiple of `least`, into as many of the largest as it has. The rest is one block, or where
    /// it is larger than [`Blocks::REST`], blocks of powers of two, and one for what is left of that. Where that would take several
    /// kernels and equal blocks compute hardly more, one kernel computes those.
    Powers {
        /// Channel groups of the smallest block.
        least: u32,
        /// How equal blocks are used, where there is a kernel for them.
        equal: Option<Equal>,
    },
}

/// Blocks of [`Equal::SIZE`] channel groups in place of others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Equal {
    /// Whether it is this kernel that computes them.
    pub own: bool,
    /// How many channel groups they may compute in vain.
    pub spare: u32,
}

impl Equal {
    /// Channel groups of a block.
    pub const SIZE: u32 = 6;

    /// Whether `live` channel groups are cut so.
    fn cuts(self, live: u32) -> bool {
        let several = live > Blocks::REST && !live.is_multiple_of(Blocks::REST);
        several && live.next_multiple_of(Self::SIZE) - live <= self.spare
    }
}

impl Blocks {
    /// The largest rest that is one block.
    pub const REST: u32 = 8;

    /// The sizes of all kernels together that cut by [`Way::Powers`], largest first: what any number of groups needs.
    pub fn sizes(largest: u32, least: u32) -> Vec<u32> {
        let powers = std::iter::successors(Some(largest), |size| Some(size / 2));
        let rests = (1..largest.min(Self::REST) / least).rev().map(|count| count * least);
        powers.take_while(|&size| size >= largest.min(Self::REST)).chain(rests).collect()
    }

    /// Blocks of one size.
    pub const fn only(size: u32) -> Self {
        Self { size, largest: size, way: Way::Powers { least: size, equal: None } }
    }

    /// Blocks of up to `largest` channel groups that are alike, see [`Way::Alike`]: by one kernel for each size.
    pub fn alike(largest: u32, exact: bool) -> impl Iterator<Item = Self> {
        (1..=largest).rev().map(move |size| Self { size, largest, way: Way::Alike { exact } })
    }

    /// The most groups for which there is one block, whatever their number.
    pub fn most(self) -> u32 {
        match self.way {
            Way::Alike { .. } => self.largest,
            Way::Tiles { rest } => rest,
            Way::Powers { .. } => self.largest.min(Self::REST),
        }
    }

    /// The blocks of `live` channel groups that are of this size.
    pub fn count(self, live: u32) -> u32 {
        let Self { size, largest, .. } = self;
        match self.way {
            Way::Alike { exact } => {
                let blocks = live.div_ceil(largest);
                let most = live.div_ceil(blocks.max(1));
                let smaller = if exact { blocks * most - live } else { 0 };
                match size {
                    _ if size == most => blocks - smaller,
                    _ if size + 1 == most => smaller,
                    _ => 0,
                }
            }
            Way::Tiles { rest } => {
                let behind = (live % largest).div_ceil(rest);
                let joins = behind * rest >= largest;
                match size == largest {
                    true => live / largest + u32::from(joins),
                    false if joins => 0,
                    false => behind,
                }
            }
            Way::Powers { least, equal } => {
                let live = live.next_multiple_of(least);
                let cuts = equal.is_some_and(|equal| equal.cuts(live));
                match size {
                    _ if cuts != self.is_equal() => 0,
                    size if cuts => live.div_ceil(size),
                    size if size == largest => live / size,
                    size if size >= Self::REST => live / size % 2,
                    size => u32::from(live % self.rest() == size),
                }
            }
        }
    }

    /// Whether it is the kernel of equal blocks.
    fn is_equal(self) -> bool {
        matches!(self.way, Way::Powers { equal: Some(Equal { own: true, .. }), .. })
    }

    /// Whether it computes any of up to `groups` live channel groups.
    pub fn fits(self, groups: u32) -> bool {
        match self.way {
            Way::Powers { .. } if self.is_equal() => groups.next_multiple_of(self.least()) > Self::REST,
            Way::Tiles { rest } if self.size == self.largest => groups + rest > self.largest,
            Way::Tiles { .. } | Way::Powers { .. } | Way::Alike { .. } => {
                self.size <= groups.next_multiple_of(self.least())
            }
        }
    }

    /// What the number of groups is rounded up to.
    pub(super) fn least(self) -> u32 {
        match self.way {
            Way::Alike { .. } => 1,
            Way::Tiles { rest } => rest,
            Way::Powers { least, .. } => least,
        }
    }

    /// What is cut into whole blocks before the last one, a multiple of it.
    pub(super) fn rest(self) -> u32 {
        match self.size {
            _ if !matches!(self.way, Way::Powers { .. }) => self.largest,
            size if size >= Self::REST => 2 * size,
            _ => self.largest.min(Self::REST),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many blocks of each size, largest first, compute `live` groups.
    fn counts(live: u32, blocks: impl Iterator<Item = Blocks>) -> Vec<u32> {
        blocks.map(|blocks| blocks.count(live)).collect()
    }

    #[test]
    fn alike_blocks_are_as_few_as_there_must_be() {
        let even = |live| counts(live, Blocks::alike(4, false));
        assert_eq!(
            [1, 4, 5, 10, 13].map(even),
            [vec![0, 0, 0, 1], vec![1, 0, 0, 0], vec![0, 2, 0, 0], vec![3, 0, 0, 0], vec![4, 0, 0, 0]]
        );
        let exact = |live| counts(live, Blocks::alike(4, true));
        assert_eq!(
            [1, 5, 6, 9, 10, 13].map(exact),
            [
                vec![0, 0, 0, 1],
                vec![0, 1, 1, 0],
                vec![0, 2, 0, 0],
                vec![0, 3, 0, 0],
                vec![1, 2, 0, 0],
                vec![1, 3, 0, 0]
            ]
        );
        for live in 0..100 {
            let computed: u32 = Blocks::alike(4, true).map(|blocks| blocks.count(live) * blocks.size).sum();
            assert_eq!(computed, live);
        }
    }

    #[test]
    fn tiles_end_in_smaller_blocks_where_these_compute_less() {
        let of = |rest| [16, rest].map(|size| Blocks { size, largest: 16, way: Way::Tiles { rest } });
        let counts = |live, rest| counts(live, of(rest).into_iter());
        assert_eq!(
            [0, 3, 12, 13, 16, 20, 29].map(|live| counts(live, 4)),
            [[0, 0], [0, 1], [0, 3], [1, 0], [1, 0], [1, 1], [2, 0]]
        );
        assert_eq!([14, 15, 30].map(|live| counts(live, 2)), [[0, 7], [1, 0], [1, 7]]);
        for (live, rest) in (0..100).flat_map(|live| [2, 4].map(|rest| (live, rest))) {
            let computed: u32 = of(rest).iter().map(|blocks| blocks.count(live) * blocks.size).sum();
            assert!((live..live + rest).contains(&computed), "{live}: {computed}");
            assert!(of(rest).iter().all(|blocks| blocks.count(live) == 0 || blocks.fits(live)));
        }
        assert!(!of(4)[0].fits(12) && of(4)[0].fits(13));
    }
}
