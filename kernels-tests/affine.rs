//! Batch normalisation that stands alone.

use crate::case::{CHANNELS, Case, cuts, random};
use crate::harness::gpus;
use wgpu_pagcp::graph::Op;
use wgpu_pagcp::tensor::Tensor;

#[test]
fn every_layout() {
    let Some(gpus) = gpus() else { return };
    for channels in CHANNELS {
        for (cut, keep) in cuts(channels) {
            let variance = random(&[channels], 5).f32s().unwrap().iter().map(|v| v.abs()).collect();
            let case = Case::new(Op::BatchNorm { epsilon: 1e-3 }, &cut, &keep)
                .input(random(&[3, channels, 7, 5], 1), &cut)
                .constant(random(&[channels], 2), 0, &cut)
                .constant(random(&[channels], 3), 0, &cut)
                .constant(random(&[channels], 4), 0, &cut)
                .constant(Tensor::from_f32(vec![channels], variance).unwrap(), 0, &cut);
            case.check(&gpus, "batch normalisation");
        }
    }
}
