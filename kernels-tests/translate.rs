//! Every kernel translates to the languages of Metal and DirectX, by the translator that wgpu uses. What comes out is not
//! compiled: Apple's and Microsoft's compilers are not there. Where buffers are bound at dynamic offsets, wgpu adds more
//! bindings to HLSL than are made here.

use crate::halves::narrowable;
use naga::back::{hlsl, msl};
use naga::valid::{Capabilities, ModuleInfo, ValidationFlags, Validator};
use naga::{AddressSpace, Module, ResourceBinding};
use wgpu_pagcp::kernels::{ALL, Access, Kernel, Spec, wgsl};

/// Variants of a kernel that are translated, spread over all.
const EACH: usize = 12;

fn parse(text: &str) -> (Module, ModuleInfo) {
    let module = naga::front::wgsl::parse_str(text).expect("the contract test parses all variants");
    let info = Validator::new(ValidationFlags::all(), Capabilities::all()).validate(&module);
    (module, info.expect("the contract test validates all variants"))
}

fn bound(module: &Module) -> impl Iterator<Item = (ResourceBinding, AddressSpace)> {
    module.global_variables.iter().filter_map(|(_, v)| Some((v.binding?, v.space)))
}

fn to_msl(module: &Module, info: &ModuleInfo, bindings: usize) -> Result<String, String> {
    let target = |(binding, space): (ResourceBinding, AddressSpace)| {
        let slot = Some(binding.binding as u8);
        let buffer = if space == AddressSpace::Handle { None } else { slot };
        let texture = if space == AddressSpace::Handle { slot } else { None };
        (binding, msl::BindTarget { buffer, texture, mutable: true, ..Default::default() })
    };
    let resources = msl::EntryPointResources {
        resources: bound(module).take(bindings).map(target).collect(),
        sizes_buffer: Some(30),
        ..Default::default()
    };
    let options = msl::Options {
        lang_version: (2, 4),
        per_entry_point_map: [("main".to_owned(), resources)].into(),
        fake_missing_bindings: false,
        ..Default::default()
    };
    let written = msl::write_string(module, info, &options, &msl::PipelineOptions::default());
    let (text, told) = written.map_err(|error| error.to_string())?;
    told.entry_point_names.into_iter().collect::<Result<Vec<_>, _>>().map_err(|error| error.to_string())?;
    Ok(text)
}

fn to_hlsl(module: &Module, info: &ModuleInfo, bindings: usize) -> Result<String, String> {
    let target = |(binding, _): (ResourceBinding, AddressSpace)| {
        let target = hlsl::BindTarget { register: binding.binding, ..Default::default() };
        (binding, target)
    };
    let options = hlsl::Options {
        shader_model: hlsl::ShaderModel::V6_2,
        binding_map: bound(module).take(bindings).map(target).collect(),
        fake_missing_bindings: false,
        ..Default::default()
    };
    let mut text = String::new();
    let pipeline = hlsl::PipelineOptions::default();
    let written = hlsl::Writer::new(&mut text, &options, &pipeline).write(module, info, None);
    let told = written.map_err(|error| error.to_string())?;
    told.entry_point_names.into_iter().collect::<Result<Vec<_>, _>>().map_err(|error| error.to_string())?;
    Ok(text)
}

/// Panics unless a variant of a kernel translates.
fn translates(kernel: &Kernel, spec: &Spec) {
    let text = wgsl(kernel, spec).unwrap_or_else(|error| panic!("{error}"));
    let (module, info) = parse(&text);
    let label = format!("{} {spec:?}", kernel.name);
    let bindings = 2 + kernel.bindings.len();
    let metal = to_msl(&module, &info, bindings).unwrap_or_else(|e| panic!("{label} to MSL: {e}"));
    assert!(metal.contains("kernel void main_("), "{label}:\n{metal}");
    let directx = to_hlsl(&module, &info, bindings).unwrap_or_else(|e| panic!("{label} to HLSL: {e}"));
    assert!(directx.contains(&format!("[numthreads({}, 1, 1)]", spec.workgroup())), "{label}:\n{directx}");
    let half = spec.halves() != 0;
    assert!(!half || metal.contains("half") && directx.contains("half"), "{label}");
}

#[test]
fn every_kernel_translates_to_metal_and_directx() {
    for kernel in ALL {
        let variants = (kernel.variants)();
        variants.iter().step_by(variants.len().div_ceil(EACH)).for_each(|spec| translates(kernel, spec));
    }
}

#[test]
fn kernels_of_16_bits_translate_too() {
    let mut translated = 0;
    for kernel in ALL.iter().filter(|kernel| !kernel.name.starts_with("optimise_")) {
        let spec = (kernel.variants)().swap_remove(0);
        let mask = narrowable(&wgsl(kernel, &spec).unwrap(), kernel.bindings.len());
        // Metal keeps the format of a texture to itself.
        let buffers = kernel.bindings.iter().zip(0..).filter(|(access, _)| **access != Access::Texels);
        let mask = buffers.map(|(_, at)| mask & 1 << at).sum();
        translates(kernel, &spec.halved(mask));
        translated += usize::from(mask != 0);
    }
    assert!(translated > 40, "{translated} were translated");
}

#[test]
fn a_missing_binding_is_noticed() {
    let kernel = ALL.iter().find(|kernel| kernel.name == "conv_tiled").expect("it is listed");
    let (module, info) = parse(&wgsl(kernel, &(kernel.variants)()[0]).expect("it renders"));
    assert!(to_msl(&module, &info, kernel.bindings.len() + 1).is_err());
    assert!(to_hlsl(&module, &info, kernel.bindings.len() + 1).is_err());
}
