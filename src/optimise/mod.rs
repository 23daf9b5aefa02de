//! Graph rewrites before planning: folding and fusion. Passes run in a fixed order, again and again until none
//! applies, so optimising an optimised graph changes nothing. What applies depends on the graph's structure alone,
//! never on a number of channels: a pruned network gets the same kernels as the network it came from.

mod affine;
mod drop_dead;
mod drop_identities;
mod fold_affine;
mod fold_batch_norm;
mod fold_constants;
mod fold_pad;
mod fuse_activation;
mod fuse_hard_swish;
mod fuse_residual;
mod fuse_silu;
mod normalise_gemm;
mod pass;
#[cfg(test)]
mod tests;

pub use pass::{Outcome, Skipped};

use crate::graph::{Graph, GraphError, Sizes};
use pass::Pass;
use thiserror::Error;

/// All passes, in order.
static PASSES: &[Pass] = &[
    fold_constants::PASS,
    drop_identities::PASS,
    fuse_silu::PASS,
    fuse_hard_swish::PASS,
    normalise_gemm::PASS,
    fold_batch_norm::PASS,
    fold_affine::PASS,
    fold_pad::PASS,
    fuse_residual::PASS,
    fuse_activation::PASS,
    drop_dead::PASS,
];

/// An optimised graph and what was done to it.
#[derive(Clone, Debug)]
pub struct Optimised {
    /// Computes what the original computes; values keep their ids, graph inputs and outputs their names. Values that
    /// were folded or fused away are computed by no node.
    pub graph: Graph,
    /// What each pass did, in pass order.
    pub report: Vec<PassReport>,
}

/// What one pass did in all its rounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PassReport {
    /// The pass.
    pub pass: &'static str,
    /// The nodes it rewrote or removed, and in the last round, those it could not and why.
    pub outcome: Outcome,
}

/// Why a graph could not be optimised.
#[derive(Debug, Error, PartialEq)]
pub enum OptimiseError {
    /// The graph has no meaning at these sizes.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// A pass left a graph that breaks a rule: a defect of this crate.
    #[error("pass {pass} broke the graph: {source}")]
    Pass {
        /// The pass.
        pass: &'static str,
        /// The rule.
        source: Box<GraphError>,
    },
}

/// Passes after which a graph can be written to a file and has trained constants in the form that gradients need.
static NORMALISING: &[Pass] = &[fold_constants::PASS, normalise_gemm::PASS];

/// Passes that leave every constant of a convolution, matrix product or batch normalisation as it is.
static FUSING: &[Pass] = &[
    fold_constants::PASS,
    drop_identities::PASS,
    fuse_silu::PASS,
    fuse_hard_swish::PASS,
    fold_pad::PASS,
    fuse_residual::PASS,
    fuse_activation::PASS,
    drop_dead::PASS,
];

/// A graph with constants folded and matrix products in their normal form, and where `fold` with batch normalisations
/// folded into what is before them. What it computes at other sizes stays.
///
/// # Errors
/// As [`optimise`].
pub fn normalised(graph: &Graph, sizes: &Sizes, fold: bool) -> Result<Graph, OptimiseError> {
    let mut graph = graph.clone();
    apply(NORMALISING, &mut graph, sizes)?;
    if fold {
        apply(&[fold_batch_norm::PASS], &mut graph, sizes)?;
    }
    Ok(graph)
}

/// A graph, fixed to `sizes`, with what can be fused without a change to constants that may be trained.
///
/// # Errors
/// As [`optimise`].
pub fn fused(graph: &Graph, sizes: &Sizes) -> Result<Graph, OptimiseError> {
    let mut graph = graph.clone();
    graph.fix(&graph.infer(sizes)?);
    apply(FUSING, &mut graph, sizes)?;
    Ok(graph)
}

/// Runs `passes` until none applies.
fn apply(passes: &[Pass], graph: &mut Graph, sizes: &Sizes) -> Result<(), OptimiseError> {
    loop {
        let mut changed = false;
        for pass in passes {
            let broken = |source| OptimiseError::Pass { pass: pass.name, source: Box::new(source) };
            let outcome = pass.run(&mut graph.edit(), sizes).map_err(broken)?;
            changed |= !outcome.applied.is_empty();
        }
        if !changed {
            return Ok(());
        }
    }
}

/// Optimises a graph for inputs of the given sizes; sizes decide only where a value is broadcast.
pub fn optimise(graph: &Graph, sizes: &Sizes) -> Result<Optimised, OptimiseError> {
    let mut graph = graph.clone();
    graph.fix(&graph.infer(sizes)?);
    let empty = |pass: &Pass| PassReport { pass: pass.name, outcome: Outcome::default() };
    let mut report: Vec<PassReport> = PASSES.iter().map(empty).collect();
    loop {
        let mut changed = false;
        for (pass, report) in PASSES.iter().zip(&mut report) {
            let broken = |source| OptimiseError::Pass { pass: pass.name, source: Box::new(source) };
            let outcome = pass.run(&mut graph.edit(), sizes).map_err(broken)?;
            if cfg!(debug_assertions) {
                graph.check().map_err(broken)?;
            }
            changed |= !outcome.applied.is_empty();
            report.outcome.applied.extend(outcome.applied);
            report.outcome.skipped = outcome.skipped;
        }
        if !changed {
            return Ok(Optimised { graph, report });
        }
    }
}
