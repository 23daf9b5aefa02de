//! What can go wrong on a device, in one line each.

use crate::kernels::TemplateError;
use thiserror::Error;

/// Why a device could not do what was asked.
#[derive(Debug, Error)]
pub enum GpuError {
    /// The machine has no adapter that this crate can use.
    #[error(
        "no GPU adapter found; install a Vulkan driver, or a software one \
         (Debian and Ubuntu: apt install mesa-vulkan-drivers)"
    )]
    NoAdapter,
    /// There are adapters, but not the one asked for.
    #[error("no adapter {wanted}; found {found}")]
    NoMatch {
        /// What was asked for.
        wanted: String,
        /// All adapters, by index and name.
        found: String,
    },
    /// The adapter would not open.
    #[error("adapter {name} refused a device: {reason}")]
    Refused {
        /// The adapter's name.
        name: String,
        /// The driver's words.
        reason: String,
    },
    /// The device is gone: reset by the driver, unplugged, or destroyed.
    #[error("the device was lost: {0}")]
    Lost(String),
    /// The device has no memory left.
    #[error("out of device memory while {during}")]
    OutOfMemory {
        /// What was being done.
        during: String,
    },
    /// A call that wgpu or the driver rejects: a defect of this crate.
    #[error("the device rejected {during}: {reason}")]
    Rejected {
        /// What was being done.
        during: String,
        /// The words of wgpu.
        reason: String,
    },
    /// A kernel that does not render.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// Data of the wrong length.
    #[error("{name} needs {expected} numbers, found {found}")]
    Length {
        /// The input or buffer.
        name: String,
        /// Its length.
        expected: usize,
        /// The length given.
        found: usize,
    },
    /// A request that this device or session cannot serve.
    #[error("{0}")]
    Unsupported(String),
}
