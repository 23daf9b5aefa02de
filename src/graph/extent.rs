//! Numbers in operator attributes that may depend on the sizes of a run: integer expressions over the dimensions of
//! values computed before.

use super::error::mismatch;
use super::{Graph, Mismatch, Move, Op, Target, ValueId};
use std::borrow::Cow;
use std::fmt::{Display, Formatter};

/// A size or position along an axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Extent {
    /// A number.
    Fixed(i64),
    /// A dimension of a graph input or of what an earlier node computes.
    Dim {
        /// The value.
        value: ValueId,
        /// Which dimension.
        axis: usize,
    },
    /// Two numbers combined.
    Of(Arithmetic, Box<[Extent; 2]>),
}

/// What combines two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arithmetic {
    /// `a + b`.
    Add,
    /// `a - b`.
    Sub,
    /// `a b`.
    Mul,
    /// `a / b`, rounded towards 0 as ONNX divides integers.
    Div,
    /// `a / b`, rounded down.
    FloorDiv,
    /// `a - b FloorDiv(a, b)`.
    Mod,
    /// The lesser.
    Min,
    /// The greater.
    Max,
}

/// The most parts of one expression: longer ones are an error, since each use is a copy.
const MAX_PARTS: usize = 200;

impl Arithmetic {
    /// The result; `None` where it does not exist or is too large.
    pub fn apply(self, a: i64, b: i64) -> Option<i64> {
        match self {
            Self::Add => a.checked_add(b),
            Self::Sub => a.checked_sub(b),
            Self::Mul => a.checked_mul(b),
            Self::Div => a.checked_div(b),
            Self::FloorDiv => {
                let down = a.checked_div(b)?;
                Some(if a % b != 0 && (a < 0) != (b < 0) { down - 1 } else { down })
            }
            Self::Mod => {
                let rest = a.checked_rem(b)?;
                Some(if rest != 0 && (rest < 0) != (b < 0) { rest + b } else { rest })
            }
            Self::Min => Some(a.min(b)),
            Self::Max => Some(a.max(b)),
        }
    }
}

impl Extent {
    /// Numbers.
    pub fn list(numbers: &[i64]) -> Vec<Self> {
        numbers.iter().map(|&number| Self::Fixed(number)).collect()
    }

    /// The two numbers, where they are that whatever the sizes.
    pub fn pair(pair: &[Self; 2]) -> Option<[i64; 2]> {
        Some([pair[0].fixed()?, pair[1].fixed()?])
    }

    /// The numbers of an operator whose extents are fixed.
    ///
    /// # Errors
    /// One that is yet to be computed.
    pub fn pairs(pairs: &[[Self; 2]]) -> Result<Vec<[i64; 2]>, Mismatch> {
        let pair = |pair| match Self::pair(pair) {
            Some(numbers) => Ok(numbers),
            None => mismatch("amounts", "numbers", format!("{} and {}", pair[0], pair[1])),
        };
        pairs.iter().map(pair).collect()
    }

    /// Whether it is 0 or more at any sizes, as far as its form says.
    pub fn never_negative(&self) -> bool {
        match self {
            Self::Fixed(number) => *number >= 0,
            Self::Dim { .. } => true,
            Self::Of(Arithmetic::Sub, _) => false,
            Self::Of(Arithmetic::Max, parts) => parts.iter().any(Self::never_negative),
            Self::Of(Arithmetic::Mod, parts) => parts[1].never_negative(),
            Self::Of(_, parts) => parts.iter().all(Self::never_negative),
        }
    }

    /// The number, where it is one whatever the sizes.
    pub fn fixed(&self) -> Option<i64> {
        match self {
            Self::Fixed(number) => Some(*number),
            Self::Dim { .. } | Self::Of(..) => None,
        }
    }

    /// `a` and `b` combined, computed where both are numbers; `None` where that fails or the expression grows beyond
    /// reason.
    pub fn of(arithmetic: Arithmetic, a: Self, b: Self) -> Option<Self> {
        use Arithmetic::{Add, Div, FloorDiv, Max, Min, Mul, Sub};
        match (arithmetic, &a, &b) {
            (_, Self::Fixed(a), Self::Fixed(b)) => return arithmetic.apply(*a, *b).map(Self::Fixed),
            (Add, Self::Fixed(0), _) | (Mul, Self::Fixed(1), _) => return Some(b),
            (Add | Sub, _, Self::Fixed(0)) | (Mul | Div | FloorDiv, _, Self::Fixed(1)) => return Some(a),
            (Mul, Self::Fixed(0), _) | (Mul, _, Self::Fixed(0)) => return Some(Self::Fixed(0)),
            (Sub, ..) if a == b => return Some(Self::Fixed(0)),
            (Min | Max, ..) if a == b => return Some(a),
            (Div | FloorDiv, Self::Of(Mul, parts), Self::Fixed(by)) if *by != 0 => {
                if let [whole, Self::Fixed(times)] | [Self::Fixed(times), whole] = &**parts
                    && times % by == 0
                {
                    return Self::of(Mul, whole.clone(), Self::Fixed(times / by));
                }
            }
            _ => {}
        }
        (a.parts() + b.parts() < MAX_PARTS).then(|| Self::Of(arithmetic, Box::new([a, b])))
    }

    fn parts(&self) -> usize {
        match self {
            Self::Fixed(_) | Self::Dim { .. } => 1,
            Self::Of(_, parts) => 1 + parts[0].parts() + parts[1].parts(),
        }
    }

    /// The number, given the dimensions of values; `None` where one is unknown or the arithmetic fails.
    pub fn number(&self, dim: &dyn Fn(ValueId, usize) -> Option<usize>) -> Option<i64> {
        match self {
            Self::Fixed(number) => Some(*number),
            Self::Dim { value, axis } => i64::try_from(dim(*value, *axis)?).ok(),
            Self::Of(arithmetic, parts) => arithmetic.apply(parts[0].number(dim)?, parts[1].number(dim)?),
        }
    }

    /// Puts the dimensions that `known` knows in their places.
    fn settle(&mut self, known: &dyn Fn(ValueId, usize) -> Option<usize>) {
        let settled = match self {
            Self::Fixed(_) => None,
            Self::Dim { value, axis } => known(*value, *axis).and_then(|size| i64::try_from(size).ok()),
            Self::Of(arithmetic, parts) => {
                parts.iter_mut().for_each(|part| part.settle(known));
                parts[0].fixed().zip(parts[1].fixed()).and_then(|(a, b)| arithmetic.apply(a, b))
            }
        };
        if let Some(number) = settled {
            *self = Self::Fixed(number);
        }
    }

    /// Every value whose dimensions it needs.
    pub(super) fn values(&self, found: &mut Vec<ValueId>) {
        match self {
            Self::Fixed(_) => {}
            Self::Dim { value, .. } => found.push(*value),
            Self::Of(_, parts) => parts.iter().for_each(|part| part.values(found)),
        }
    }
}

impl Op {
    /// Every number of the operator that may depend on the sizes of a run.
    pub fn extents(&self) -> Vec<&Extent> {
        match self {
            Self::Reshape { shape, .. } | Self::Move(Move::Expand { shape }) => shape.iter().collect(),
            Self::Move(Move::Slice(axes)) => axes.iter().flat_map(|axis| [&axis.start, &axis.end]).collect(),
            Self::Move(Move::Pad { amounts, .. }) => amounts.iter().flatten().collect(),
            Self::Resize(resize) => match &resize.target {
                Target::Computed(sizes) => sizes.iter().collect(),
                _ => Vec::new(),
            },
            _ => Vec::new(),
        }
    }

    /// Puts the dimensions that `known` knows into the operator's extents.
    pub fn settle(&mut self, known: &dyn Fn(ValueId, usize) -> Option<usize>) {
        let extents: Vec<&mut Extent> = match self {
            Self::Reshape { shape, .. } | Self::Move(Move::Expand { shape }) => shape.iter_mut().collect(),
            Self::Move(Move::Slice(axes)) => {
                axes.iter_mut().flat_map(|axis| [&mut axis.start, &mut axis.end]).collect()
            }
            Self::Move(Move::Pad { amounts, .. }) => amounts.iter_mut().flatten().collect(),
            Self::Resize(resize) => match &mut resize.target {
                Target::Computed(sizes) => sizes.iter_mut().collect(),
                _ => Vec::new(),
            },
            _ => Vec::new(),
        };
        extents.into_iter().for_each(|extent| extent.settle(known));
    }

    /// Every value whose dimensions the operator needs besides those of its inputs.
    pub(super) fn measured(&self) -> Vec<ValueId> {
        let mut found = Vec::new();
        self.extents().into_iter().for_each(|extent| extent.values(&mut found));
        found
    }

    /// The operator with numbers for all its extents, given the dimensions of values.
    pub(super) fn fix_by(
        &self,
        dim: &dyn Fn(ValueId, usize) -> Option<usize>,
    ) -> Result<Cow<'_, Self>, Mismatch> {
        if self.extents().iter().all(|extent| extent.fixed().is_some()) && !self.has_computed_target() {
            return Ok(Cow::Borrowed(self));
        }
        let mut op = self.clone();
        let number = |extent: &mut Extent| match extent.number(dim) {
            Some(number) => {
                *extent = Extent::Fixed(number);
                Ok(())
            }
            None => mismatch("size", "one that can be computed from the inputs'", &*extent),
        };
        match &mut op {
            Self::Reshape { shape, .. } | Self::Move(Move::Expand { shape }) => {
                shape.iter_mut().try_for_each(number)?;
            }
            Self::Move(Move::Slice(axes)) => {
                axes.iter_mut().flat_map(|axis| [&mut axis.start, &mut axis.end]).try_for_each(number)?;
            }
            Self::Move(Move::Pad { amounts, .. }) => amounts.iter_mut().flatten().try_for_each(number)?,
            Self::Resize(resize) => {
                if let Target::Computed(sizes) = &mut resize.target {
                    sizes.iter_mut().try_for_each(number)?;
                    let size = |extent: &Extent| {
                        let size = extent.fixed().and_then(|size| usize::try_from(size).ok());
                        size.map_or_else(|| mismatch("sizes", "numbers from 0 on", extent), Ok)
                    };
                    resize.target = Target::Sizes([size(&sizes[0])?, size(&sizes[1])?]);
                }
            }
            _ => {}
        }
        Ok(Cow::Owned(op))
    }

    fn has_computed_target(&self) -> bool {
        matches!(self, Self::Resize(resize) if matches!(resize.target, Target::Computed(_)))
    }

    /// The operator with numbers for all its extents, in a graph whose values have `shapes`; as it is where one cannot
    /// be computed, which [`Graph::infer`] refuses.
    pub fn fix(&self, shapes: &[Vec<usize>]) -> Cow<'_, Self> {
        let dim = |value: ValueId, axis: usize| shapes.get(value.0)?.get(axis).copied();
        self.fix_by(&dim).unwrap_or(Cow::Borrowed(self))
    }
}

impl Graph {
    /// Puts numbers in the place of all extents; the values have `shapes`.
    pub fn fix(&mut self, shapes: &[Vec<usize>]) {
        for node in &mut self.nodes {
            if let Cow::Owned(op) = node.op.fix(shapes) {
                node.op = op;
            }
        }
    }
}

impl From<i64> for Extent {
    fn from(value: i64) -> Self {
        Self::Fixed(value)
    }
}

impl Display for Extent {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Fixed(value) => write!(f, "{value}"),
            Self::Dim { value, axis } => write!(f, "dim({}, {axis})", value.0),
            Self::Of(arithmetic, parts) => {
                write!(f, "{}({}, {})", format!("{arithmetic:?}").to_lowercase(), parts[0], parts[1])
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Arithmetic::{Add, Div, FloorDiv, Max, Min, Mod, Mul, Sub};

    fn height() -> Extent {
        Extent::Dim { value: ValueId(0), axis: 2 }
    }

    #[test]
    fn arithmetic_is_exact_or_refused() {
        assert_eq!(Add.apply(i64::MAX, 1), None);
        assert_eq!(
            [Div.apply(-7, 2), FloorDiv.apply(-7, 2), Mod.apply(-7, 2)],
            [Some(-3), Some(-4), Some(1)]
        );
        assert_eq!(
            [Div.apply(7, -2), FloorDiv.apply(7, -2), Mod.apply(7, -2)],
            [Some(-3), Some(-4), Some(-1)]
        );
        for arithmetic in [Div, FloorDiv, Mod] {
            assert_eq!(arithmetic.apply(1, 0), None);
            assert_eq!(arithmetic.apply(i64::MIN, -1).map(i64::abs), None);
        }
        assert_eq!([Min.apply(2, 3), Max.apply(2, 3)], [Some(2), Some(3)]);
    }

    #[test]
    fn what_can_be_computed_at_once_is() {
        let fixed = Extent::Fixed;
        assert_eq!(Extent::of(Mul, fixed(3), fixed(4)), Some(fixed(12)));
        assert_eq!(Extent::of(Add, fixed(0), height()), Some(height()));
        assert_eq!(Extent::of(Sub, height(), height()), Some(fixed(0)));
        let doubled = Extent::of(Mul, height(), fixed(2)).unwrap();
        assert_eq!(Extent::of(Div, doubled.clone(), fixed(2)), Some(height()));
        let halved = Extent::of(Div, doubled, fixed(4)).unwrap();
        assert_eq!(halved.to_string(), "div(mul(dim(0, 2), 2), 4)");
        assert_eq!(halved.number(&|value, axis| (value.0 == 0 && axis == 2).then_some(7)), Some(3));
        assert_eq!(halved.number(&|_, _| None), None);
    }

    #[test]
    fn expressions_stay_short() {
        let mut grown = Some(height());
        for _ in 0..20 {
            grown = grown.and_then(|extent| Extent::of(Add, extent.clone(), extent));
        }
        assert_eq!(grown, None);
    }
}
