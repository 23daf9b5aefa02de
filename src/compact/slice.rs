//! Slices constants by the channels that stay, each once however many nodes read it.

use super::CompactError;
use crate::graph::{Dim, Graph, Value, ValueId};
use crate::units::Parameters;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The axes of one constant that change, each with the value whose channels it follows.
type Slices = BTreeMap<usize, ValueId>;

/// Replaces in `compacted` the constants of `graph` that change.
pub(super) fn constants(
    parameters: &Parameters,
    kept: &[Option<Vec<usize>>],
    compacted: &mut Graph,
) -> Result<(), CompactError> {
    for (constant, slices) in slices(parameters, kept)? {
        let value = &mut compacted.values[constant.0];
        let mut tensor = value.constant.clone();
        for (axis, by) in slices {
            if let (Some(whole), Some(kept)) = (&tensor, &kept[by.0]) {
                tensor = Some(Arc::new(whole.select(axis, kept)));
                declare(value, axis, kept.len());
            }
        }
        value.constant = tensor;
    }
    Ok(())
}

fn slices(
    parameters: &Parameters,
    kept: &[Option<Vec<usize>>],
) -> Result<BTreeMap<ValueId, Slices>, CompactError> {
    let graph = parameters.graph;
    let mut known: BTreeMap<ValueId, Slices> = BTreeMap::new();
    for node in &graph.nodes {
        for (input, &constant) in node.inputs.iter().enumerate() {
            if graph.constant(constant).is_none() {
                continue;
            }
            let axes = parameters.axes(node, input).unwrap_or_default();
            let changed = axes.iter().filter(|axis| kept[axis.value.0].is_some());
            let slices: Slices = changed.map(|axis| (axis.axis, axis.value)).collect();
            let lists = |slices: &Slices| -> Vec<(usize, Option<Vec<usize>>)> {
                slices.iter().map(|(&axis, value)| (axis, kept[value.0].clone())).collect()
            };
            match known.get(&constant) {
                Some(other) if lists(other) != lists(&slices) => {
                    let constant = graph.value(constant).name.clone();
                    return Err(CompactError::Shared { node: node.name.clone(), constant });
                }
                Some(_) => {}
                None => {
                    known.insert(constant, slices);
                }
            }
        }
    }
    Ok(known)
}

/// Writes the new extent of an axis into the declared dimensions of a value.
pub(super) fn declare(value: &mut Value, axis: usize, extent: usize) {
    if let Some(dim) = value.dims.as_mut().and_then(|dims| dims.get_mut(axis)) {
        *dim = Dim::Fixed(extent);
    }
}
