//! `scale y + shift` per channel, folded into the weights of what computes `y`.

use super::pass::{Rewrite, View};
use crate::graph::{Conv2d, Epilogue, Gemm, Node, Op, ValueId};
use crate::tensor::Tensor;

/// One factor and one term for each channel.
pub(super) struct Affine {
    pub(super) scale: Vec<f64>,
    pub(super) shift: Vec<f64>,
}

/// A convolution or matrix product that an affine function can be folded into.
pub(super) struct Target<'a> {
    position: usize,
    node: &'a Node,
    weight: &'a Tensor,
    bias: Option<&'a Tensor>,
}

impl<'a> Target<'a> {
    /// What computes `value`; `None` where that is no convolution or matrix product, an error where it is one that
    /// cannot take an affine function.
    pub(super) fn of(view: &View<'a>, value: ValueId) -> Result<Option<Self>, String> {
        let Some((position, node)) = view.producer(value) else {
            return Ok(None);
        };
        let epilogue = match &node.op {
            Op::Conv(Conv2d { epilogue, .. }) => *epilogue,
            Op::Gemm(Gemm { alpha: 1.0, beta: 1.0, trans_b: true, epilogue, .. }) => *epilogue,
            Op::Gemm(_) => return Err(format!("{} is not in its normal form", node.name)),
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
            | Op::Pad(_) => return Ok(None),
        };
        view.read_once(value)?;
        if epilogue != Epilogue::Plain {
            return Err(format!("{} does something else in between", node.name));
        }
        let weight = floats(view, node.inputs[1])?;
        let bias = node.inputs.get(2).map(|&bias| floats(view, bias)).transpose()?;
        if bias.is_some_and(|bias| bias.shape() != [weight.shape()[0]]) {
            return Err(format!("the term that {} adds is not one number per channel", node.name));
        }
        Ok(Some(Self { position, node, weight, bias }))
    }

    /// The number of channels it computes.
    pub(super) fn channels(&self) -> usize {
        self.weight.shape()[0]
    }

    /// The rewrite that folds `affine` into it: it takes the place of the node at `reader`, which applied it.
    /// Weights and bias are computed in f64 and rounded once.
    pub(super) fn fold(&self, view: &View, reader: usize, affine: &Affine) -> Result<Rewrite, String> {
        let weight = self.weight.f32s().map_err(|error| error.to_string())?;
        let row = (weight.len() / self.channels()).max(1);
        let scaled = weight.chunks(row).zip(&affine.scale);
        let scaled = scaled.flat_map(|(row, scale)| row.iter().map(move |&w| (f64::from(w) * scale) as f32));
        let weight = Tensor::from_f32(self.weight.shape().to_vec(), scaled.collect());
        let before = match self.bias {
            Some(bias) => bias.f32s().map_err(|error| error.to_string())?.to_vec(),
            None => vec![0.0; self.channels()],
        };
        let terms = before.iter().zip(&affine.scale).zip(&affine.shift);
        let bias = terms.map(|((&b, scale), shift)| (f64::from(b) * scale + shift) as f32).collect();
        let bias = Tensor::from_f32(vec![self.channels()], bias);
        let (weight, bias) =
            (weight.map_err(|error| error.to_string())?, bias.map_err(|error| error.to_string())?);
        let name = self.node.name.clone();
        let position = self.position;
        let mut node = Node { outputs: view.node(reader).outputs.clone(), ..self.node.clone() };
        Ok(Box::new(move |edit| {
            let weight = edit.add_constant(&format!("{name}.weight.folded"), weight);
            let bias = edit.add_constant(&format!("{name}.bias.folded"), bias);
            node.inputs.truncate(1);
            node.inputs.extend([weight, bias]);
            edit.remove_node(reader);
            edit.replace_node(position, node);
        }))
    }
}

/// A float constant, or why a value is not one.
pub(super) fn floats<'a>(view: &View<'a>, value: ValueId) -> Result<&'a Tensor, String> {
    let name = &view.graph.value(value).name;
    let constant = view.graph.constant(value).ok_or_else(|| format!("{name} is not a constant"))?;
    constant.f32s().map_err(|error| format!("{name}: {error}"))?;
    Ok(constant)
}

/// The elements of a float constant in f64.
pub(super) fn doubles(view: &View, value: ValueId) -> Result<Vec<f64>, String> {
    let values = floats(view, value)?.f32s().map_err(|error| error.to_string())?;
    Ok(values.iter().copied().map(f64::from).collect())
}
