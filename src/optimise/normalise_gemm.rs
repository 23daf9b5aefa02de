//! `Gemm(alpha, beta, trans_b)` becomes `Gemm(1, 1, true)` over constants that hold the factors.

use super::affine::{floats, tensor};
use super::pass::{Pass, View, Visit};
use crate::graph::{Gemm, Node, Op};

pub(super) const PASS: Pass = Pass { name: "normalise_gemm", visit };

fn visit(view: &View, position: usize) -> Visit {
    let node = view.node(position);
    let Op::Gemm(gemm) = node.op else {
        return Ok(None);
    };
    let (shape, weight) = floats(view, node.inputs[1])?;
    let (outputs, inputs) = if gemm.trans_b { (shape[0], shape[1]) } else { (shape[1], shape[0]) };
    let term = node.inputs.get(2).map(|&term| floats(view, term)).transpose()?;
    let plain_term = term.is_none_or(|(shape, _)| *shape == [outputs]);
    if gemm.alpha == 1.0 && gemm.beta == 1.0 && gemm.trans_b && plain_term {
        return Ok(None);
    }
    let source = |i: usize| if gemm.trans_b { i } else { i % inputs * outputs + i / inputs };
    let rows = (0..weight.len()).map(|i| scale(gemm.alpha, weight[source(i)])).collect();
    let weight = tensor(&[outputs, inputs], rows);
    let term = match term {
        Some((shape, values)) if gemm.beta != 0.0 => {
            let row = row(shape, values, outputs)?;
            Some(tensor(&[outputs], row.into_iter().map(|value| scale(gemm.beta, value)).collect()))
        }
        _ => None,
    };
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

/// The added term as one number for each column.
fn row(shape: &[usize], values: &[f32], outputs: usize) -> Result<Vec<f32>, String> {
    match (shape, values) {
        (_, &[value]) => Ok(vec![value; outputs]),
        ([_] | [1, _], _) => Ok(values.to_vec()),
        _ => Err(format!("the added term {shape:?} differs from row to row")),
    }
}

/// A product of f32 numbers is exact in f64, so this rounds once.
fn scale(factor: f32, value: f32) -> f32 {
    (f64::from(factor) * f64::from(value)) as f32
}
