//! Reductions along axes and the indices of maxima.

use super::{Call, Meaning};
use crate::graph::{ArgMax, Op, Reduce, Reduction};

/// Axes are an attribute before opset 18, or 13 for sums, and an input from then on; both are taken. Without axes all
/// are reduced, or none where the node says so.
pub(super) fn reduce(call: &mut Call) -> Result<Meaning, String> {
    call.at_most(2)?;
    let reduction = match call.op() {
        "ReduceMean" => Reduction::Mean,
        "ReduceSum" => Reduction::Sum,
        "ReduceMax" => Reduction::Max,
        _ => Reduction::L2,
    };
    let keep_dims = kept(call)?;
    let none = call.attributes.flag("noop_with_empty_axes")?;
    let attribute = call.attributes.ints("axes")?.map(<[i64]>::to_vec);
    let given = match (attribute, call.ints(1)?) {
        (Some(_), Some(_)) => return Err("axes: expected an attribute or an input, found both".to_owned()),
        (attribute, input) => attribute.or(input).unwrap_or_default(),
    };
    let rank = call.rank()?;
    if rank == 0 || (given.is_empty() && none) {
        return call.unary(Op::Identity);
    }
    let last = rank - 1;
    let mut axes = given.iter().map(|&axis| call.axis(axis, last)).collect::<Result<Vec<_>, _>>()?;
    axes.sort_unstable();
    if axes.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(format!("axes: expected each axis once, found {given:?}"));
    }
    if axes.is_empty() {
        axes = (0..rank).collect();
    }
    call.unary(Op::Reduce(Reduce { reduction, axes, keep_dims }))
}

/// A pool over all spatial axes: two of them have an operator of their own, other numbers are a reduction.
pub(super) fn global_pool(call: &mut Call) -> Result<Meaning, String> {
    let (pool, reduction) = match call.op() {
        "GlobalAveragePool" => (Op::GlobalAveragePool, Reduction::Mean),
        _ => (Op::GlobalMaxPool, Reduction::Max),
    };
    match call.rank()? {
        4 => call.whole(pool),
        rank @ 3.. => {
            call.whole(Op::Reduce(Reduce { reduction, axes: (2..rank).collect(), keep_dims: true }))
        }
        rank => Err(format!("input: expected rank 3 or more [N, C, …], found rank {rank}")),
    }
}

pub(super) fn arg_max(call: &mut Call) -> Result<Meaning, String> {
    let keep_dims = kept(call)?;
    let last = call.attributes.flag("select_last_index")?;
    let axis = call.attributes.int("axis")?.unwrap_or(0);
    let rank = call.rank()?;
    let axis = call.axis(axis, rank.saturating_sub(1))?;
    call.whole(Op::ArgMax(ArgMax { axis, keep_dims, last }))
}

fn kept(call: &mut Call) -> Result<bool, String> {
    match call.attributes.int("keepdims")? {
        None | Some(1) => Ok(true),
        Some(0) => Ok(false),
        Some(found) => Err(format!("keepdims: expected 0 or 1, found {found}")),
    }
}
