//! Every variant of every kernel renders, validates, and is what the host takes it for: bindings, parameters and
//! workgroup size. Needs no GPU.

use naga::valid::{Capabilities, ModuleInfo, SubgroupOperationSet, ValidationFlags, Validator};
use naga::{AddressSpace, ImageClass, Module, StorageAccess, TypeInner};
use std::collections::BTreeSet;
use wgpu_pagcp::kernels::{ALL, Access, Kernel, Spec, wgsl, wgsl_in_words};

/// Workgroup memory that every device has.
const WORKGROUP_BYTES: u32 = 16 * 1024;

fn every_variant(check: impl Fn(&Module, &Kernel, &Spec)) {
    assert!(!ALL.is_empty(), "no kernel is listed");
    for kernel in ALL {
        let variants = (kernel.variants)();
        assert!(!variants.is_empty(), "{} has no variant", kernel.name);
        for spec in variants {
            let text = wgsl(kernel, &spec).unwrap_or_else(|error| panic!("{error}"));
            let module = naga::front::wgsl::parse_str(&text).unwrap_or_else(|error| {
                panic!("{} {spec:?}: {}", kernel.name, error.emit_to_string(&text));
            });
            check(&module, kernel, &spec);
        }
    }
}

fn validate(module: &Module) -> Result<ModuleInfo, String> {
    validate_with(module, Capabilities::SUBGROUP)
}

fn validate_with(module: &Module, capabilities: Capabilities) -> Result<ModuleInfo, String> {
    Validator::new(ValidationFlags::all(), capabilities)
        .subgroup_operations(SubgroupOperationSet::all())
        .subgroup_stages(naga::valid::ShaderStages::COMPUTE)
        .validate(module)
        .map_err(|error| format!("{error:?}"))
}

/// The members of a kernel's `Params`: names and offsets.
fn params(module: &Module) -> Vec<(String, u32)> {
    let uniform = module.global_variables.iter().find(|(_, v)| v.space == AddressSpace::Uniform);
    let (_, uniform) = uniform.expect("a kernel has parameters");
    let TypeInner::Struct { members, .. } = &module.types[uniform.ty].inner else {
        panic!("parameters are not a struct");
    };
    let scalar = |ty| matches!(module.types[ty].inner, TypeInner::Scalar(naga::Scalar { width: 4, .. }));
    assert!(members.iter().all(|m| scalar(m.ty)), "a parameter is not a 32-bit scalar");
    members.iter().map(|m| (m.name.clone().expect("members have names"), m.offset)).collect()
}

/// What is bound in group 0, by binding.
fn bindings(module: &Module) -> BTreeSet<(u32, &'static str)> {
    let mut found = BTreeSet::new();
    for (_, variable) in module.global_variables.iter() {
        let Some(binding) = &variable.binding else { continue };
        assert_eq!(binding.group, 0, "everything is bound in group 0");
        let kind = match (variable.space, &module.types[variable.ty].inner) {
            (AddressSpace::Uniform, _) => "uniform",
            (AddressSpace::Storage { access }, _) if access.contains(StorageAccess::STORE) => "write",
            (AddressSpace::Storage { .. }, _) => "read",
            (AddressSpace::Handle, TypeInner::Image { class: ImageClass::Storage { .. }, .. }) => "texture",
            (AddressSpace::Handle, TypeInner::Image { class: ImageClass::Sampled { .. }, .. }) => "picture",
            other => panic!("unexpected binding {other:?}"),
        };
        assert!(found.insert((binding.binding, kind)), "binding {} is used twice", binding.binding);
    }
    found
}

#[test]
fn every_variant_validates_in_words() {
    let mut changed = 0;
    every_variant(|module, kernel, spec| {
        let text = wgsl_in_words(kernel, spec).unwrap_or_else(|error| panic!("{error}"));
        let words = naga::front::wgsl::parse_str(&text).unwrap_or_else(|error| {
            panic!("{} {spec:?} in words: {}", kernel.name, error.emit_to_string(&text));
        });
        validate_with(&words, Capabilities::SUBGROUP | Capabilities::SHADER_INT64)
            .unwrap_or_else(|error| panic!("{} {spec:?} in words: {error}", kernel.name));
        assert_eq!(bindings(&words), bindings(module), "{} {spec:?}", kernel.name);
    });
    for kernel in ALL {
        let spec = &(kernel.variants)()[0];
        let [plain, words] = [wgsl, wgsl_in_words].map(|render| render(kernel, spec).expect("it renders"));
        assert!(!words.contains("y: array<vec4f>"), "{} stores vectors", kernel.name);
        changed += usize::from(plain != words);
    }
    assert!(changed > 40, "{changed} kernels read words");
}

#[test]
fn every_variant_validates() {
    every_variant(|module, kernel, spec| {
        let info = validate(module).unwrap_or_else(|error| panic!("{} {spec:?}: {error}", kernel.name));
        let used: u32 = (module.global_variables.iter())
            .filter(|(handle, v)| {
                v.space == AddressSpace::WorkGroup && !info.get_entry_point(0)[*handle].is_empty()
            })
            .map(|(_, v)| module.types[v.ty].inner.size(module.to_ctx()))
            .sum();
        assert!(used <= WORKGROUP_BYTES, "{} {spec:?} uses {used} bytes of workgroup memory", kernel.name);
    });
}

#[test]
fn bindings_are_those_of_the_host() {
    every_variant(|module, kernel, spec| {
        let mut expected = BTreeSet::from([(0, "read"), (1, "uniform")]);
        for (at, access) in (2..).zip(kernel.bindings) {
            let kind = match access {
                Access::Read => "read",
                Access::Write => "write",
                Access::Texels => "texture",
                Access::Picture => "picture",
            };
            expected.insert((at, kind));
        }
        assert_eq!(bindings(module), expected, "{} {spec:?}", kernel.name);
        // With the live table they are the eight storage buffers that every device binds.
        assert!(kernel.bindings.len() <= 7, "{} binds more than seven tensors", kernel.name);
    });
}

#[test]
fn parameters_are_those_of_the_host() {
    every_variant(|module, kernel, spec| {
        let expected: Vec<(String, u32)> =
            kernel.params.iter().zip(0..).map(|(name, at)| ((*name).to_owned(), 4 * at)).collect();
        assert_eq!(params(module), expected, "{} {spec:?}", kernel.name);
    });
}

#[test]
fn workgroups_are_those_of_the_host() {
    every_variant(|module, kernel, spec| {
        let [entry] = &module.entry_points[..] else {
            panic!("{} has {} entry points", kernel.name, module.entry_points.len());
        };
        assert_eq!(entry.name, "main", "{}", kernel.name);
        assert_eq!(entry.workgroup_size, [spec.workgroup(), 1, 1], "{} {spec:?}", kernel.name);
    });
}

#[test]
fn names_and_variants_are_unique() {
    let names: BTreeSet<&str> = ALL.iter().map(|kernel| kernel.name).collect();
    assert_eq!(names.len(), ALL.len(), "two kernels share a name");
    for kernel in ALL {
        let variants = (kernel.variants)();
        let unique: BTreeSet<&Spec> = variants.iter().collect();
        assert_eq!(unique.len(), variants.len(), "{} lists a variant twice", kernel.name);
    }
}

#[test]
fn a_wrong_member_is_noticed() {
    let module = naga::front::wgsl::parse_str(
        "struct Params { a: u32, b: u32 } @group(0) @binding(1) var<uniform> p: Params;
         @compute @workgroup_size(64) fn main() { _ = p.a; }",
    )
    .expect("the text parses");
    assert_eq!(params(&module), [("a".to_owned(), 0), ("b".to_owned(), 4)]);
    assert_eq!(bindings(&module), BTreeSet::from([(1, "uniform")]));
}
