//! One value's fit: the factor of its channel products, and what follows for the weights that read it.

use super::{Form, Reader};
use crate::graph::{Conv2d, Gemm, Graph, Node, Op, ValueId};
use crate::tensor::{Tensor, count};
use crate::units::Units;
use nalgebra::DMatrix;

/// Added to the diagonal, relative to its mean: channels that are always zero, or copies of others, get small weights
/// instead of arbitrary ones.
const RIDGE: f64 = 1e-4;

/// The products of the unit's channels in a value, with the ridge. `None` where they are not finite, or all zero.
pub(super) fn ridged(reader: &Reader, gram: &[f64]) -> Option<DMatrix<f64>> {
    let size = reader.channels.len();
    let at = |i: usize, j: usize| gram[reader.channels[i] * reader.width + reader.channels[j]];
    let mut square = DMatrix::from_fn(size, size, at);
    let mean = square.trace() / size as f64;
    if !(mean.is_finite() && mean > 0.0) {
        return None;
    }
    for i in 0..size {
        square[(i, i)] += RIDGE * mean;
    }
    Some(square)
}

/// The least-squares fit of a value's channels to any prefix of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Fit {
    reader: Reader,
    /// Lower triangular, in the order of the unit's coordinates.
    factor: DMatrix<f64>,
}

impl Fit {
    /// The fit to `gram`, a row-major square of the products of the value's channels. `None` where it is not finite,
    /// all zero, or has no factor.
    pub fn new(reader: Reader, gram: &[f64]) -> Option<Self> {
        let factor = ridged(&reader, gram)?.cholesky()?.l();
        factor.iter().all(|x| x.is_finite()).then_some(Self { reader, factor })
    }

    /// Puts `z = L⁻¹ x` between the value and the weights that read it, which become `W L`.
    pub(super) fn insert(&self, graph: &mut Graph, units: &mut Units) {
        let Some(inverse) = self.factor.clone().try_inverse() else { return };
        let Reader { value, width, form, ref channels, ref weights } = self.reader;
        let reads = |node: &Node| {
            node.inputs[0] == value && weights.iter().any(|(w, _)| node.inputs.get(1) == Some(w))
        };
        let Some(position) = graph.nodes.iter().position(reads) else { return };
        let mut matrix = vec![0.0_f32; width * width];
        for channel in 0..width {
            matrix[channel * width + channel] = 1.0;
        }
        for (i, &row) in channels.iter().enumerate() {
            for (j, &column) in channels.iter().enumerate() {
                let at = if form == Form::Tokens { column * width + row } else { row * width + column };
                matrix[at] = inverse[(i, j)] as f32;
            }
        }
        let (op, shape) = match form {
            Form::Map => (Op::Conv(Conv2d::new([1, 1])), vec![width, width, 1, 1]),
            Form::Rows => (Op::Gemm(Gemm { trans_b: true, ..Gemm::default() }), vec![width, width]),
            Form::Tokens => (Op::MatMul, vec![width, width]),
        };
        let name = format!("{}_recovery", graph.value(value).name);
        let replaced: Vec<(ValueId, Tensor)> =
            weights.iter().map(|&(weight, axis)| (weight, self.times_factor(graph, weight, axis))).collect();
        let readers: Vec<usize> = (0..graph.nodes.len()).filter(|&at| reads(&graph.nodes[at])).collect();
        let matrix = Tensor::from_f32(shape, matrix).expect("the matrix is square");
        let mut edit = graph.edit();
        let constant = edit.add_constant(&format!("{name}.weight"), matrix);
        let output = edit.add_value(&name);
        for at in readers {
            let mut node = edit.graph().nodes[at].clone();
            node.inputs[0] = output;
            edit.replace_node(at, node);
        }
        edit.insert_node(position, Node { name, op, inputs: vec![value, constant], outputs: vec![output] });
        for (weight, tensor) in replaced {
            edit.set_constant(weight, tensor);
        }
        let (segments, axis) = (units.segments(value).to_vec(), units.axis(value));
        units.segments.resize(graph.values.len(), Vec::new());
        units.axes.resize(graph.values.len(), 1);
        units.segments[output.0] = segments;
        units.axes[output.0] = axis;
    }

    /// The weights that read the value when the first `keep` coordinates stay.
    pub(super) fn shipped(&self, graph: &Graph, keep: usize) -> Vec<(ValueId, Tensor)> {
        let solve = |line: &mut [f64]| {
            self.times(line);
            for j in (0..keep).rev() {
                for m in j + 1..keep {
                    line[j] -= line[m] * self.factor[(m, j)];
                }
                line[j] /= self.factor[(j, j)];
            }
        };
        let weights = self.reader.weights.iter();
        weights.map(|&(weight, axis)| (weight, self.along(graph, weight, (axis, keep), &solve))).collect()
    }

    /// For each weight that reads the value and computes anything from it: what each kept count loses of the energy.
    pub(super) fn dropped(&self, graph: &Graph) -> Vec<Vec<f64>> {
        let channels = &self.reader.channels;
        let curve = |&(weight, axis): &(ValueId, usize)| {
            let tensor = self.times_factor(graph, weight, axis);
            let (shape, values) = (tensor.shape(), tensor.f32s().expect("weights are floats"));
            let inner = count(&shape[axis + 1..]);
            let mut lost = vec![0.0; channels.len() + 1];
            for (keep, &channel) in channels.iter().enumerate().rev() {
                let lines = values.chunks(inner).skip(channel).step_by(shape[axis]);
                let energy: f64 = lines.flatten().map(|&x| f64::from(x) * f64::from(x)).sum();
                lost[keep] = lost[keep + 1] + energy;
            }
            let all = lost[0];
            let known = all.is_finite() && all > 0.0;
            known.then(|| lost.into_iter().map(|lost| lost / all).collect())
        };
        self.reader.weights.iter().filter_map(curve).collect()
    }

    fn times_factor(&self, graph: &Graph, weight: ValueId, axis: usize) -> Tensor {
        let keep = self.reader.channels.len();
        self.along(graph, weight, (axis, keep), &|line| self.times(line))
    }

    /// A row times the factor, in place: entry `j` needs those from `j` on alone.
    fn times(&self, line: &mut [f64]) {
        for j in 0..line.len() {
            line[j] = (j..line.len()).map(|k| line[k] * self.factor[(k, j)]).sum();
        }
    }

    /// The weights with `change` made to every line along `axis`, of which the first `keep` entries are written back.
    fn along(
        &self,
        graph: &Graph,
        weight: ValueId,
        (axis, keep): (usize, usize),
        change: &dyn Fn(&mut [f64]),
    ) -> Tensor {
        let tensor = graph.constant(weight).expect("readers have constant weights");
        let shape = tensor.shape().to_vec();
        let mut values = tensor.f32s().expect("weights are floats").to_vec();
        let inner = count(&shape[axis + 1..]);
        for outer in 0..count(&shape[..axis]) {
            for offset in 0..inner {
                let at = |channel: usize| (outer * shape[axis] + channel) * inner + offset;
                let channels = &self.reader.channels;
                let mut line: Vec<f64> =
                    channels.iter().map(|&channel| f64::from(values[at(channel)])).collect();
                change(&mut line);
                for (&channel, value) in channels.iter().zip(line).take(keep) {
                    values[at(channel)] = value as f32;
                }
            }
        }
        Tensor::from_f32(shape, values).expect("the shape is the same")
    }
}
