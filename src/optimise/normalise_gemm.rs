//! `Gemm(alpha, beta, trans_b)` becomes `Gemm(1, 1, true)` over constants that hold the factors.

use super::affine::floats;
use super::pass::{Pass, View, Visit};
use crate::graph::{Gemm, Node, Op};
use crate::tensor::Tensor;

pub(super) const PASS: Pass = Pass { name: "normalise_gemm", visit };

fn visit(view: &View, position: usize) -> Visit {
    let node = view.node(position);
    let Op::Gemm(gemm) = node.op else {
        return Ok(None);
    };
    let weight = floats(view, node.inputs[1])?;
    let outputs = weight.shape()[usize::from(!gemm.trans_b)];
    let term = match node.inputs.get(2) {
        Some(&term) => Some(floats(view, term)?),
        None => None,
    };
    let plain_term = term.is_none_or(|term| term.shape() == [outputs] && gemm.beta == 1.0);
    if gemm.alpha == 1.0 && gemm.beta == 1.0 && gemm.trans_b && plain_term {
        return Ok(None);
    }
    let weight = rows(weight, &gemm)?;
    let term = term.filter(|_| gemm.beta != 0.0).map(|term| row(term, gemm.beta, outputs)).transpose()?;
    let mut node = Node {
        op: Op::Gemm(Gemm { alpha: 1.0, beta: 1.0, trans_b: true, ..gemm }),
        inputs: vec![node.inputs[0]],
        ..node.clone()
    };
    Ok(Some(Box::new(move |edit| {
        node.inputs.push(edit.add_constant(&format!("{}.weight.folded", node.name), weight));
        if let Some(term) = term {
            node.inputs.push(edit.add_constant(&format!("{}.bias.folded", node.name), term));
        }
        edit.replace_node(position, node);
    })))
}

/// `alpha B` as `[N, K]`.
fn rows(weight: &Tensor, gemm: &Gemm) -> Result<Tensor, String> {
    let values = weight.f32s().map_err(|error| error.to_string())?;
    let (first, second) = (weight.shape()[0], weight.shape()[1]);
    let (n, k) = if gemm.trans_b { (first, second) } else { (second, first) };
    let at = |output: usize, input: usize| if gemm.trans_b { output * k + input } else { input * n + output };
    let scaled = (0..n * k).map(|i| scale(gemm.alpha, values[at(i / k, i % k)])).collect();
    Tensor::from_f32(vec![n, k], scaled).map_err(|error| error.to_string())
}

/// `beta C` as `[N]`.
fn row(term: &Tensor, beta: f32, outputs: usize) -> Result<Tensor, String> {
    let values = term.f32s().map_err(|error| error.to_string())?;
    let row = match (term.shape(), values) {
        (_, &[value]) => vec![value; outputs],
        ([_] | [1, _], _) => values.to_vec(),
        (shape, _) => return Err(format!("the added term {shape:?} differs from row to row")),
    };
    Tensor::from_f32(vec![outputs], row.into_iter().map(|value| scale(beta, value)).collect())
        .map_err(|error| error.to_string())
}

/// A product of f32 numbers is exact in f64, so this rounds once.
fn scale(factor: f32, value: f32) -> f32 {
    (f64::from(factor) * f64::from(value)) as f32
}
