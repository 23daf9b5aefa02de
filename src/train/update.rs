//! The steps that follow gradients: their norm, the optimiser, and weights packed again for the kernels that read them.

use super::parameters::Repack;
use super::{Block, Rule, Settings, TrainError};
use crate::kernels::gradient_clip::{GRADIENT_CLIP, GradientClipParams, STATE};
use crate::kernels::gradient_norm::{GRADIENT_NORM, GradientNormParams, SPAN};
use crate::kernels::optimise::{Hyper, OptimiseParams};
use crate::kernels::optimise_adamw::OPTIMISE_ADAMW;
use crate::kernels::optimise_sgd::OPTIMISE_SGD;
use crate::kernels::repack::{REPACK, RepackParams};
use crate::kernels::{Kernel, Spec};
use crate::plan::{Grid, MAX_GROUPS, Operand, Plan, Step};

/// Where the numbers of a block are, as external buffers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockBuffers {
    /// The block.
    pub block: Block,
    /// How many numbers it has.
    pub numbers: usize,
    /// Gradients.
    pub gradient: usize,
    /// Weights.
    pub weight: usize,
    /// Their moving average.
    pub average: usize,
    /// The first moment.
    pub first: usize,
    /// The second moment, where the rule has one.
    pub second: Option<usize>,
}

/// Where the rest is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Buffers {
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

/// Adds to a plan the buffers and steps that train `blocks`, whose gradients are external buffers.
///
/// # Errors
/// [`TrainError::Weights`] where a packed constant is no whole number of vectors.
pub fn add_updates(
    plan: &mut Plan,
    blocks: Vec<(Block, usize)>,
    repacks: Vec<Repack>,
    rule: Rule,
) -> Result<(Vec<BlockBuffers>, Buffers), TrainError> {
    let external = |plan: &mut Plan, floats: usize| {
        plan.externals.push(4 * floats as u64);
        plan.externals.len() - 1
    };
    let mut buffers = Vec::new();
    for (block, gradient) in blocks {
        let numbers = plan.externals[gradient] as usize / 4;
        let [weight, average, first] = [(); 3].map(|()| external(plan, numbers));
        let second = matches!(rule, Rule::AdamW { .. }).then(|| external(plan, numbers));
        buffers.push(BlockBuffers { block, numbers, gradient, weight, average, first, second });
    }
    let partials = |block: &BlockBuffers| block.numbers.div_ceil(SPAN as usize);
    let sums: usize = buffers.iter().map(partials).sum();
    let [sums_at, hyper, state] = [sums, Hyper::WORDS, STATE].map(|floats| external(plan, floats));
    let mut base = 0;
    for block in &buffers {
        let params = GradientNormParams { numbers: block.numbers as u32, span: SPAN, base };
        let operands = [block.gradient, sums_at].map(Operand::External);
        let groups = partials(block) as u32;
        plan.updates.push(update("norm", &GRADIENT_NORM, params.words(), &operands, groups));
        base += groups;
    }
    let params = GradientClipParams { sums: sums as u32 };
    let operands = [sums_at, hyper, state].map(Operand::External);
    plan.updates.push(update("norm", &GRADIENT_CLIP, params.words(), &operands, 1));
    for block in &buffers {
        let params = OptimiseParams { numbers: block.numbers as u32, decays: u32::from(block.block.decays) };
        let operands = [block.gradient, state, block.weight, block.average, block.first];
        let operands: Vec<_> = operands.into_iter().chain(block.second).map(Operand::External).collect();
        let kernel = if block.second.is_some() { &OPTIMISE_ADAMW } else { &OPTIMISE_SGD };
        let groups = block.numbers.div_ceil(64) as u32;
        plan.updates.push(update("optimise", kernel, params.words(), &operands, groups));
    }
    let first_repack = plan.updates.len();
    for repack in repacks {
        if !repack.table.len().is_multiple_of(4) {
            let reason = format!("it has {} numbers, expected a multiple of 4", repack.table.len());
            return Err(TrainError::Weights {
                value: format!("packed constant {}", repack.constant),
                reason,
            });
        }
        let texels = repack.table.len() as u32 / 4;
        plan.constants.push(repack.table.into_iter().map(f32::from_bits).collect());
        let places = Operand::Constant(plan.constants.len() - 1);
        let weight = Operand::External(buffers[repack.block].weight);
        let operands = [places, weight, Operand::Constant(repack.constant)];
        let params = RepackParams { texels };
        plan.updates.push(update("repack", &REPACK, params.words(), &operands, texels.div_ceil(64)));
    }
    Ok((buffers, Buffers { hyper, state, first_repack }))
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
