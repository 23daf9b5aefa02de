//! `x HardSigmoid(x)` with slope 1/6, and `x clip(x + 3, 0, 6) / 6` however it is grouped, become `HardSwish(x)`.

use super::pass::{Pass, View, Visit};
use crate::graph::{Activation, Binary, Node, Op, ValueId};

pub(super) const PASS: Pass = Pass { name: "fuse_hard_swish", visit };

fn visit(view: &View, position: usize) -> Visit {
    let node = view.node(position);
    let Some((x, mut parts)) = gated(view, node, sigmoid).or_else(|| whole(view, node)) else {
        return Ok(None);
    };
    if view.shape(x) != view.shape(node.outputs[0]) {
        return Err("its constants add dimensions".to_owned());
    }
    for &part in &parts {
        view.read_once(view.node(part).outputs[0])?;
    }
    parts.sort_unstable();
    let swish = Node { op: Op::Activation(Activation::HardSwish), inputs: vec![x], ..node.clone() };
    Ok(Some(Box::new(move |edit| {
        edit.replace_node(position, swish);
        for part in parts.into_iter().rev() {
            edit.remove_node(part);
        }
    })))
}

/// A value, and the positions of the nodes that `node` combines it with.
type Found = Option<(ValueId, Vec<usize>)>;

/// `x` of a product of `x` with a `gate` of it.
fn gated(view: &View, node: &Node, gate: fn(&View, ValueId, ValueId) -> Option<Vec<usize>>) -> Found {
    if node.op != Op::Binary(Binary::Mul) {
        return None;
    }
    either(node)?.into_iter().find_map(|[x, other]| Some((x, gate(view, other, x)?)))
}

/// `x` of `x clip(x + 3, 0, 6)`, all of it divided by 6.
fn whole(view: &View, node: &Node) -> Found {
    let (at, product) = view.producer(sixth(view, node)?)?;
    let (x, mut parts) = gated(view, product, ramp)?;
    parts.push(at);
    Some((x, parts))
}

/// The nodes of `gate`, if it is the hard sigmoid of `x`.
fn sigmoid(view: &View, gate: ValueId, x: ValueId) -> Option<Vec<usize>> {
    let (at, node) = view.producer(gate)?;
    if let Op::Activation(Activation::HardSigmoid { alpha, beta }) = node.op {
        return (node.inputs[0] == x && is_sixth(alpha) && beta == 0.5).then(|| vec![at]);
    }
    let mut parts = ramp(view, sixth(view, node)?, x)?;
    parts.push(at);
    Some(parts)
}

/// The nodes of `clip(x + 3, 0, 6)`.
fn ramp(view: &View, clipped: ValueId, x: ValueId) -> Option<Vec<usize>> {
    let (clip, node) = view.producer(clipped)?;
    let (sum, added) = view.producer(node.inputs[0])?;
    let six = node.op == Op::Activation(Activation::Clip { min: 0.0, max: 6.0 });
    let three = added.op == Op::Binary(Binary::Add)
        && either(added)?.into_iter().any(|[value, term]| value == x && number(view, term) == Some(3.0));
    (six && three).then(|| vec![sum, clip])
}

/// What a node divides by 6.
fn sixth(view: &View, node: &Node) -> Option<ValueId> {
    let [divided, multiplied] = [Binary::Div, Binary::Mul].map(|binary| node.op == Op::Binary(binary));
    either(node)?.into_iter().enumerate().find_map(|(swapped, [value, constant])| {
        let number = number(view, constant)?;
        let fits = (divided && swapped == 0 && number == 6.0) || (multiplied && is_sixth(number));
        fits.then_some(value)
    })
}

fn is_sixth(number: f32) -> bool {
    (number * 6.0 - 1.0).abs() <= 2.0 * f32::EPSILON
}

/// The two inputs of a node, in both orders.
fn either(node: &Node) -> Option<[[ValueId; 2]; 2]> {
    match node.inputs[..] {
        [a, b] => Some([[a, b], [b, a]]),
        _ => None,
    }
}

/// The one number of a float constant.
fn number(view: &View, value: ValueId) -> Option<f32> {
    match view.graph.constant(value)?.f32s().ok()? {
        &[number] => Some(number),
        _ => None,
    }
}
