//! Padding in every mode.

use crate::case::{CHANNELS, Case, cuts, random, whole};
use crate::harness::gpus;
use wgpu_pagcp::graph::{Op, Pad, PadMode};

const MODES: [PadMode; 3] = [PadMode::Constant(-1.25), PadMode::Reflect, PadMode::Edge];

#[test]
fn every_mode_in_every_layout() {
    let Some(gpus) = gpus() else { return };
    let margins = [[0, 0, 0, 0], [1, 2, 3, 4], [6, 0, 0, 4], [0, 3, 2, 0]];
    for channels in CHANNELS {
        for (i, (cut, keep)) in cuts(channels).into_iter().enumerate() {
            for mode in MODES {
                let pad = Pad { margins: margins[i % 4], mode };
                let case = Case::new(Op::Pad(pad), &cut, &keep);
                case.input(random(&[3, channels, 7, 5], 1), &cut).check(&gpus, &format!("{pad:?}"));
            }
        }
    }
}

#[test]
fn single_pixels_and_margins_beyond_the_input() {
    let Some(gpus) = gpus() else { return };
    for mode in [PadMode::Constant(0.5), PadMode::Edge] {
        let pad = Pad { margins: [3, 1, 2, 4], mode };
        let case = Case::new(Op::Pad(pad), &whole(2), &[]).input(random(&[1, 2, 1, 1], 1), &whole(2));
        case.check(&gpus, &format!("{pad:?}"));
    }
}
