//! The steps that follow gradients: their norm, the optimiser, and weights packed again for the kernels that read them.

use super::parameters::Repack;
use super::{Block, Rule, Settings, TrainError};
use crate::kernels::gradient_clip::{GRADIENT_CLIP, GradientClipParams, STATE};
use crate::kernels::gradient_norm::{GRADIENT_NORM, GradientNormParams, SPAN};
use crate::kernels::optimise::{Hyper, OptimiseParams};
use crate::kernels::optimise_adamw::OPTIMISE_ADAMW;
use crate::kernels::optimise_sgd::OPTIMISE_SGD;
use crate::kernels::pack::PackParams;
use crate::kernels::repack::{REPACK, RepackParams};
use crate::kernels::unpack::UNPACK;
use crate::kernels::{Kernel, Spec};
use crate::plan::{Grid, MAX_GROUPS, Operand, Plan, Refresh, Step};
use std::ops::Range;

/// A block, and where its numbers are in every buffer of [`Buffers`] that has one for each weight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// The block.
    pub block: Block,
    /// Its floats.
    pub at: Range<usize>,
}

/// Where everything is, as external buffers. Those of all weights have all blocks one behind the other: first the ones that
/// decay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Buffers {
    /// Floats of a buffer of all weights.
    pub numbers: usize,
    /// Weights.
    pub weight: usize,
    /// Their moving average.
    pub average: usize,
    /// The first moment.
    pub first: usize,
    /// The second moment, where the rule has one.
    pub second: Option<usize>,
    /// [`Hyper::words`], written before every step.
    pub hyper: usize,
    /// See [`STATE`].
    pub state: usize,
    /// The first of the plan's updates that packs weights.
    pub first_repack: usize,
}

/// What a step left in its state: the norm of the gradients, and whether they were finite.
pub fn read_state(state: &[f32]) -> (f32, bool) {
    (state[1], state[2] != 0.0)
}

/// What the kernels of step number `step` (from 1) read at learning rate `rate`.
pub fn hyper(settings: &Settings, step: u64, rate: f64) -> Hyper {
    let (beta1, beta2, epsilon) = match settings.rule {
        Rule::Sgd { momentum } => (momentum, 0.0, 0.0),
        Rule::AdamW { beta1, beta2, epsilon } => (beta1, beta2, epsilon),
    };
    let correction = |beta: f32| (1.0 - f64::from(beta).powf(step as f64)) as f32;
    // The average of the first steps is of few: it takes them in faster.
    let average = settings.average.min((1.0 + step as f64) / (10.0 + step as f64));
    Hyper {
        rate: rate as f32,
        decay: settings.decay as f32,
        clip: settings.clip as f32,
        average: average as f32,
        beta1,
        beta2,
        epsilon,
        correction1: correction(beta1),
        correction2: correction(beta2),
    }
}

/// Adds to a plan the buffers and steps that train `blocks`, whose gradients are its outputs: they are gathered in one
/// buffer, so that a step is a few dispatches whatever the number of blocks.
///
/// # Errors
/// [`TrainError::Weights`] where a packed constant is no whole number of vectors, or where a gradient cannot be gathered.
pub fn add_updates(
    plan: &mut Plan,
    blocks: Vec<(Block, usize)>,
    repacks: Vec<Repack>,
    rule: Rule,
) -> Result<(Vec<Placed>, Buffers), TrainError> {
    let (placed, [decaying, numbers]) = place(plan, &blocks);
    let gradient = external(plan, numbers);
    for ((block, own), placed) in blocks.iter().zip(&placed) {
        gather(plan, block, *own, (gradient, placed.at.start))?;
    }
    plan.outputs.clear();
    let [weight, average, first] = [(); 3].map(|()| external(plan, numbers));
    let second = matches!(rule, Rule::AdamW { .. }).then(|| external(plan, numbers));
    let sums = numbers.div_ceil(SPAN as usize);
    let [sums_at, hyper, state] = [sums, Hyper::WORDS, STATE].map(|floats| external(plan, floats));
    let params = GradientNormParams { numbers: numbers as u32, span: SPAN, base: 0 };
    let operands = [gradient, sums_at].map(Operand::External);
    plan.updates.push(update("norm", &GRADIENT_NORM, params.words(), &operands, sums as u32));
    let params = GradientClipParams { sums: sums as u32 };
    let operands = [sums_at, hyper, state].map(Operand::External);
    plan.updates.push(update("norm", &GRADIENT_CLIP, params.words(), &operands, 1));
    let params = OptimiseParams { numbers: numbers as u32, decaying: decaying as u32 };
    let operands = [gradient, state, weight, average, first];
    let operands: Vec<_> = operands.into_iter().chain(second).map(Operand::External).collect();
    let kernel = if second.is_some() { &OPTIMISE_ADAMW } else { &OPTIMISE_SGD };
    plan.updates.push(update("optimise", kernel, params.words(), &operands, numbers.div_ceil(64) as u32));
    let first_repack = plan.updates.len();
    add_repack(plan, &placed, repacks, weight)?;
    Ok((placed, Buffers { numbers, weight, average, first, second, hyper, state, first_repack }))
}

/// A new external buffer of so many floats.
fn external(plan: &mut Plan, floats: usize) -> usize {
    plan.externals.push(4 * floats as u64);
    plan.externals.len() - 1
}

/// The places of all blocks, each from a multiple of four floats on, where those that decay end, and where all do.
fn place(plan: &Plan, blocks: &[(Block, usize)]) -> (Vec<Placed>, [usize; 2]) {
    let mut ends = [0; 2];
    let mut end = 0;
    let mut places = vec![0..0; blocks.len()];
    for (kind, decays) in [true, false].into_iter().enumerate() {
        for (at, (_, gradient)) in blocks.iter().enumerate().filter(|(_, (block, _))| block.decays == decays)
        {
            let numbers = plan.externals[*gradient] as usize / 4;
            places[at] = end..end + numbers;
            end = (end + numbers).next_multiple_of(4);
        }
        ends[kind] = end;
    }
    let placed = blocks.iter().zip(places).map(|((block, _), at)| Placed { block: block.clone(), at });
    (placed.collect(), ends)
}

/// Has the step that would write a gradient to the buffer `own` write it into `whole` instead, from float `base` on.
fn gather(
    plan: &mut Plan,
    block: &Block,
    own: usize,
    (whole, base): (usize, usize),
) -> Result<(), TrainError> {
    let word = PackParams::NAMES.iter().position(|name| *name == "base");
    let writes = |step: &&mut Step| step.operands.contains(&Operand::External(own));
    let (Some(word), Some(step)) =
        (word, plan.unpack.iter_mut().find(writes).filter(|step| step.kernel == &UNPACK))
    else {
        let value = format!("the gradient of constant {:?}", block.constants);
        return Err(TrainError::Weights { value, reason: "no step unpacks it".to_owned() });
    };
    step.params[word] = base as u32;
    for operand in step.operands.iter_mut().filter(|operand| **operand == Operand::External(own)) {
        *operand = Operand::External(whole);
    }
    plan.externals[own] = 0;
    Ok(())
}

/// Adds the step that packs the weights for all kernels that read them, and the copies to where they read them.
fn add_repack(
    plan: &mut Plan,
    placed: &[Placed],
    repacks: Vec<Repack>,
    weight: usize,
) -> Result<(), TrainError> {
    let mut places = Vec::new();
    let packed = plan.externals.len();
    for Repack { constant, block, table } in repacks {
        if !table.len().is_multiple_of(4) {
            let reason = format!("it has {} numbers, expected a multiple of 4", table.len());
            return Err(TrainError::Weights { value: format!("packed constant {constant}"), reason });
        }
        plan.refreshed.push(Refresh { constant, external: packed, offset: 4 * places.len() as u64 });
        let start = placed[block].at.start as u32;
        places.extend(table.into_iter().map(|place| if place == 0 { 0 } else { start + place }));
    }
    external(plan, places.len());
    let texels = places.len() as u32 / 4;
    plan.constants.push(places.into_iter().map(f32::from_bits).collect());
    let places = Operand::Constant(plan.constants.len() - 1);
    let operands = [places, Operand::External(weight), Operand::External(packed)];
    let params = RepackParams { texels };
    plan.updates.push(update("repack", &REPACK, params.words(), &operands, texels.div_ceil(64)));
    Ok(())
}

fn update(node: &str, kernel: &'static Kernel, params: Vec<u32>, operands: &[Operand], groups: u32) -> Step {
    let z = groups.div_ceil(MAX_GROUPS).max(1);
    Step {
        node: node.to_owned(),
        op: "Update",
        kernel,
        spec: Spec::default(),
        params,
        operands: operands.to_vec(),
        grid: Grid::Fixed([groups.div_ceil(z), 1, z]),
        macs: 0,
    }
}
