//! What the losses that read a stored output share.

/// How an output comes from what is stored of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enlarging {
    /// It is stored itself.
    Not,
    /// By repeating pixels.
    Nearest,
    /// By linear interpolation.
    Linear,
}

impl Enlarging {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Not, Self::Nearest, Self::Linear];

    /// What `shaders/shared/loss.wgsl` needs to know.
    pub(super) fn word(self) -> (&'static str, u32) {
        let code = match self {
            Self::Not => 0,
            Self::Nearest => 1,
            Self::Linear => 2,
        };
        ("enlarged", code)
    }
}
