//! `Mul(x, Sigmoid(x))` becomes `Silu(x)`.

use super::pass::{Pass, View, Visit};
use crate::graph::{Activation, Binary, Node, Op};

pub(super) const PASS: Pass = Pass { name: "fuse_silu", visit };

fn visit(view: &View, position: usize) -> Visit {
    let node = view.node(position);
    let (Op::Binary(Binary::Mul), &[a, b]) = (&node.op, &node.inputs[..]) else {
        return Ok(None);
    };
    for (x, gate) in [(a, b), (b, a)] {
        let Some((at, sigmoid)) = view.producer(gate) else { continue };
        if sigmoid.op != Op::Activation(Activation::Sigmoid) {
            continue;
        }
        if sigmoid.inputs[0] != x {
            return Err(format!("{} is not the sigmoid of the other factor", view.graph.value(gate).name));
        }
        view.read_once(gate)?;
        let silu = Node { op: Op::Activation(Activation::Silu), inputs: vec![x], ..node.clone() };
        return Ok(Some(Box::new(move |edit| {
            edit.replace_node(position, silu);
            edit.remove_node(at);
        })));
    }
    Ok(None)
}
