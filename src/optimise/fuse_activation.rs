//! `Conv, ConvTranspose or Gemm -> activation` becomes one node with an epilogue; so does `Conv or ConvTranspose with a
//! residual -> activation`.

use super::pass::{Pass, View, Visit};
use crate::graph::{Activation, Conv2d, ConvTranspose, Epilogue, Gemm, Node, Op};

pub(super) const PASS: Pass = Pass { name: "fuse_activation", visit };

fn visit(view: &View, position: usize) -> Visit {
    let node = view.node(position);
    let Op::Activation(activation) = node.op else {
        return Ok(None);
    };
    let source = node.inputs[0];
    let name = &view.graph.value(source).name;
    let Some((producer, before)) = view.producer(source) else {
        return Err(format!("{name} is not computed by a node"));
    };
    let op = match &before.op {
        Op::Conv(conv) => {
            let epilogue = activated(conv.epilogue, activation, &before.name)?;
            Op::Conv(Conv2d { epilogue, ..conv.clone() })
        }
        Op::ConvTranspose(conv) => {
            let epilogue = activated(conv.epilogue, activation, &before.name)?;
            Op::ConvTranspose(ConvTranspose { epilogue, ..conv.clone() })
        }
        Op::Gemm(gemm) => {
            let epilogue = activated(gemm.epilogue, activation, &before.name)?;
            Op::Gemm(Gemm { epilogue, ..*gemm })
        }
        Op::BatchNorm { .. }
        | Op::Activation(_)
        | Op::Binary(_)
        | Op::Concat { .. }
        | Op::MaxPool(_)
        | Op::AveragePool(_)
        | Op::GlobalAveragePool
        | Op::Resize(_)
        | Op::Flatten { .. }
        | Op::Reshape { .. }
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
        | Op::Move(_)
        | Op::Squeeze { .. }
        | Op::Unsqueeze { .. }
        | Op::Training(_) => return Err(format!("{name} is computed by {}", before.op.name())),
    };
    view.read_once(source)?;
    if !activation.ends_sums() {
        return Err(format!("{} is a step of its own", activation.name()));
    }
    let fused = Node { op, outputs: node.outputs.clone(), ..before.clone() };
    Ok(Some(Box::new(move |edit| {
        edit.remove_node(position);
        edit.replace_node(producer, fused);
    })))
}

fn activated(epilogue: Epilogue, activation: Activation, node: &str) -> Result<Epilogue, String> {
    match epilogue {
        Epilogue::Plain | Epilogue::Activation(Activation::None) => Ok(Epilogue::Activation(activation)),
        Epilogue::AddThenActivation(Activation::None) => Ok(Epilogue::AddThenActivation(activation)),
        Epilogue::Activation(_) | Epilogue::AddThenActivation(_) => {
            Err(format!("{node} already has an activation"))
        }
        Epilogue::ActivationThenAdd(_) => Err(format!("{node} adds a residual after its activation")),
    }
}
