//! Products of vectors and matrices with the kernels of GPUs, where threads share the sums.

use crate::case::{Case, cuts, random, whole};
use crate::harness::gpus;
use wgpu_pagcp::graph::{Activation, Conv2d, Epilogue, Op};
use wgpu_pagcp::plan::DeviceClass;

/// Input channels that leave threads without any, are one for each, and several.
const INPUTS: [usize; 4] = [3, 64, 77, 300];
const OUTPUTS: usize = 10;

#[test]
fn threads_share_channels() {
    let Some(gpus) = gpus() else { return };
    let gpus = gpus.map(|gpu| gpu.with_class(DeviceClass::Gpu));
    let conv = Conv2d { epilogue: Epilogue::Activation(Activation::HardSwish), ..Conv2d::new([1, 1]) };
    for (inputs, images) in INPUTS.into_iter().flat_map(|inputs| [1, 3].map(|images| (inputs, images))) {
        for (cut, keep) in cuts(inputs) {
            Case::new(Op::Conv(conv.clone()), &whole(OUTPUTS), &keep)
                .input(random(&[images, inputs, 1, 1], 1), &cut)
                .constant(random(&[OUTPUTS, inputs, 1, 1], 2), 1, &cut)
                .constant(random(&[OUTPUTS], 3), 0, &whole(OUTPUTS))
                .check(&gpus, &format!("{images} vectors of {inputs}"));
        }
    }
}
