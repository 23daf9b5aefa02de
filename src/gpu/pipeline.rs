//! Pipelines, compiled once per kernel, specialisation and kind of checks, on all cores.

use super::transfer::texel_format;
use super::{Checks, Gpu, GpuError};
use crate::kernels::{Access, Kernel, Spec, wgsl, wgsl_in_words};
use crate::plan::Step;
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Instant;

/// Unrolled shaders nest deeply enough to need more than the default stack of a thread.
const COMPILER_STACK: usize = 16 << 20;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    kernel: &'static str,
    spec: Spec,
    checks: Checks,
    /// [`Gpu::reads_words`].
    words: bool,
}

/// A compiled kernel and the layout of what it binds.
#[derive(Debug)]
pub struct Pipeline {
    pub pipeline: wgpu::ComputePipeline,
    pub layout: wgpu::BindGroupLayout,
}

/// All pipelines of a device.
#[derive(Debug, Default)]
pub struct Pipelines {
    ready: Mutex<HashMap<Key, Arc<Pipeline>>>,
}

impl Pipelines {
    fn get(&self, key: &Key) -> Option<Arc<Pipeline>> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    fn put(&self, key: Key, pipeline: Arc<Pipeline>) {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner).insert(key, pipeline);
    }
}

/// The pipeline of each step; what the device does not have yet is compiled on several threads.
pub fn pipelines(gpu: &Gpu, steps: &[&Step]) -> Result<Vec<Arc<Pipeline>>, GpuError> {
    let (checks, words) = (gpu.checks(), gpu.reads_words());
    let key = |step: &Step| Key { kernel: step.kernel.name, spec: step.spec.clone(), checks, words };
    let cache = &gpu.shared.pipelines;
    let mut missing: Vec<(Key, &'static Kernel)> = Vec::new();
    for step in steps {
        let key = key(step);
        if cache.get(&key).is_none() && !missing.iter().any(|(known, _)| *known == key) {
            missing.push((key, step.kernel));
        }
    }
    compile_all(gpu, &missing)?;
    if !missing.is_empty() {
        gpu.shared.cache.save();
    }
    let found = steps.iter().map(|step| cache.get(&key(step)));
    Ok(found.map(|pipeline| pipeline.expect("all missing pipelines were compiled")).collect())
}

fn compile_all(gpu: &Gpu, missing: &[(Key, &'static Kernel)]) -> Result<(), GpuError> {
    let next = AtomicUsize::new(0);
    let first_error = Mutex::new(None);
    let work = || {
        while let Some((key, kernel)) = missing.get(next.fetch_add(1, Ordering::Relaxed)) {
            match compile(gpu, kernel, &key.spec) {
                Ok(pipeline) => gpu.shared.pipelines.put(key.clone(), Arc::new(pipeline)),
                Err(error) => {
                    first_error.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                    next.store(missing.len(), Ordering::Relaxed);
                }
            }
        }
    };
    let cores = thread::available_parallelism().map_or(1, usize::from).min(missing.len());
    thread::scope(|scope| {
        for _ in 0..cores {
            let spawned = thread::Builder::new().stack_size(COMPILER_STACK).spawn_scoped(scope, work);
            if let Err(error) = spawned {
                let error = GpuError::Unsupported(format!("no thread to compile shaders on: {error}"));
                first_error.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
            }
        }
    });
    match first_error.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(error) => Err(error),
        None => Ok(()),
    }
}

/// Compiles one kernel, outside the cache.
pub fn compile(gpu: &Gpu, kernel: &Kernel, spec: &Spec) -> Result<Pipeline, GpuError> {
    let start = Instant::now();
    let source = if gpu.reads_words() { wgsl_in_words(kernel, spec)? } else { wgsl(kernel, spec)? };
    let entries = layout_entries(kernel.bindings, spec.halves());
    let what = format!("kernel {} with {:?}", kernel.name, spec.0);
    let pipeline = gpu.scoped(&what, || compute(gpu, kernel.name, source, &entries));
    tracing::debug!(kernel = kernel.name, spec = ?spec.0, elapsed = ?start.elapsed(), "compiled a kernel");
    pipeline
}

/// A pipeline of `source`, which binds `entries`, within an error scope of the caller.
pub fn compute(gpu: &Gpu, name: &str, source: String, entries: &[wgpu::BindGroupLayoutEntry]) -> Pipeline {
    let device = &gpu.shared.device;
    let module = module(gpu, name, source);
    let layout =
        device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label: Some(name), entries });
    let pipeline_layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
        label: Some(name),
        bind_group_layouts: &[Some(&layout)],
        immediate_size: 0,
    });
    let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
        label: Some(name),
        layout: Some(&pipeline_layout),
        module: &module,
        entry_point: Some("main"),
        compilation_options: wgpu::PipelineCompilationOptions {
            constants: &[],
            zero_initialize_workgroup_memory: false,
        },
        cache: gpu.shared.cache.pipelines(),
    });
    Pipeline { pipeline, layout }
}

#[expect(unsafe_code, reason = "wgpu skips runtime checks only on the caller's word; see the SAFETY comment")]
fn module(gpu: &Gpu, name: &str, source: String) -> wgpu::ShaderModule {
    let descriptor =
        wgpu::ShaderModuleDescriptor { label: Some(name), source: wgpu::ShaderSource::Wgsl(source.into()) };
    match gpu.checks() {
        Checks::Checked => gpu.shared.device.create_shader_module(descriptor),
        // SAFETY: the sources are this crate's own. Their loops end, their divisors are positive parameters, and
        // the planner checks every size that an index depends on against the buffers bound.
        Checks::Unchecked => unsafe {
            gpu.shared.device.create_shader_module_trusted(descriptor, wgpu::ShaderRuntimeChecks::unchecked())
        },
    }
}

fn layout_entries(bindings: &[Access], halves: u32) -> Vec<wgpu::BindGroupLayoutEntry> {
    let buffer =
        |ty, has_dynamic_offset| wgpu::BindingType::Buffer { ty, has_dynamic_offset, min_binding_size: None };
    let storage = |read_only| wgpu::BufferBindingType::Storage { read_only };
    let tensors = bindings.iter().enumerate().map(|(at, access)| match access {
        Access::Read => buffer(storage(true), false),
        Access::Write => buffer(storage(false), false),
        Access::Texels => wgpu::BindingType::StorageTexture {
            access: wgpu::StorageTextureAccess::ReadOnly,
            format: texel_format(halves >> at & 1 == 1),
            view_dimension: wgpu::TextureViewDimension::D2,
        },
        Access::Picture => wgpu::BindingType::Texture {
            sample_type: wgpu::TextureSampleType::Float { filterable: false },
            view_dimension: wgpu::TextureViewDimension::D2,
            multisampled: false,
        },
    });
    let fixed = [buffer(storage(true), true), buffer(wgpu::BufferBindingType::Uniform, false)];
    let entry = |(binding, ty)| wgpu::BindGroupLayoutEntry {
        binding: binding as u32,
        visibility: wgpu::ShaderStages::COMPUTE,
        ty,
        count: None,
    };
    fixed.into_iter().chain(tensors).enumerate().map(entry).collect()
}
