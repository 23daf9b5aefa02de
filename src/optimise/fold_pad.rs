//! `Pad with zeros -> Conv or AveragePool` becomes one Conv or AveragePool with larger margins.

use super::pass::{Pass, View, Visit};
use crate::graph::{Conv2d, Margins, Node, Op, Pad, PadMode, Padding, Pool};

pub(super) const PASS: Pass = Pass { name: "fold_pad", visit };

fn visit(view: &View, position: usize) -> Visit {
    let node = view.node(position);
    let source = match node.inputs.first().and_then(|&input| view.producer(input)) {
        Some((_, source)) => source,
        None => return Ok(None),
    };
    let Op::Pad(pad) = &source.op else {
        return Ok(None);
    };
    let op = match &node.op {
        Op::Conv(conv) => {
            let pads = Padding::Explicit(widened(pad, conv.pads)?);
            Op::Conv(Conv2d { pads, ..conv.clone() })
        }
        Op::AveragePool(pool) => Op::AveragePool(padded_pool(pad, pool)?),
        Op::MaxPool(_) => return Err(format!("the padding of {} may win", source.name)),
        Op::BatchNorm { .. }
        | Op::Activation(_)
        | Op::Binary(_)
        | Op::Concat { .. }
        | Op::GlobalAveragePool
        | Op::Resize(_)
        | Op::Flatten { .. }
        | Op::Reshape { .. }
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
        | Op::Move(_)
        | Op::Squeeze { .. }
        | Op::Unsqueeze { .. }
        | Op::Training(_) => return Ok(None),
    };
    let mut node = Node { op, ..node.clone() };
    node.inputs[0] = source.inputs[0];
    Ok(Some(Box::new(move |edit| edit.replace_node(position, node))))
}

/// The margins of a window operator with those of a zero pad before it.
fn widened(pad: &Pad, pads: Padding) -> Result<Margins, String> {
    match pad.mode {
        PadMode::Constant(0.0) => {}
        PadMode::Constant(value) => return Err(format!("it pads with {value}, not with zeros")),
        PadMode::Reflect | PadMode::Edge => return Err("it repeats pixels".to_owned()),
    }
    match pads {
        Padding::Explicit(margins) => Ok([0, 1, 2, 3].map(|side| margins[side] + pad.margins[side])),
        Padding::SameUpper | Padding::SameLower => Err("the margins follow the padded size".to_owned()),
    }
}

/// A mean counts the zeros of the pad, and with [`Pool::count_include_pad`] its own margins.
fn padded_pool(pad: &Pad, pool: &Pool) -> Result<Pool, String> {
    let margins = widened(pad, pool.pads)?;
    if pool.ceil_mode {
        return Err("rounding up starts no window in a margin, but may in padding".to_owned());
    }
    if !pool.count_include_pad && pool.pads != Padding::Explicit([0; 4]) {
        return Err("the mean counts the padding but not its own margins".to_owned());
    }
    let window = pool.window();
    if (0..4).any(|side| margins[side] >= window.extent(side % 2)) {
        return Err("the margins would hold a whole window".to_owned());
    }
    Ok(Pool { pads: Padding::Explicit(margins), count_include_pad: true, ..pool.clone() })
}
