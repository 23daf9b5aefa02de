//! Where trained numbers are among the packed constants of a plan. Kernels read weights in layouts of their own, which
//! only lowering knows; so the graph is lowered with numbered weights, and what comes out says where each went.

use super::TrainError;
use super::differentiate::Differentiated;
use crate::graph::{Graph, ValueId};
use crate::plan::{Plan, PlanError};
use crate::tensor::Tensor;
use std::ops::Range;
use std::sync::Arc;

/// A packed constant that holds numbers of one block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repack {
    /// The constant of the plan.
    pub constant: usize,
    /// The block.
    pub block: usize,
    /// For every float of the constant, 0 or one more than its place in the block.
    pub table: Vec<u32>,
}

/// Numbers that `f32` holds exactly and that any layout passes on: two digits say which weight it was.
const DIGIT: usize = 4096;

/// Where the blocks of `trained` are in `plan`, which `build` made of its graph.
///
/// # Errors
/// [`TrainError::Weights`] where a kernel reads something else than the weights themselves; as `build`.
pub fn repacks(
    trained: &Differentiated,
    plan: &Plan,
    build: impl Fn(&Graph) -> Result<Plan, PlanError>,
) -> Result<Vec<Repack>, TrainError> {
    let ranges = ranges(trained);
    let numbered =
        |digit: &dyn Fn(usize) -> usize| build(&filled(trained, &ranges, digit)?).map_err(TrainError::from);
    let nothing = numbered(&|_| 0)?;
    let high = numbered(&|place| place / DIGIT + 1)?;
    let low = numbered(&|place| place % DIGIT + 1)?;
    let mut repacks = Vec::new();
    for (constant, floats) in plan.constants.iter().enumerate() {
        let [nothing, high, low] = [&nothing, &high, &low].map(|plan| &plan.constants[constant]);
        if bits(nothing).eq(bits(low)) {
            continue;
        }
        let name = constant_name(plan, constant);
        let fail = |reason: &str| TrainError::Weights { value: name.clone(), reason: reason.to_owned() };
        if nothing.iter().any(|float| *float != 0.0) || nothing.len() != floats.len() {
            return Err(fail("it holds other numbers too"));
        }
        let place = |(high, low): (&f32, &f32)| match (*high, *low) {
            (0.0, 0.0) => None,
            (high, low) => Some((high as usize - 1) * DIGIT + low as usize - 1),
        };
        let places: Vec<Option<usize>> = high.iter().zip(low.iter()).map(place).collect();
        let first = places.iter().flatten().next().copied().unwrap_or(0);
        let block =
            ranges.iter().position(|range| range.contains(&first)).ok_or_else(|| fail("it is scaled"))?;
        let range = &ranges[block];
        if places.iter().flatten().any(|place| !range.contains(place)) {
            return Err(fail("it holds weights that are trained apart"));
        }
        let table: Vec<u32> = places
            .into_iter()
            .map(|place| place.map_or(0, |place| (place - range.start + 1) as u32))
            .collect();
        let weights = weights(&trained.graph, &trained.blocks[block].constants)?;
        let agrees = |(&entry, &float): (&u32, &f32)| {
            float.to_bits() == if entry == 0 { 0 } else { weights[entry as usize - 1].to_bits() }
        };
        if !table.iter().zip(floats.iter()).all(agrees) {
            return Err(fail("it is not the weights in another order"));
        }
        repacks.push(Repack { constant, block, table });
    }
    Ok(repacks)
}

/// The numbers of some constants, one after another.
///
/// # Errors
/// [`TrainError::Weights`] where one is no constant of floats.
pub fn weights(graph: &Graph, constants: &[ValueId]) -> Result<Vec<f32>, TrainError> {
    let mut weights = Vec::new();
    for &constant in constants {
        let fail = |reason: String| TrainError::Weights { value: graph.value(constant).name.clone(), reason };
        let tensor = graph.constant(constant).ok_or_else(|| fail("it is computed".to_owned()))?;
        weights.extend_from_slice(tensor.f32s().map_err(|error| fail(error.to_string()))?);
    }
    Ok(weights)
}

/// Sets some constants to `weights`, which has their elements one after another.
///
/// # Panics
/// If `weights` has another length.
pub fn set_weights(graph: &mut Graph, constants: &[ValueId], weights: &[f32]) {
    let mut rest = weights;
    for &constant in constants {
        let shape = graph.constant(constant).map(|tensor| tensor.shape().to_vec()).unwrap_or_default();
        let (own, after) = rest.split_at(shape.iter().product());
        let tensor = Tensor::from_f32(shape, own.to_vec()).expect("as many elements as the constant has");
        graph.values[constant.0].constant = Some(Arc::new(tensor));
        rest = after;
    }
    assert!(rest.is_empty(), "{} weights too many", rest.len());
}

/// The places of every block when all stand one after another.
fn ranges(trained: &Differentiated) -> Vec<Range<usize>> {
    let mut start = 0;
    let range = |constants: &Vec<ValueId>| {
        let count: usize =
            constants.iter().filter_map(|&id| trained.graph.constant(id)).map(Tensor::len).sum();
        start += count;
        start - count..start
    };
    trained.blocks.iter().map(|block| &block.constants).map(range).collect()
}

/// The graph with `digit` of its place for every trained number.
fn filled(
    trained: &Differentiated,
    ranges: &[Range<usize>],
    digit: &dyn Fn(usize) -> usize,
) -> Result<Graph, PlanError> {
    let mut graph = trained.graph.clone();
    for (block, range) in trained.blocks.iter().zip(ranges) {
        let digits: Vec<f32> = range.clone().map(|place| digit(place) as f32).collect();
        set_weights(&mut graph, &block.constants, &digits);
    }
    for derived in &trained.derived {
        let Some(Ok(source)) = graph.constant(derived.source).map(Tensor::f32s) else { continue };
        let elements = derived.elements.iter().map(|&element| source[element as usize]).collect::<Vec<_>>();
        set_weights(&mut graph, &[derived.value], &elements);
    }
    Ok(graph)
}

fn bits(floats: &[f32]) -> impl Iterator<Item = u32> + '_ {
    floats.iter().map(|float| float.to_bits())
}

/// The first node that binds a constant, for messages.
fn constant_name(plan: &Plan, constant: usize) -> String {
    let reads = |step: &&crate::plan::Step| step.operands.contains(&crate::plan::Operand::Constant(constant));
    let node = plan.all_steps().find(reads).map_or("no node", |step| step.node.as_str());
    format!("a constant of {node}")
}
