//! Numbers in operator attributes that may depend on the sizes of a run.

/// A size or position along an axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Extent {
    /// A number.
    Fixed(i64),
}

impl From<i64> for Extent {
    fn from(value: i64) -> Self {
        Self::Fixed(value)
    }
}

impl std::fmt::Display for Extent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Fixed(value) => write!(f, "{value}"),
        }
    }
}
