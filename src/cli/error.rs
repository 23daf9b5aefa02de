//! How a command fails: through what the user gave it, or in doing its work.

use std::fmt::{Display, Formatter};
use std::path::Path;
use std::process::ExitCode;

/// A failed command.
#[derive(Debug)]
pub enum Failure {
    /// Wrong arguments or unreadable input: exit code 2.
    Input(String),
    /// A failing device or another failure in the work itself: exit code 1.
    Work(String),
}

impl Failure {
    /// A fault of the input.
    pub fn input(error: impl Display) -> Self {
        Self::Input(error.to_string())
    }

    /// A failure in the work.
    pub fn work(error: impl Display) -> Self {
        Self::Work(error.to_string())
    }

    /// A file or folder that cannot be read or written: a fault of the input.
    pub fn file(path: &Path, error: impl Display) -> Self {
        Self::Input(format!("{}: {error}", path.display()))
    }

    /// The process's exit code.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Input(_) => ExitCode::from(2),
            Self::Work(_) => ExitCode::from(1),
        }
    }
}

impl Display for Failure {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Input(message) | Self::Work(message) => f.write_str(message),
        }
    }
}
