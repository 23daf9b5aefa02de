//! The dimensions that a file declares of its outputs.

use crate::graph::{Dim, Graph, GraphError, Sizes, ValueId};

/// The declared dimensions of every graph output. Where the graph has none, they are found by inferring shapes at
/// two sizes of every symbolic dimension: what stays is fixed, what follows a name has that name.
pub(super) fn declared(graph: &Graph) -> Result<Vec<Vec<Dim>>, GraphError> {
    let given = |id: &ValueId| graph.value(*id).dims.clone();
    if let Some(all) = graph.outputs.iter().map(given).collect() {
        return Ok(all);
    }
    let names = symbols(graph);
    let batch = graph.inputs.iter().find_map(|id| graph.value(*id).dims.as_ref()?.first().cloned());
    let (small, large) = match &batch {
        Some(Dim::Fixed(batch)) => (probe(&names, *batch, 0), probe(&names, *batch, 1)),
        _ => (probe(&names, 2, 0), probe(&names, 3, 1)),
    };
    let (small_shapes, large_shapes) = (graph.infer(&small)?, graph.infer(&large)?);
    let infer = |id: &ValueId| {
        let (a, b) = (&small_shapes[id.0], &large_shapes[id.0]);
        let name = |at: usize| format!("{}_{at}", graph.value(*id).name);
        a.iter()
            .zip(b)
            .enumerate()
            .map(|(at, (&a, &b))| match &batch {
                _ if a == b => Dim::Fixed(a),
                Some(Dim::Symbol(batch)) if (a, b) == (small.batch, large.batch) => {
                    Dim::Symbol(batch.clone())
                }
                _ => {
                    let follows = |name: &&String| (small.symbols[*name], large.symbols[*name]) == (a, b);
                    Dim::Symbol(names.iter().find(follows).cloned().unwrap_or_else(|| name(at)))
                }
            })
            .collect()
    };
    Ok(graph.outputs.iter().map(|id| given(id).unwrap_or_else(|| infer(id))).collect())
}

/// The names of all dimensions but the batch.
fn symbols(graph: &Graph) -> Vec<String> {
    let dims =
        graph.inputs.iter().flat_map(|id| graph.value(*id).dims.iter().flat_map(|dims| dims.iter().skip(1)));
    let mut names = Vec::new();
    for dim in dims {
        if let Dim::Symbol(name) = dim
            && !names.contains(name)
        {
            names.push(name.clone());
        }
    }
    names
}

/// Different sizes for different names, multiples of the total stride of any usual network.
fn probe(names: &[String], batch: usize, round: usize) -> Sizes {
    let size = |at: usize| 256 * (2 * at + 1 + round);
    Sizes::new(batch, names.iter().enumerate().map(|(at, name)| (name.clone(), size(at))).collect())
}
