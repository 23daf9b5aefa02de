//! One operator, or a whole graph, in f64.

use super::{
    Array, activate, arg_max, average_pool, batch_norm, binary, choose, concat, conv, conv_transpose, gemm,
    global_average_pool, global_max_pool, log_softmax, mat_mul, max_pool, moved, norm, pad, reduce, resize,
    softmax, training,
};
use crate::graph::shape::output_shape;
use crate::graph::{Epilogue, Graph, Mismatch, Node, Op, Shapes, ValueId};
use crate::tensor::count;
use thiserror::Error;

/// Why a graph could not be computed.
#[derive(Debug, Error, PartialEq)]
pub enum ReferenceError {
    /// Not one array per graph input.
    #[error("expected {expected} inputs, found {found}")]
    Inputs {
        /// The graph's inputs.
        expected: usize,
        /// The arrays given.
        found: usize,
    },
    /// A value whose array is missing or of another shape than `shapes` says.
    #[error("value {value}: expected shape {expected:?}, found {found}")]
    Value {
        /// The value.
        value: String,
        /// Its dimensions in `shapes`.
        expected: Vec<usize>,
        /// What is there.
        found: String,
    },
    /// A node whose inputs do not fit its operator.
    #[error("node {node} ({op}): {mismatch}")]
    Node {
        /// The node.
        node: String,
        /// Its operator.
        op: &'static str,
        /// The rule it breaks.
        mismatch: Mismatch,
    },
}

/// Computes `op`, epilogue included; inputs in the order of [`Node::inputs`].
pub fn execute(op: &Op, inputs: &[&Array]) -> Result<Array, Mismatch> {
    let shapes: Vec<&[usize]> = inputs.iter().map(|input| input.shape.as_slice()).collect();
    let shape = output_shape(op, &shapes)?;
    Ok(compute(op, inputs, shape))
}

/// Computes every value of `graph`, by id: graph inputs as given, constants, and what nodes compute. Values that
/// nothing defines are `None`. `shapes` is what [`Graph::infer`] gives for the sizes of `inputs`.
pub fn run(graph: &Graph, shapes: &Shapes, inputs: &[Array]) -> Result<Vec<Option<Array>>, ReferenceError> {
    if inputs.len() != graph.inputs.len() {
        return Err(ReferenceError::Inputs { expected: graph.inputs.len(), found: inputs.len() });
    }
    let mut values: Vec<Option<Array>> =
        graph.values.iter().map(|value| value.constant.as_deref().map(Array::from)).collect();
    for (&id, input) in graph.inputs.iter().zip(inputs) {
        values[id.0] = Some(input.clone());
        operand(graph, shapes, &values, id)?;
    }
    for node in &graph.nodes {
        let result = run_node(graph, shapes, &values, node)?;
        for output in &node.outputs {
            values[output.0] = Some(result.clone());
        }
    }
    Ok(values)
}

/// Computes one node from `values`.
pub(super) fn run_node(
    graph: &Graph,
    shapes: &Shapes,
    values: &[Option<Array>],
    node: &Node,
) -> Result<Array, ReferenceError> {
    let inputs = operands(graph, shapes, values, node)?;
    let shape = checked_shape(shapes, node, &inputs)?;
    Ok(compute(&node.op.fix(shapes), &inputs, shape))
}

/// The inputs of a node.
pub(super) fn operands<'a>(
    graph: &Graph,
    shapes: &Shapes,
    values: &'a [Option<Array>],
    node: &Node,
) -> Result<Vec<&'a Array>, ReferenceError> {
    node.inputs.iter().map(|&id| operand(graph, shapes, values, id)).collect()
}

fn operand<'a>(
    graph: &Graph,
    shapes: &Shapes,
    values: &'a [Option<Array>],
    id: ValueId,
) -> Result<&'a Array, ReferenceError> {
    let expected = shapes.get(id.0).cloned().unwrap_or_default();
    match values.get(id.0).and_then(Option::as_ref) {
        Some(array) if array.shape == expected => Ok(array),
        found => Err(ReferenceError::Value {
            value: graph.value(id).name.clone(),
            expected,
            found: found.map_or("no value".to_owned(), |array| format!("{:?}", array.shape)),
        }),
    }
}

/// The output shape that `shapes` gives, which the operator must agree with. A `Reshape` may follow the batch, which
/// its operator alone does not know of: there the number of elements decides.
fn checked_shape(shapes: &Shapes, node: &Node, inputs: &[&Array]) -> Result<Vec<usize>, ReferenceError> {
    let fail = |mismatch| ReferenceError::Node { node: node.name.clone(), op: node.op.name(), mismatch };
    let claimed = node.outputs.first().and_then(|id| shapes.get(id.0)).cloned().unwrap_or_default();
    let reshapes = matches!(node.op, Op::Reshape { .. }) && inputs.len() == 1;
    if reshapes && inputs[0].data.len() == count(&claimed) {
        return Ok(claimed);
    }
    let given: Vec<&[usize]> = inputs.iter().map(|input| input.shape.as_slice()).collect();
    let shape = output_shape(&node.op.fix(shapes), &given).map_err(fail)?;
    if shape == claimed {
        return Ok(shape);
    }
    Err(fail(Mismatch {
        what: "output".to_owned(),
        expected: format!("{claimed:?}"),
        found: format!("{shape:?}"),
    }))
}

/// Computes an operator whose inputs were checked and whose output has `shape`.
fn compute(op: &Op, inputs: &[&Array], shape: Vec<usize>) -> Array {
    match op {
        Op::Conv(op) => {
            let Terms { bias, residual } = conv_terms(op.epilogue, inputs);
            finish(op.epilogue, conv(op, inputs[0], inputs[1], bias), residual)
        }
        Op::BatchNorm { epsilon } => {
            batch_norm(*epsilon, inputs[0], [inputs[1], inputs[2], inputs[3], inputs[4]])
        }
        Op::Activation(activation) => inputs[0].map(|x| activate(*activation, x)),
        Op::Binary(op) => binary(*op, inputs[0], inputs[1]),
        Op::Concat { axis } => concat(*axis, inputs),
        Op::MaxPool(pool) => max_pool(pool, inputs[0]),
        Op::AveragePool(pool) => average_pool(pool, inputs[0]),
        Op::GlobalAveragePool => global_average_pool(inputs[0]),
        Op::Resize(op) => resize(op, inputs[0]),
        Op::Flatten { .. } | Op::Reshape { .. } => Array { shape, data: inputs[0].data.clone() },
        Op::Gemm(op) => {
            let sum = gemm(op, inputs[0], inputs[1], inputs.get(2).copied());
            finish(op.epilogue, sum, None)
        }
        Op::Softmax { axis } => softmax(*axis, inputs[0]),
        Op::Identity => inputs[0].clone(),
        Op::Pad(op) => pad(op, inputs[0]),
        Op::Squeeze { .. } | Op::Unsqueeze { .. } => Array { shape, data: inputs[0].data.clone() },
        Op::ConvTranspose(op) => {
            let Terms { bias, residual } = conv_terms(op.epilogue, inputs);
            finish(op.epilogue, conv_transpose(op, inputs[0], inputs[1], bias), residual)
        }
        Op::Norm(op) => norm(op, inputs[0], inputs[1], inputs[2]),
        Op::MatMul => mat_mul(inputs[0], inputs[1], shape),
        Op::LogSoftmax { axis } => log_softmax(*axis, inputs[0]),
        Op::Where => choose(inputs[0], inputs[1], inputs[2]),
        Op::GlobalMaxPool => global_max_pool(inputs[0]),
        Op::Reduce(op) => reduce(op, inputs[0]),
        Op::ArgMax(op) => arg_max(*op, inputs[0]),
        Op::Move(op) => moved(op, inputs[0], &shape),
        Op::Training(op) => training::compute(op, inputs, shape),
    }
}

/// The optional inputs of a convolution.
pub(super) struct Terms<'a> {
    pub(super) bias: Option<&'a Array>,
    pub(super) residual: Option<&'a Array>,
}

pub(super) fn conv_terms<'a>(epilogue: Epilogue, inputs: &[&'a Array]) -> Terms<'a> {
    let optional = &inputs[2..];
    match optional.split_last() {
        Some((residual, rest)) if epilogue.has_residual() => {
            Terms { bias: rest.first().copied(), residual: Some(residual) }
        }
        _ => Terms { bias: optional.first().copied(), residual: None },
    }
}

fn finish(epilogue: Epilogue, sum: Array, residual: Option<&Array>) -> Array {
    match (epilogue, residual) {
        (Epilogue::Plain, _) => sum,
        (Epilogue::Activation(activation), _) => sum.map(|x| activate(activation, x)),
        (Epilogue::AddThenActivation(activation), Some(residual)) => {
            sum.zip(residual, |x, r| activate(activation, x + r))
        }
        (Epilogue::ActivationThenAdd(activation), Some(residual)) => {
            sum.zip(residual, |x, r| activate(activation, x) + r)
        }
        (Epilogue::AddThenActivation(_) | Epilogue::ActivationThenAdd(_), None) => {
            unreachable!("shape inference refuses a residual epilogue without a residual")
        }
    }
}
