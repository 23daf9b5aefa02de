//! `x -> Identity -> y` becomes `x`, or `y` where that is a graph output; likewise a Pad by nothing.

use super::pass::{Pass, View, Visit};
use crate::graph::{Activation, Node, Op};

pub(super) const PASS: Pass = Pass { name: "drop_identities", visit };

fn visit(view: &View, position: usize) -> Visit {
    let node = view.node(position);
    let copies = match &node.op {
        Op::Identity | Op::Activation(Activation::None) => true,
        Op::Pad(pad) => pad.margins == [0; 4],
        Op::Activation(_)
        | Op::Conv(_)
        | Op::BatchNorm { .. }
        | Op::Binary(_)
        | Op::Concat { .. }
        | Op::MaxPool(_)
        | Op::AveragePool(_)
        | Op::GlobalAveragePool
        | Op::Resize(_)
        | Op::Flatten { .. }
        | Op::Reshape { .. }
        | Op::Gemm(_)
        | Op::Softmax { .. }
        | Op::LogSoftmax { .. }
        | Op::Where
        | Op::GlobalMaxPool
        | Op::Reduce(_)
        | Op::ArgMax(_)
        | Op::Norm(_)
        | Op::MatMul
        | Op::ConvTranspose(_)
        | Op::Move(_)
        | Op::Squeeze { .. }
        | Op::Unsqueeze { .. }
        | Op::Training(_) => false,
    };
    if !copies {
        return Ok(None);
    }
    let (source, copy) = (node.inputs[0], node.outputs[0]);
    if !view.graph.is_output(copy) {
        return Ok(Some(Box::new(move |edit| {
            edit.redirect_uses(copy, source);
            edit.remove_node(position);
        })));
    }
    let name = &view.graph.value(source).name;
    if view.graph.is_output(source) {
        return Err(format!("{name} and its copy are both graph outputs"));
    }
    let Some((producer, writer)) = view.producer(source) else {
        return Err(format!("a graph output copies {name}, which no node computes"));
    };
    let writer = Node { outputs: vec![copy], ..writer.clone() };
    Ok(Some(Box::new(move |edit| {
        edit.redirect_uses(source, copy);
        edit.remove_node(position);
        edit.replace_node(producer, writer);
    })))
}
