//! Compiles WGSL with RADV for a GPU that is not there, and asks the driver what it made.

#![expect(unsafe_code, reason = "Vulkan is called without wgpu, which does not tell what drivers compile to")]

use ash::{khr::pipeline_executable_properties as properties, vk};
use naga::back::spv;
use naga::valid::{Capabilities, ValidationFlags, Validator};
use std::ffi::CStr;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// The GPU that the driver compiles for.
const FAMILY: &str = "navi21";

/// Why nothing could be compiled.
#[derive(Debug, Error)]
pub enum DriverError {
    /// Mesa's driver for AMD is not installed.
    #[error(
        "no {DIRECTORY}/radeon_icd*.json: Mesa's RADV driver is not installed (Debian: mesa-vulkan-drivers)"
    )]
    Missing,
    /// There is no Vulkan loader.
    #[error("{0}")]
    Loader(#[from] ash::LoadingError),
    /// A Vulkan call failed.
    #[error("Vulkan: {0}")]
    Vulkan(#[from] vk::Result),
    /// The driver does not tell what is needed.
    #[error("the driver gave no {0}")]
    Silent(&'static str),
    /// A kernel that cannot be translated.
    #[error("{0}")]
    Source(String),
}

const DIRECTORY: &str = "/usr/share/vulkan/icd.d";

/// What the driver tells of a pipeline.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Vector registers of a thread.
    pub vector: u64,
    /// Vector registers that did not fit.
    pub spilled_vector: u64,
    /// Scalar registers that did not fit.
    pub spilled_scalar: u64,
    /// Bytes of workgroup memory.
    pub workgroup: u64,
    /// Waves that fit on a vector unit.
    pub waves: u64,
}

/// A device of the driver. It lives as long as the process.
pub struct Driver {
    _entry: ash::Entry,
    name: String,
    device: ash::Device,
    properties: properties::Device,
}

impl Driver {
    /// Opens it.
    ///
    /// # Errors
    /// [`DriverError::Missing`] where it is not installed.
    pub fn open() -> Result<Self, DriverError> {
        let icd = icd(Path::new(DIRECTORY)).ok_or(DriverError::Missing)?;
        // SAFETY: the program and its tests have no thread that reads the environment at this time.
        unsafe {
            std::env::set_var("VK_ICD_FILENAMES", icd);
            std::env::set_var("RADV_FORCE_FAMILY", FAMILY);
        }
        // SAFETY: every call below gets handles that were made just before and structures that outlive it.
        unsafe {
            let entry = ash::Entry::load()?;
            let application = vk::ApplicationInfo::default().api_version(vk::API_VERSION_1_3);
            let create = vk::InstanceCreateInfo::default().application_info(&application);
            let instance = entry.create_instance(&create, None)?;
            let physical =
                *instance.enumerate_physical_devices()?.first().ok_or(DriverError::Silent("device"))?;
            let mut driver = vk::PhysicalDeviceDriverProperties::default();
            let mut about = vk::PhysicalDeviceProperties2::default().push_next(&mut driver);
            instance.get_physical_device_properties2(physical, &mut about);
            let device = about.properties.device_name_as_c_str().map_err(|_| DriverError::Silent("name"))?;
            let version = driver.driver_info_as_c_str().map_err(|_| DriverError::Silent("version"))?;
            let name = format!("{}, {}", device.to_string_lossy(), version.to_string_lossy());
            let queues =
                [vk::DeviceQueueCreateInfo::default().queue_family_index(0).queue_priorities(&[1.0])];
            let extensions = [properties::NAME.as_ptr()];
            let mut asked = vk::PhysicalDevicePipelineExecutablePropertiesFeaturesKHR::default()
                .pipeline_executable_info(true);
            let mut model = vk::PhysicalDeviceVulkan12Features::default().vulkan_memory_model(true);
            let create = vk::DeviceCreateInfo::default()
                .queue_create_infos(&queues)
                .enabled_extension_names(&extensions)
                .push_next(&mut asked)
                .push_next(&mut model);
            let device = instance.create_device(physical, &create, None)?;
            let properties = properties::Device::new(&instance, &device);
            Ok(Self { _entry: entry, name, device, properties })
        }
    }

    /// The device and the driver's version.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Compiles a kernel: what the driver tells of it, and its disassembly.
    pub fn compile(&self, source: &str) -> Result<(Statistics, String), DriverError> {
        let module = naga::front::wgsl::parse_str(source)
            .map_err(|error| DriverError::Source(error.emit_to_string(source)))?;
        let words = translate(&module)?;
        // SAFETY: the pipeline and all that it was made of outlive what is asked of it.
        unsafe {
            let create = vk::ShaderModuleCreateInfo::default().code(&words);
            let shader = self.device.create_shader_module(&create, None)?;
            let set = self.device.create_descriptor_set_layout(
                &vk::DescriptorSetLayoutCreateInfo::default().bindings(&bindings(&module)),
                None,
            )?;
            let create = vk::PipelineLayoutCreateInfo::default().set_layouts(std::slice::from_ref(&set));
            let layout = self.device.create_pipeline_layout(&create, None)?;
            let stage = vk::PipelineShaderStageCreateInfo::default()
                .stage(vk::ShaderStageFlags::COMPUTE)
                .module(shader)
                .name(c"main");
            let flags = vk::PipelineCreateFlags::CAPTURE_STATISTICS_KHR
                | vk::PipelineCreateFlags::CAPTURE_INTERNAL_REPRESENTATIONS_KHR;
            let create = [vk::ComputePipelineCreateInfo::default().flags(flags).stage(stage).layout(layout)];
            let pipelines = self.device.create_compute_pipelines(vk::PipelineCache::null(), &create, None);
            let pipeline = pipelines.map_err(|(_, error)| error)?[0];
            let executable = vk::PipelineExecutableInfoKHR::default().pipeline(pipeline);
            let told = Ok((self.statistics(&executable)?, self.assembly(&executable)?));
            self.device.destroy_pipeline(pipeline, None);
            self.device.destroy_pipeline_layout(layout, None);
            self.device.destroy_descriptor_set_layout(set, None);
            self.device.destroy_shader_module(shader, None);
            told
        }
    }

    /// # Safety
    /// The pipeline behind `executable` exists.
    unsafe fn statistics(
        &self,
        executable: &vk::PipelineExecutableInfoKHR,
    ) -> Result<Statistics, DriverError> {
        // SAFETY: as above; RADV's statistics are all 64-bit integers.
        let all = unsafe { self.properties.get_pipeline_executable_statistics(executable)? };
        let get = |wanted: &'static CStr, missing: &'static str| {
            let found = all.iter().find(|s| s.name_as_c_str() == Ok(wanted));
            // SAFETY: as above.
            found.map(|s| unsafe { s.value.u64 }).ok_or(DriverError::Silent(missing))
        };
        Ok(Statistics {
            vector: get(c"VGPRs", "VGPRs")?,
            spilled_vector: get(c"Spilled VGPRs", "spilled VGPRs")?,
            spilled_scalar: get(c"Spilled SGPRs", "spilled SGPRs")?,
            workgroup: get(c"LDS size", "LDS size")?,
            waves: get(c"Subgroups per SIMD", "subgroups per SIMD")?,
        })
    }

    /// # Safety
    /// The pipeline behind `executable` exists.
    unsafe fn assembly(&self, executable: &vk::PipelineExecutableInfoKHR) -> Result<String, DriverError> {
        let call = self.properties.fp().get_pipeline_executable_internal_representations_khr;
        let device = self.device.handle();
        let mut count = 0;
        // SAFETY: the first call only counts.
        unsafe { call(device, executable, &mut count, std::ptr::null_mut()) }.result()?;
        let mut parts = vec![vk::PipelineExecutableInternalRepresentationKHR::default(); count as usize];
        // SAFETY: there is room for as many as were counted; without buffers, sizes are told.
        unsafe { call(device, executable, &mut count, parts.as_mut_ptr()) }.result()?;
        let mut texts: Vec<Vec<u8>> = parts.iter().map(|part| vec![0; part.data_size]).collect();
        for (part, text) in parts.iter_mut().zip(&mut texts) {
            part.p_data = text.as_mut_ptr().cast();
        }
        // SAFETY: every buffer has the size that was told.
        unsafe { call(device, executable, &mut count, parts.as_mut_ptr()) }.result()?;
        let is_assembly = |part: &vk::PipelineExecutableInternalRepresentationKHR| {
            part.name_as_c_str().is_ok_and(|name| name.to_string_lossy().contains("ssembly"))
        };
        let found = parts.iter().zip(&texts).find(|(part, _)| is_assembly(part));
        let (_, text) = found.ok_or(DriverError::Silent("disassembly"))?;
        Ok(String::from_utf8_lossy(text).trim_end_matches('\0').to_owned())
    }
}

/// The driver's manifest.
fn icd(directory: &Path) -> Option<PathBuf> {
    let files = std::fs::read_dir(directory).ok()?.filter_map(|entry| Some(entry.ok()?.path()));
    let named = |path: &PathBuf| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("radeon_icd"))
    };
    files.filter(named).min()
}

/// SPIR-V as wgpu makes it of trusted modules, without runtime checks.
fn translate(module: &naga::Module) -> Result<Vec<u32>, DriverError> {
    let fail = |error: &dyn std::fmt::Display| DriverError::Source(error.to_string());
    let mut validator = Validator::new(ValidationFlags::all(), Capabilities::all());
    let info = validator.validate(module).map_err(|error| fail(&error))?;
    let unchecked = naga::proc::BoundsCheckPolicy::Unchecked;
    let options = spv::Options {
        lang_version: (1, 4),
        zero_initialize_workgroup_memory: spv::ZeroInitializeWorkgroupMemoryMode::None,
        force_loop_bounding: false,
        bounds_check_policies: naga::proc::BoundsCheckPolicies {
            index: unchecked,
            buffer: unchecked,
            ..Default::default()
        },
        ..Default::default()
    };
    spv::write_vec(module, &info, &options, None).map_err(|error| fail(&error))
}

/// What group 0 of a kernel binds.
fn bindings(module: &naga::Module) -> Vec<vk::DescriptorSetLayoutBinding<'static>> {
    let kind = |variable: &naga::GlobalVariable| match (variable.space, &module.types[variable.ty].inner) {
        (naga::AddressSpace::Uniform, _) => vk::DescriptorType::UNIFORM_BUFFER,
        (naga::AddressSpace::Storage { .. }, _) => vk::DescriptorType::STORAGE_BUFFER,
        (_, naga::TypeInner::Image { class: naga::ImageClass::Storage { .. }, .. }) => {
            vk::DescriptorType::STORAGE_IMAGE
        }
        _ => vk::DescriptorType::SAMPLED_IMAGE,
    };
    let bound = module.global_variables.iter().filter_map(|(_, v)| Some((v.binding.as_ref()?.binding, v)));
    let layout = |(binding, variable)| {
        vk::DescriptorSetLayoutBinding::default()
            .binding(binding)
            .descriptor_type(kind(variable))
            .descriptor_count(1)
            .stage_flags(vk::ShaderStageFlags::COMPUTE)
    };
    bound.map(layout).collect()
}
