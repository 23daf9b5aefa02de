//! Everything that touches wgpu: devices, pipelines, sessions.

mod awake;
mod bind;
mod cache;
mod chain;
mod device;
mod error;
mod execute;
mod list;
mod peaks;
mod pipeline;
mod session;
mod transfer;

pub(crate) use awake::give_way;
pub use chain::ChainLimits;
pub use device::{Checks, Gpu, Selector, raise_limits, required_features};
pub use error::GpuError;
pub use execute::execute;
pub use list::{DeviceInfo, DeviceLimits, Tier, list};
pub use peaks::{Peaks, peaks};
pub use session::{Method, Normalise, Probe, Running, Session, StepTime, Timings};
