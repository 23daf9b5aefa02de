//! What reads the channels of a unit by weights, and so can make up for them.

use crate::graph::{Graph, Node, Op, ValueId};
use crate::units::{Parameters, Units};

/// A value that holds the channels of a unit and is read by weights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reader {
    /// The value.
    pub value: ValueId,
    /// The channel of every coordinate of the unit.
    pub channels: Vec<usize>,
    /// The number of its channels, those of other units included.
    pub width: usize,
    /// What can transform it.
    pub form: Form,
    /// The weights that read it, each with the axis that follows its channels.
    pub weights: Vec<(ValueId, usize)>,
}

/// How the channels of a value can be mixed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A map `[N, C, H, W]`: by a 1x1 convolution.
    Map,
    /// Rows `[N, C]`: by a matrix product with the transposed matrix.
    Rows,
    /// Tokens `[N, …, C]`: by a matrix product.
    Tokens,
}

/// The values through which ungrouped convolutions and matrix products read unit number `unit` of `graph`. Left out
/// are values that hold a coordinate more than once or as several channels, and weights that several nodes share:
/// what reads those is pruned without recovery.
pub fn readers(graph: &Graph, shapes: &[Vec<usize>], units: &Units, unit: usize) -> Vec<Reader> {
    let parameters = Parameters { graph, shapes, axes: &units.axes };
    let mut found: Vec<Reader> = Vec::new();
    for node in &graph.nodes {
        let Some((value, weight, axis)) = reading(&parameters, node) else { continue };
        if graph.nodes.iter().flat_map(|node| &node.inputs).filter(|&&input| input == weight).count() > 1 {
            continue;
        }
        if let Some(known) = found.iter_mut().find(|reader| reader.value == value) {
            known.weights.push((weight, axis));
            continue;
        }
        let mut members = units.units[unit].members.iter().filter(|member| member.value == value);
        let (Some(member), None) = (members.next(), members.next()) else { continue };
        let (along, rank) = (units.axis(value), shapes[value.0].len());
        let form = match (along, rank) {
            (1, 2) => Form::Rows,
            (1, 4) => Form::Map,
            _ if along + 1 == rank => Form::Tokens,
            _ => continue,
        };
        if member.block == 1 {
            let (channels, width) = (member.starts.clone(), shapes[value.0][along]);
            found.push(Reader { value, channels, width, form, weights: vec![(weight, axis)] });
        }
    }
    found
}

/// What a node reads by weights, these, and which of their axes follows it.
fn reading(parameters: &Parameters, node: &Node) -> Option<(ValueId, ValueId, usize)> {
    let mixes = match &node.op {
        Op::Conv(conv) => conv.groups == 1,
        Op::ConvTranspose(conv) => conv.groups == 1,
        Op::Gemm(gemm) => !gemm.trans_a,
        Op::MatMul => true,
        _ => false,
    };
    let (value, &weight) = (node.inputs[0], node.inputs.get(1)?);
    parameters.graph.constant(weight).filter(|_| mixes)?;
    let axes = parameters.axes(node, 1)?;
    let axis = axes.iter().find(|axis| axis.value == value)?;
    (parameters.graph.constant(value).is_none() && value != node.outputs[0])
        .then_some((value, weight, axis.axis))
}
