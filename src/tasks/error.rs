//! What can be wrong with a tasks file or a data set on disk; every message names the file.

use std::path::{Path, PathBuf};
use thiserror::Error;

/// Why a tasks file or a data set cannot be used.
#[derive(Debug, Error)]
pub enum DataError {
    /// A file or folder could not be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A picture could not be decoded.
    #[error("cannot decode {}: {source}", path.display())]
    Decode {
        /// The file.
        path: PathBuf,
        /// What the decoder said.
        source: image::ImageError,
    },
    /// A tasks file that is not TOML or does not have the form of one.
    #[error("{}: {source}", path.display())]
    Toml {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: Box<toml::de::Error>,
    },
    /// Contents that do not fit.
    #[error("{}: {reason}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What was expected and what was found.
        reason: String,
    },
    /// A label that the picture lacks.
    #[error("{} is missing: picture {stem} has no label for task {task}", path.display())]
    MissingLabel {
        /// The file that should be there, or the table that should have a line.
        path: PathBuf,
        /// The picture's name without its ending.
        stem: String,
        /// The task.
        task: String,
    },
    /// A task that does not fit the model.
    #[error("{}: {source}", path.display())]
    Task {
        /// The tasks file.
        path: PathBuf,
        /// Why.
        source: super::TaskError,
    },
}

impl DataError {
    /// A [`DataError::Content`] of `path`.
    pub(super) fn content(path: &Path, reason: impl Into<String>) -> Self {
        Self::Content { path: path.to_owned(), reason: reason.into() }
    }

    /// A [`DataError::Read`] of `path`.
    pub(super) fn read(path: &Path, source: std::io::Error) -> Self {
        Self::Read { path: path.to_owned(), source }
    }
}
