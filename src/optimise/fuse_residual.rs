//! `Add(Conv(x), residual)` becomes one Conv with a residual, computed where the sum was; likewise
//! `Add(activation(Conv(x)), residual)` once the activation is fused, and ConvTranspose.

use super::pass::{Pass, View, Visit};
use crate::graph::{Activation, Binary, Epilogue, Node, Op, ValueId};

pub(super) const PASS: Pass = Pass { name: "fuse_residual", visit };

fn visit(view: &View, position: usize) -> Visit {
    let node = view.node(position);
    let (Op::Binary(Binary::Add), &[a, b]) = (&node.op, &node.inputs[..]) else {
        return Ok(None);
    };
    if view.graph.constant(a).is_some() || view.graph.constant(b).is_some() {
        return Err("one term is a constant".to_owned());
    }
    if view.shape(a) != view.shape(b) {
        return Err(format!("{:?} and {:?} are broadcast", view.shape(a), view.shape(b)));
    }
    let later = |&(term, _): &(ValueId, ValueId)| view.producer(term).map(|(at, _)| at);
    let mut terms = [(a, b), (b, a)];
    terms.sort_by_key(later);
    let mut reasons = Vec::new();
    for (term, residual) in terms.into_iter().rev() {
        match with_residual(view, term, residual) {
            Ok((at, conv)) => {
                let conv = Node { outputs: node.outputs.clone(), ..conv };
                return Ok(Some(Box::new(move |edit| {
                    edit.replace_node(position, conv);
                    edit.remove_node(at);
                })));
            }
            Err(reason) => reasons.push(reason),
        }
    }
    reasons.dedup();
    Err(reasons.join("; "))
}

/// The convolution that computes `term`, with `residual` added, and where it is.
fn with_residual(view: &View, term: ValueId, residual: ValueId) -> Result<(usize, Node), String> {
    let name = &view.graph.value(term).name;
    let (at, node) = view.producer(term).ok_or_else(|| format!("{name} is not computed by a node"))?;
    let mut fused = node.clone();
    let epilogue = match &mut fused.op {
        Op::Conv(conv) => &mut conv.epilogue,
        Op::ConvTranspose(conv) => &mut conv.epilogue,
        other => return Err(format!("{name} is computed by {}", other.name())),
    };
    view.read_once(term)?;
    *epilogue = match *epilogue {
        Epilogue::Plain => Epilogue::AddThenActivation(Activation::None),
        Epilogue::Activation(activation) => Epilogue::ActivationThenAdd(activation),
        Epilogue::AddThenActivation(_) | Epilogue::ActivationThenAdd(_) => {
            return Err(format!("{} already adds a residual", node.name));
        }
    };
    fused.inputs.push(residual);
    Ok((at, fused))
}
