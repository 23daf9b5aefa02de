//! Removes pruned channels physically: a smaller graph with the same inputs and outputs.

mod moves;
mod slice;

use crate::graph::{Conv2d, ConvTranspose, Graph, Node, Norm, Op, Statistics, ValueId};
use crate::units::{Keeps, Parameters, Units};
use thiserror::Error;

/// Why keeps cannot be applied to a graph.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum CompactError {
    /// Keeps of other units.
    #[error("expected kept coordinates for {expected} units, found {found}")]
    Units {
        /// The number of units.
        expected: usize,
        /// The number of lists.
        found: usize,
    },
    /// A unit of which nothing would be left.
    #[error("unit {unit}: expected at least one kept coordinate, found none")]
    Empty {
        /// The unit's id.
        unit: String,
    },
    /// A coordinate that the unit does not have.
    #[error("unit {unit}: expected kept coordinates below {channels}, found {coordinate}")]
    Range {
        /// The unit's id.
        unit: String,
        /// How many coordinates it has.
        channels: usize,
        /// The one asked for.
        coordinate: usize,
    },
    /// A coordinate kept twice.
    #[error("unit {unit}: coordinate {coordinate} is kept twice")]
    Duplicate {
        /// The unit's id.
        unit: String,
        /// The coordinate.
        coordinate: usize,
    },
    /// Units of another graph.
    #[error("value {value}: expected {expected} channels in its segments, found {found}")]
    Segments {
        /// The value.
        value: String,
        /// Its channels.
        expected: usize,
        /// The channels of its segments.
        found: usize,
    },
    /// Two uses of a constant that need different slices.
    #[error("node {node}: constant {constant} is shared, and its other uses keep other channels")]
    Shared {
        /// The node.
        node: String,
        /// The constant.
        constant: String,
    },
    /// A move of channels of which some would go that it reads.
    #[error(
        "node {node}: expected every channel that it reads to stay with what it makes of it, found one that goes"
    )]
    Moved {
        /// The node.
        node: String,
    },
    /// A grouped convolution or normalisation that would lose parts of groups.
    #[error("node {node}: expected whole groups of {inputs} input channels to go, found {found} kept")]
    Groups {
        /// The node.
        node: String,
        /// Input channels of one group.
        inputs: usize,
        /// Kept input channels.
        found: usize,
    },
}

/// `graph`, whose values have `shapes`, with the coordinates in `keeps` alone, in that order. Ids, names, inputs and
/// outputs stay; constants that do not change are shared with `graph`.
pub fn compact(
    graph: &Graph,
    shapes: &[Vec<usize>],
    units: &Units,
    keeps: &Keeps,
) -> Result<Graph, CompactError> {
    check_keeps(units, keeps)?;
    let kept = changed_axes(graph, shapes, units, keeps)?;
    let mut compacted = graph.clone();
    for (value, kept) in kept.iter().enumerate() {
        if let (Some(kept), None) = (kept, graph.constant(ValueId(value))) {
            slice::declare(&mut compacted.values[value], units.axis(ValueId(value)), kept.len());
        }
    }
    for node in &mut compacted.nodes {
        adjust(node, shapes, &kept, units)?;
    }
    slice::constants(&Parameters { graph, shapes, axes: &units.axes }, &kept, &mut compacted)?;
    Ok(compacted)
}

fn check_keeps(units: &Units, keeps: &Keeps) -> Result<(), CompactError> {
    if units.units.len() != keeps.0.len() {
        return Err(CompactError::Units { expected: units.units.len(), found: keeps.0.len() });
    }
    for (unit, kept) in units.units.iter().zip(&keeps.0) {
        let id = || unit.id.clone();
        let mut seen = vec![false; unit.channels];
        for &coordinate in kept {
            match seen.get_mut(coordinate) {
                None => {
                    return Err(CompactError::Range { unit: id(), channels: unit.channels, coordinate });
                }
                Some(true) => return Err(CompactError::Duplicate { unit: id(), coordinate }),
                Some(seen) => *seen = true,
            }
        }
        if kept.is_empty() {
            return Err(CompactError::Empty { unit: id() });
        }
    }
    Ok(())
}

/// For every value, the channels that stay; `None` where its channel axis does not change.
fn changed_axes(
    graph: &Graph,
    shapes: &[Vec<usize>],
    units: &Units,
    keeps: &Keeps,
) -> Result<Vec<Option<Vec<usize>>>, CompactError> {
    let mut kept = Vec::with_capacity(graph.values.len());
    for (value, shape) in shapes.iter().enumerate() {
        let segments = units.segments.get(value).map_or(&[][..], Vec::as_slice);
        let covered: usize = segments.iter().map(|s| s.channels.len()).sum();
        let extent = shape.get(units.axis(ValueId(value))).copied().unwrap_or(0);
        if graph.constant(ValueId(value)).is_none() && covered != extent {
            let value = graph.values[value].name.clone();
            return Err(CompactError::Segments { value, expected: extent, found: covered });
        }
        let channels = units.kept_channels(keeps, ValueId(value));
        kept.push((!channels.iter().copied().eq(0..covered)).then_some(channels));
    }
    Ok(kept)
}

/// The attributes that name channel counts.
fn adjust(
    node: &mut Node,
    shapes: &[Vec<usize>],
    kept: &[Option<Vec<usize>>],
    units: &Units,
) -> Result<(), CompactError> {
    let (x, y) = (node.inputs[0], node.outputs[0]);
    let before = |value: ValueId, axis: usize| {
        let changes = kept[value.0].is_some() && axis == units.axis(value);
        changes.then(|| shapes[value.0][axis])
    };
    node.op.settle(&before);
    match &mut node.op {
        Op::Conv(Conv2d { groups, .. }) | Op::ConvTranspose(ConvTranspose { groups, .. }) if *groups > 1 => {
            let channels = |value: ValueId| {
                let whole = shapes[value.0][1];
                (whole / *groups, kept[value.0].as_ref().map_or(whole, Vec::len))
            };
            let ((inputs, left), (outputs, made)) = (channels(x), channels(y));
            let whole = left / inputs;
            if whole * inputs != left || whole * outputs != made {
                return Err(CompactError::Groups { node: node.name.clone(), inputs, found: left });
            }
            *groups = whole;
            if let Op::Conv(conv) = &mut node.op {
                conv.direct = whole == 1;
            }
        }
        Op::Conv(conv) => {
            let counts = |count: &dyn Fn(ValueId) -> usize| [count(x), count(y)];
            let whole = counts(&|value| shapes[value.0][1]);
            let left = counts(&|value| kept[value.0].as_ref().map_or(shapes[value.0][1], Vec::len));
            if left != whole {
                conv.whole.get_or_insert(whole);
            }
        }
        Op::Norm(Norm { statistics: Statistics::Group { groups }, .. }) if *groups > 1 => {
            if let Some(kept) = &kept[y.0] {
                let block = shapes[y.0][1] / *groups;
                if !kept.len().is_multiple_of(block) {
                    let (node, inputs, found) = (node.name.clone(), block, kept.len());
                    return Err(CompactError::Groups { node, inputs, found });
                }
                *groups = kept.len() / block;
            }
        }
        Op::Reshape { shape, allow_zero } => {
            moves::Left { shapes, kept, units }.reshape((x, y), shape, *allow_zero);
        }
        Op::Move(_) => moves::Left { shapes, kept, units }.adjust(node)?,
        Op::BatchNorm { .. }
        | Op::Activation(_)
        | Op::Binary(_)
        | Op::Concat { .. }
        | Op::MaxPool(_)
        | Op::AveragePool(_)
        | Op::GlobalAveragePool
        | Op::Resize(_)
        | Op::Flatten { .. }
        | Op::Gemm(_)
        | Op::Softmax { .. }
        | Op::Identity
        | Op::Pad(_)
        | Op::LogSoftmax { .. }
        | Op::Where
        | Op::GlobalMaxPool
        | Op::Reduce(_)
        | Op::ArgMax(_)
        | Op::Norm(_)
        | Op::MatMul
        | Op::ConvTranspose(_)
        | Op::Squeeze { .. }
        | Op::Unsqueeze { .. }
        | Op::Training(_) => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests;
