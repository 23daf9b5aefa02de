//! Opening a device, or borrowing one, and turning its failures into [`GpuError`].

use super::GpuError;
use super::awake::Waker;
use super::cache::DiskCache;
use super::list::class_name;
use super::pipeline::Pipelines;
use crate::plan::{DeviceClass, PlanLimits, PlanOptions};
#[cfg(doc)]
use crate::tensor::Dtype;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// Which adapter to open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Selector {
    /// The adapter whose name contains `$WGPU_ADAPTER_NAME` where that is set, else the fastest kind there is.
    #[default]
    Best,
    /// By its number in [`super::list`].
    Index(usize),
    /// The first whose name contains this, whatever the case.
    Name(String),
}

/// Whether shaders carry bounds checks, loop bounds and division guards. The kernels need none: every size is
/// checked on the host. Tests run both ways.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Checks {
    /// All that wgpu can add.
    Checked,
    /// None.
    #[default]
    Unchecked,
}

/// A device to run plans on. Clones share the device and its pipelines.
#[derive(Clone, Debug)]
pub struct Gpu {
    pub(super) shared: Arc<Shared>,
    checks: Checks,
    class: DeviceClass,
}

#[derive(Debug)]
pub(super) struct Shared {
    pub device: wgpu::Device,
    pub queue: wgpu::Queue,
    pub pipelines: Pipelines,
    pub cache: Cache,
    /// Bytes of textures of so many rows, in 16 bits or not, as far as they were asked for.
    pub texture_bytes: Mutex<BTreeMap<(u32, bool), u64>>,
    limits: wgpu::Limits,
    lent: bool,
    /// Of a device that is the CPU.
    waker: Option<Waker>,
    failure: Arc<Mutex<Option<Failure>>>,
}

/// Where compiled pipelines are kept beyond the device's life.
#[derive(Debug)]
pub(super) enum Cache {
    /// Nowhere.
    None,
    /// In a file.
    Disk(DiskCache),
    /// Where the host of a lent device says.
    Lent(wgpu::PipelineCache),
}

impl Cache {
    /// What to compile with.
    pub fn pipelines(&self) -> Option<&wgpu::PipelineCache> {
        match self {
            Self::None => None,
            Self::Disk(disk) => Some(&disk.pipelines),
            Self::Lent(pipelines) => Some(pipelines),
        }
    }

    /// Keeps what has been compiled; a host does so itself.
    pub fn save(&self) {
        if let Self::Disk(disk) = self {
            disk.save();
        }
    }
}

/// What the handlers of an own device saw outside every error scope.
#[derive(Debug)]
enum Failure {
    Lost(String),
    Error(wgpu::Error),
}

impl Gpu {
    /// Opens an adapter. `$WGPU_BACKEND` narrows the backends, `$PAGCP_CLASS` forces a class of
    /// kernels: `portable`, which need no feature, `gpu`, or `broadcast`, where subgroups have one size.
    ///
    /// # Errors
    /// [`GpuError::NoAdapter`], [`GpuError::NoMatch`] or [`GpuError::Refused`].
    pub fn open(selector: &Selector) -> Result<Self, GpuError> {
        Self::open_at(selector, None)
    }

    /// As [`Gpu::open`], with compiled pipelines kept in `folder` for the next start, where the backend hands them out.
    /// A file there that is damaged, of another device or of another version is not used; what cannot be read or
    /// written is a warning. Only the user of this process should be able to write to the folder.
    ///
    /// # Errors
    /// As [`Gpu::open`].
    pub fn open_cached(selector: &Selector, folder: &Path) -> Result<Self, GpuError> {
        Self::open_at(selector, Some(folder))
    }

    fn open_at(selector: &Selector, folder: Option<&Path>) -> Result<Self, GpuError> {
        let adapter = choose(selector)?;
        let info = adapter.get_info();
        let mut features = required_features(adapter.features());
        if folder.is_some() {
            features |= adapter.features() & wgpu::Features::PIPELINE_CACHE;
        }
        if info.device_type == wgpu::DeviceType::Cpu {
            features |= adapter.features() & wgpu::Features::MAPPABLE_PRIMARY_BUFFERS;
        }
        let request = adapter.request_device(&wgpu::DeviceDescriptor {
            label: Some("wgpu-pagcp"),
            required_features: features,
            required_limits: raise_limits(wgpu::Limits::default(), &adapter.limits()),
            ..Default::default()
        });
        let (device, queue) = pollster::block_on(request)
            .map_err(|e| GpuError::Refused { name: info.name.clone(), reason: e.to_string() })?;
        let failure = install_handlers(&device);
        let cache =
            folder.and_then(|folder| DiskCache::open(&device, folder)).map_or(Cache::None, Cache::Disk);
        let gpu = Self::new(device, queue, Some(failure), cache);
        tracing::info!(adapter = info.name, backend = %info.backend, class = gpu.class_name(), "opened a device");
        Ok(gpu)
    }

    /// Works on a device of the host application. Nothing is submitted or polled and no callback is set: sessions
    /// only encode, and errors go where the host's own do. [`required_features`] and [`raise_limits`] tell what the
    /// host should ask for when it opens the device; the defaults also work.
    pub fn from_device(device: wgpu::Device, queue: wgpu::Queue) -> Self {
        Self::new(device, queue, None, Cache::None)
    }

    /// As [`Gpu::from_device`], with pipelines compiled into a cache of the host's, which the host keeps.
    pub fn from_device_cached(device: wgpu::Device, queue: wgpu::Queue, cache: wgpu::PipelineCache) -> Self {
        Self::new(device, queue, None, Cache::Lent(cache))
    }

    fn new(
        device: wgpu::Device,
        queue: wgpu::Queue,
        failure: Option<Arc<Mutex<Option<Failure>>>>,
        cache: Cache,
    ) -> Self {
        let class = class_of(&device.adapter_info(), device.features());
        let cpu = device.adapter_info().device_type == wgpu::DeviceType::Cpu;
        let shared = Shared {
            limits: device.limits(),
            lent: failure.is_none(),
            waker: (cpu && failure.is_some()).then(Waker::start),
            failure: failure.unwrap_or_default(),
            pipelines: Pipelines::default(),
            texture_bytes: Mutex::default(),
            cache,
            device,
            queue,
        };
        Self { shared: Arc::new(shared), checks: Checks::default(), class }
    }

    /// The same device, with shaders compiled with or without runtime checks.
    pub fn with_checks(&self, checks: Checks) -> Self {
        Self { checks, ..self.clone() }
    }

    /// The same device, with kernels of another class. `Portable` runs everywhere.
    pub fn with_class(&self, class: DeviceClass) -> Self {
        Self { class, ..self.clone() }
    }

    /// What chooses its kernels.
    pub fn class(&self) -> DeviceClass {
        self.class
    }

    /// Whether the host may map what runs read and write: the device is an own one that computes in the host's memory.
    pub(super) fn shares_memory(&self) -> bool {
        let features = self.shared.device.features();
        !self.is_lent() && features.contains(wgpu::Features::MAPPABLE_PRIMARY_BUFFERS)
    }

    /// [`Gpu::class`] as reports name it.
    pub fn class_name(&self) -> String {
        class_name(self.class)
    }

    /// Whether its shaders carry runtime checks.
    pub fn checks(&self) -> Checks {
        self.checks
    }

    /// The adapter behind it.
    pub fn info(&self) -> wgpu::AdapterInfo {
        self.shared.device.adapter_info()
    }

    /// Bytes that this device has handed out, where its backend counts them.
    pub fn allocated_bytes(&self) -> Option<u64> {
        self.shared.device.generate_allocator_report().map(|report| report.total_allocated_bytes)
    }

    /// Bytes that were handed out to what is labelled so, where the backend counts them and keeps labels.
    pub(super) fn allocated_to(&self, label: &str) -> Option<u64> {
        let report = self.shared.device.generate_allocator_report()?;
        report
            .allocations
            .iter()
            .find(|allocation| allocation.name == label)
            .map(|allocation| allocation.size)
    }

    /// The limits that plans must keep.
    pub fn limits(&self) -> &wgpu::Limits {
        &self.shared.limits
    }

    /// Options of a plan for this device.
    pub fn plan_options(&self, batch: usize) -> PlanOptions {
        let limits = PlanLimits {
            binding_bytes: self
                .shared
                .limits
                .max_storage_buffer_binding_size
                .min(self.shared.limits.max_buffer_size)
                .min(MAX_BINDING),
            texture_rows: self.shared.limits.max_texture_dimension_2d,
        };
        PlanOptions { class: self.class, limits, batch, ..PlanOptions::default() }
    }

    /// The device, for hosts that add passes of their own.
    pub fn device(&self) -> &wgpu::Device {
        &self.shared.device
    }

    /// The queue of [`Gpu::device`].
    pub fn queue(&self) -> &wgpu::Queue {
        &self.shared.queue
    }

    /// Whether it can store values in 16 bits ([`Dtype::F16`]).
    pub fn has_f16(&self) -> bool {
        self.shared.device.features().contains(wgpu::Features::SHADER_F16)
    }

    /// Whether its kernels read vectors as 64-bit words: those of a CPU driver, which pays for every component of a load.
    pub fn reads_words(&self) -> bool {
        let broadcast = matches!(self.class, DeviceClass::Broadcast { .. });
        broadcast && self.is_cpu() && self.shared.device.features().contains(wgpu::Features::SHADER_INT64)
    }

    /// Whether it is a driver that computes on the CPU.
    pub fn is_cpu(&self) -> bool {
        self.info().device_type == wgpu::DeviceType::Cpu
    }

    /// Whether it belongs to a host application.
    pub fn is_lent(&self) -> bool {
        self.shared.lent
    }

    /// Runs calls on the device and returns what they raise; on a lent device their errors go to the host.
    pub(super) fn scoped<T>(&self, during: &str, calls: impl FnOnce() -> T) -> Result<T, GpuError> {
        if self.shared.lent {
            return Ok(calls());
        }
        let device = &self.shared.device;
        let filters =
            [wgpu::ErrorFilter::Internal, wgpu::ErrorFilter::OutOfMemory, wgpu::ErrorFilter::Validation];
        let scopes = filters.map(|filter| device.push_error_scope(filter));
        let result = calls();
        let errors: Vec<_> =
            scopes.into_iter().rev().filter_map(|scope| pollster::block_on(scope.pop())).collect();
        let Some(error) = errors.into_iter().next() else {
            return self.failure(during).map(|()| result);
        };
        // What fails on a lost device fails as invalid; that it is lost is only told when it is polled.
        let _ = device.poll(wgpu::PollType::Poll);
        self.failure(during)?;
        Err(classify(error, during))
    }

    /// What the handlers saw, if anything.
    pub(super) fn failure(&self, during: &str) -> Result<(), GpuError> {
        let mut failure = self.shared.failure.lock().unwrap_or_else(PoisonError::into_inner);
        match failure.take() {
            None => Ok(()),
            Some(Failure::Lost(reason)) => {
                *failure = Some(Failure::Lost(reason.clone()));
                Err(GpuError::Lost(reason))
            }
            Some(Failure::Error(error)) => Err(classify(error, during)),
        }
    }

    /// Submits what was encoded.
    pub(super) fn submit(&self, encoder: wgpu::CommandEncoder) -> wgpu::SubmissionIndex {
        let work = self.shared.waker.as_ref().map(Waker::work);
        let index = self.shared.queue.submit([encoder.finish()]);
        if let Some(work) = work {
            self.shared.queue.on_submitted_work_done(move || drop(work));
        }
        index
    }

    /// Waits for all submitted work.
    pub(super) fn wait(&self, during: &str) -> Result<(), GpuError> {
        self.poll(wgpu::PollType::wait_indefinitely(), during)
    }

    /// Waits for one submission.
    pub(super) fn wait_for(&self, index: wgpu::SubmissionIndex, during: &str) -> Result<(), GpuError> {
        self.poll(wgpu::PollType::Wait { submission_index: Some(index), timeout: None }, during)
    }

    fn poll(&self, kind: wgpu::PollType, during: &str) -> Result<(), GpuError> {
        let polled = self.shared.device.poll(kind);
        self.failure(during)?;
        polled.map(|_| ()).map_err(|e| GpuError::Lost(e.to_string()))
    }
}

fn classify(error: wgpu::Error, during: &str) -> GpuError {
    let during = during.to_owned();
    match error {
        wgpu::Error::OutOfMemory { .. } => GpuError::OutOfMemory { during },
        wgpu::Error::Validation { description, .. } | wgpu::Error::Internal { description, .. } => {
            GpuError::Rejected { during, reason: one_line(&description) }
        }
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn install_handlers(device: &wgpu::Device) -> Arc<Mutex<Option<Failure>>> {
    let failure = Arc::new(Mutex::new(None));
    let uncaptured = failure.clone();
    device.on_uncaptured_error(Arc::new(move |error| {
        let mut slot = uncaptured.lock().unwrap_or_else(PoisonError::into_inner);
        slot.get_or_insert(Failure::Error(error));
    }));
    let lost = failure.clone();
    device.set_device_lost_callback(move |reason, message| {
        let mut slot = lost.lock().unwrap_or_else(PoisonError::into_inner);
        *slot = Some(Failure::Lost(format!("{reason:?}: {}", one_line(&message))));
    });
    failure
}

/// Kernels count on texels of 16 bytes having indices below 2^27.
const MAX_BINDING: u64 = 1 << 31;

/// The features of an adapter that the kernels use where present.
pub fn required_features(available: wgpu::Features) -> wgpu::Features {
    let words = wgpu::Features::SHADER_F16 | wgpu::Features::SHADER_INT64;
    available & (wgpu::Features::SUBGROUP | wgpu::Features::TIMESTAMP_QUERY | words)
}

/// `limits` raised to what the plans can use of `adapter`.
pub fn raise_limits(limits: wgpu::Limits, adapter: &wgpu::Limits) -> wgpu::Limits {
    let threads = adapter.max_compute_invocations_per_workgroup.min(1024);
    wgpu::Limits {
        max_storage_buffer_binding_size: adapter.max_storage_buffer_binding_size,
        max_buffer_size: adapter.max_buffer_size,
        max_compute_workgroup_storage_size: adapter.max_compute_workgroup_storage_size.min(32 << 10),
        max_compute_invocations_per_workgroup: threads,
        max_compute_workgroup_size_x: adapter.max_compute_workgroup_size_x.min(threads),
        max_buffers_and_acceleration_structures_per_shader_stage: adapter
            .max_buffers_and_acceleration_structures_per_shader_stage,
        max_storage_buffers_per_shader_stage: adapter.max_storage_buffers_per_shader_stage.min(32),
        max_storage_textures_per_shader_stage: adapter.max_storage_textures_per_shader_stage.min(32),
        max_texture_dimension_2d: adapter.max_texture_dimension_2d,
        // The default of a million makes DX12 reserve system memory on integrated GPUs.
        max_non_sampler_bindings: 16_384,
        ..limits.using_alignment(adapter.clone())
    }
}

/// The class of kernels for an adapter with these features.
pub(super) fn class_of(info: &wgpu::AdapterInfo, features: wgpu::Features) -> DeviceClass {
    let fixed = info.subgroup_min_size == info.subgroup_max_size;
    let broadcast = if features.contains(wgpu::Features::SUBGROUP) && fixed {
        DeviceClass::Broadcast { subgroup: info.subgroup_min_size }
    } else {
        DeviceClass::Portable
    };
    let forced = std::env::var("PAGCP_CLASS").unwrap_or_default().to_lowercase();
    match (forced.as_str(), info.device_type) {
        ("portable", _) => DeviceClass::Portable,
        ("gpu", _) => DeviceClass::Gpu,
        ("broadcast", _) | (_, wgpu::DeviceType::Cpu) => broadcast,
        (
            _,
            wgpu::DeviceType::DiscreteGpu | wgpu::DeviceType::IntegratedGpu | wgpu::DeviceType::VirtualGpu,
        ) => DeviceClass::Gpu,
        (_, wgpu::DeviceType::Other) => DeviceClass::Portable,
    }
}

/// All adapters, in a stable order.
pub(super) fn adapters() -> Vec<wgpu::Adapter> {
    let backends = wgpu::Backends::VULKAN | wgpu::Backends::METAL | wgpu::Backends::DX12;
    let backends = backends.with_env() & backends;
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor {
        backends,
        flags: wgpu::InstanceFlags::empty().with_env(),
        memory_budget_thresholds: wgpu::MemoryBudgetThresholds {
            for_resource_creation: Some(95),
            for_device_loss: None,
        },
        ..wgpu::InstanceDescriptor::new_without_display_handle()
    });
    pollster::block_on(instance.enumerate_adapters(backends))
}

fn choose(selector: &Selector) -> Result<wgpu::Adapter, GpuError> {
    let adapters = adapters();
    if adapters.is_empty() {
        return Err(GpuError::NoAdapter);
    }
    let names: Vec<String> = adapters.iter().map(|adapter| adapter.get_info().name).collect();
    let named = |wanted: &str| {
        let wanted = wanted.to_lowercase();
        names.iter().position(|name| name.to_lowercase().contains(&wanted))
    };
    let environment = std::env::var("WGPU_ADAPTER_NAME").ok().filter(|name| !name.is_empty());
    let (found, wanted) = match (selector, &environment) {
        (Selector::Index(index), _) => (Some(*index), format!("number {index}")),
        (Selector::Name(name), _) | (Selector::Best, Some(name)) => (named(name), name.clone()),
        (Selector::Best, None) => {
            let rank = |&index: &usize| preference(adapters[index].get_info().device_type);
            ((0..adapters.len()).min_by_key(rank), String::new())
        }
    };
    let chosen = found.and_then(|index| adapters.into_iter().nth(index));
    chosen.ok_or_else(|| {
        let list: Vec<String> = names.iter().enumerate().map(|(i, name)| format!("{i}: {name}")).collect();
        GpuError::NoMatch { wanted, found: list.join(", ") }
    })
}

fn preference(kind: wgpu::DeviceType) -> u32 {
    match kind {
        wgpu::DeviceType::DiscreteGpu => 0,
        wgpu::DeviceType::IntegratedGpu => 1,
        wgpu::DeviceType::VirtualGpu => 2,
        wgpu::DeviceType::Other => 3,
        wgpu::DeviceType::Cpu => 4,
    }
}
