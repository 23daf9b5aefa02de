//! The source that templates become, as the compiler of a device gets it: one kernel of every way to compute a convolution.

use insta::assert_snapshot;
use wgpu_pagcp::kernels::{ALL, wgsl};

/// The first variant of kernel `name` that has all of `words`.
fn source(name: &str, words: &[(&'static str, u32)]) -> String {
    let kernel = ALL.iter().find(|kernel| kernel.name == name).expect("there is such a kernel");
    let variants = (kernel.variants)();
    let spec = variants.iter().find(|spec| words.iter().all(|word| spec.0.contains(word)));
    wgsl(kernel, spec.expect("there is such a variant")).expect("the template is sound")
}

#[test]
fn lanes_broadcast_weights() {
    let words =
        [("form", 2), ("columns", 3), ("stride", 1), ("np", 4), ("kg", 2), ("depth", 4), ("subgroup", 8)];
    assert_snapshot!("conv_broadcast", source("conv_broadcast", &words));
}

#[test]
fn workgroups_read_weights_by_scalars() {
    assert_snapshot!("conv_uniform", source("conv_uniform", &[("form", 0), ("np", 1)]));
}

#[test]
fn threads_own_pixels_of_one_channel_group() {
    assert_snapshot!("conv_depthwise", source("conv_depthwise", &[("form", 2), ("columns", 3), ("nr", 1)]));
}

#[test]
fn windows_are_transformed() {
    assert_snapshot!("winograd_input", source("winograd_input", &[("m", 2)]));
    assert_snapshot!("winograd_output", source("winograd_output", &[("m", 2)]));
}
