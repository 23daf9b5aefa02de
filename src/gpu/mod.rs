//! Everything that touches wgpu: devices, pipelines, sessions.

mod bind;
mod device;
mod error;
mod execute;
mod list;
mod pipeline;
mod transfer;

pub use device::{Checks, Gpu, Selector};
pub use error::GpuError;
pub use execute::execute;
pub use list::{DeviceInfo, Tier, list};
