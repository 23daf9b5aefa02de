//! The adapters of this machine and what they can do.

use super::device::{adapters, class_of, required_features};
use crate::plan::DeviceClass;
use serde::Serialize;

/// How much of a device the kernels use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Tier {
    /// Default limits, no features.
    T0,
    /// Subgroups, timestamps and 32 KiB of workgroup memory.
    T1,
}

/// One adapter.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DeviceInfo {
    /// Its number, as [`super::Selector::Index`] takes it.
    pub index: usize,
    /// Its name, as the driver gives it.
    pub name: String,
    /// `vulkan`, `metal` or `dx12`.
    pub backend: String,
    /// `discrete`, `integrated`, `virtual`, `cpu` or `other`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The driver and its version.
    pub driver: String,
    /// How much of it the kernels use.
    pub tier: Tier,
    /// The class that chooses kernels: `portable`, `gpu`, or `broadcast-N` with the subgroup size.
    pub class: String,
    /// Features of it that the kernels know.
    pub features: Vec<String>,
    /// The limits that bound what a plan may need.
    pub limits: DeviceLimits,
}

/// The limits that bound what a plan may need, in bytes or threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct DeviceLimits {
    /// Of one storage buffer binding.
    pub storage_binding_bytes: u64,
    /// Of one buffer.
    pub buffer_bytes: u64,
    /// Of one workgroup's memory.
    pub workgroup_bytes: u32,
    /// Threads of a workgroup.
    pub workgroup_threads: u32,
    /// Storage buffers that a kernel may bind.
    pub storage_buffers: u32,
}

/// All adapters, in the order of their indices.
pub fn list() -> Vec<DeviceInfo> {
    adapters().iter().enumerate().map(|(index, adapter)| describe(index, adapter)).collect()
}

fn describe(index: usize, adapter: &wgpu::Adapter) -> DeviceInfo {
    let info = adapter.get_info();
    let limits = adapter.limits();
    let features = adapter.features();
    let known = required_features(features);
    let t1 = features.contains(wgpu::Features::SUBGROUP | wgpu::Features::TIMESTAMP_QUERY)
        && limits.max_compute_workgroup_storage_size >= 32 << 10;
    DeviceInfo {
        index,
        driver: format!("{} {}", info.driver, info.driver_info).trim().to_owned(),
        backend: info.backend.to_string(),
        kind: kind(info.device_type),
        tier: if t1 { Tier::T1 } else { Tier::T0 },
        class: class_name(class_of(&info, features)),
        features: known.iter_names().map(|(name, _)| name.to_lowercase()).collect(),
        limits: DeviceLimits {
            storage_binding_bytes: limits.max_storage_buffer_binding_size,
            buffer_bytes: limits.max_buffer_size,
            workgroup_bytes: limits.max_compute_workgroup_storage_size,
            workgroup_threads: limits.max_compute_invocations_per_workgroup,
            storage_buffers: limits.max_storage_buffers_per_shader_stage,
        },
        name: info.name,
    }
}

/// The name of a device class in reports.
pub fn class_name(class: DeviceClass) -> String {
    match class {
        DeviceClass::Portable => "portable".to_owned(),
        DeviceClass::Gpu => "gpu".to_owned(),
        DeviceClass::Broadcast { subgroup } => format!("broadcast-{subgroup}"),
    }
}

fn kind(kind: wgpu::DeviceType) -> &'static str {
    match kind {
        wgpu::DeviceType::DiscreteGpu => "discrete",
        wgpu::DeviceType::IntegratedGpu => "integrated",
        wgpu::DeviceType::VirtualGpu => "virtual",
        wgpu::DeviceType::Cpu => "cpu",
        wgpu::DeviceType::Other => "other",
    }
}
