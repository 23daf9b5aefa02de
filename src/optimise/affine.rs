//! `scale y + shift` per channel, folded into the weights of what computes `y`.

use super::pass::{Rewrite, View};
use crate::graph::{Conv2d, ConvTranspose, Epilogue, Gemm, Node, Op, ValueId};
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
    shape: &'a [usize],
    weight: &'a [f32],
    bias: Option<&'a [f32]>,
}

impl<'a> Target<'a> {
    /// What computes `value`; `None` where that is no convolution or matrix product, an error where it is one that
    /// cannot take an affine function.
    pub(super) fn of(view: &View<'a>, value: ValueId) -> Result<Option<Self>, String> {
        let Some((position, node)) = view.producer(value) else {
            return Ok(None);
        };
        let epilogue = match &node.op {
            Op::Conv(Conv2d { epilogue, .. }) | Op::ConvTranspose(ConvTranspose { epilogue, .. }) => {
                *epilogue
            }
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
            | Op::Training(_) => return Ok(None),
        };
        view.read_once(value)?;
        if epilogue != Epilogue::Plain {
            return Err(format!("{} does something else in between", node.name));
        }
        let (shape, weight) = floats(view, node.inputs[1])?;
        let bias = node.inputs.get(2).map(|&bias| floats(view, bias)).transpose()?;
        let target = Self { position, node, shape, weight, bias: bias.map(|(_, bias)| bias) };
        if bias.is_some_and(|(bias, _)| *bias != [target.channels()]) {
            return Err(format!("the term that {} adds is not one number per channel", node.name));
        }
        Ok(Some(target))
    }

    /// The number of channels it computes.
    pub(super) fn channels(&self) -> usize {
        match self.transposed_groups() {
            Some(groups) => self.shape[1] * groups,
            None => self.shape[0],
        }
    }

    /// The channel that element `at` of the weight contributes to.
    fn channel(&self, at: usize) -> usize {
        let row = (self.weight.len() / self.shape[0]).max(1);
        match self.transposed_groups() {
            Some(groups) => {
                let (outputs, inputs) = (self.shape[1], self.shape[0] / groups);
                at / row / inputs * outputs + at % row / (row / outputs)
            }
            None => at / row,
        }
    }

    /// The groups of a transposed convolution, whose weight is `[inputs, outputs of a group, …]`.
    fn transposed_groups(&self) -> Option<usize> {
        if let Op::ConvTranspose(conv) = &self.node.op { Some(conv.groups) } else { None }
    }

    /// The rewrite that folds `affine` into it: it takes the place of the node at `reader`, which applied it.
    /// Weights and bias are computed in f64 and rounded once.
    pub(super) fn fold(&self, view: &View, reader: usize, affine: &Affine) -> Rewrite {
        let scaled = self.weight.iter().enumerate();
        let scaled = scaled.map(|(at, &w)| (f64::from(w) * affine.scale[self.channel(at)]) as f32);
        let weight = tensor(self.shape, scaled.collect());
        let before =
            (0..self.channels()).map(|channel| self.bias.map_or(0.0, |bias| f64::from(bias[channel])));
        let terms = before.zip(&affine.scale).zip(&affine.shift);
        let bias = terms.map(|((bias, scale), shift)| (bias * scale + shift) as f32).collect();
        let bias = tensor(&[self.channels()], bias);
        let position = self.position;
        let mut node = Node { outputs: view.node(reader).outputs.clone(), ..self.node.clone() };
        Box::new(move |edit| {
            node.inputs.truncate(1);
            node.inputs.push(edit.add_constant(&format!("{}.weight.folded", node.name), weight));
            node.inputs.push(edit.add_constant(&format!("{}.bias.folded", node.name), bias));
            edit.remove_node(reader);
            edit.replace_node(position, node);
        })
    }
}

/// A float tensor of as many values as its shape has elements.
pub(super) fn tensor(shape: &[usize], values: Vec<f32>) -> Tensor {
    Tensor::from_f32(shape.to_vec(), values).expect("there is one value for each element")
}

/// The shape and elements of a float constant, or why a value is not one.
pub(super) fn floats<'a>(view: &View<'a>, value: ValueId) -> Result<(&'a [usize], &'a [f32]), String> {
    let name = &view.graph.value(value).name;
    let constant = view.graph.constant(value).ok_or_else(|| format!("{name} is not a constant"))?;
    let values = constant.f32s().map_err(|error| format!("{name}: {error}"))?;
    Ok((constant.shape(), values))
}

/// The elements of a float constant in f64.
pub(super) fn doubles(view: &View, value: ValueId) -> Result<Vec<f64>, String> {
    let (_, values) = floats(view, value)?;
    Ok(values.iter().copied().map(f64::from).collect())
}
