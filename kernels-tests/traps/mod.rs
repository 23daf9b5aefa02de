//! Traps of pruning, each with the smallest network that would fall into it. `docs/traps.md` lists them all.
//!
//! Every network is read from a file, pruned to random orders and prefixes, and held to four things: a compacted
//! network in f64 that equals one whose consumers read no pruned channel, the same with what is pruned set to a
//! thousand and to NaN, masked outputs on the device that equal compacted ones bit for bit over buffers of NaN, and
//! layers within the bounds of the reference.

mod attention;
mod bookkeeping;
mod heads;
mod masking;

use crate::harness::gpus;
use crate::random_graph::{RandomGraph, Rng};
use crate::text::model;
use crate::{compaction, masks};
use prost::Message;
use wgpu_pagcp::graph::{Graph, Sizes};
use wgpu_pagcp::onnx;
use wgpu_pagcp::reference::Array;
use wgpu_pagcp::units::{Units, analyse};

/// Prunings of one network.
const PRUNINGS: u64 = 12;

/// The network of a text over the input `x`.
pub fn network(text: &str, dims: &[i64]) -> Graph {
    let bytes = model(text, dims).encode_to_vec();
    onnx::parse(&bytes, "trap", None).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// The network with pictures of `batch` images for it.
pub fn case(text: &str, dims: &[i64], batch: usize, seed: u64) -> RandomGraph {
    let graph = network(text, dims);
    let shapes = graph.infer(&Sizes::batch(batch)).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let units = analyse(&graph, &shapes);
    let mut rng = Rng::new(seed);
    let inputs = graph.inputs.iter().map(|id| Array::from(&rng.tensor(&shapes[id.0], 1.0))).collect();
    RandomGraph { seed, graph, shapes, units, batch, inputs }
}

/// Prunes the network of a text again and again and holds it to everything that this module says; its units.
pub fn hold(text: &str, dims: &[i64]) -> Units {
    for seed in 0..PRUNINGS {
        let batch = if seed % 3 == 2 { 3 } else { 1 };
        let case = case(text, dims, batch, seed);
        compaction::check(&case);
        if let Some(gpus) = gpus() {
            masks::check_masked(&gpus[seed as usize % 2], &case);
            if seed < 3 {
                masks::check_bounds(&gpus[1], &case);
            }
        }
    }
    case(text, dims, 1, 0).units
}

/// The numbers of coordinates of the units, in order.
pub fn sizes(units: &Units) -> Vec<usize> {
    units.units.iter().map(|unit| unit.channels).collect()
}

/// The reasons for which channels are pinned.
pub fn reasons(units: &Units) -> Vec<&str> {
    units.pinned.iter().map(|pinned| pinned.reason.as_str()).collect()
}
