//! Matrix products of tokens with constants.

use crate::graph::{Binary, Extent, Gemm, Graph, Node, Op, Shapes, ValueId};
use crate::tensor::count;
use std::collections::BTreeMap;

/// Makes matrix products with a constant matrix on the right products of rows, together with a constant that alone is added
/// to all of them: those have gradients of weights and biases, and kernels that read what the channels are only once.
/// `shapes` are those of all values. Constants stay as they are.
pub(super) fn of_tokens(graph: &mut Graph, shapes: &Shapes) {
    // The rows of values that several products read.
    let mut rows = BTreeMap::new();
    let mut position = 0;
    while position < graph.nodes.len() {
        let node = graph.nodes[position].clone();
        position += 1;
        if !is_product(graph, shapes, &node) {
            continue;
        }
        let (x, weight, mut output) = (node.inputs[0], node.inputs[1], node.outputs[0]);
        let shape = shapes[output.0].clone();
        let bias = bias(graph, shapes, output);
        let mut operands = vec![x, weight];
        if let Some((at, bias)) = bias {
            output = graph.edit().remove_node(at).outputs[0];
            operands.push(bias);
        }
        position -= 1;
        graph.edit().remove_node(position);
        let mut add =
            |graph: &mut Graph, part: &str, op: Op, inputs: Vec<ValueId>, output: Option<ValueId>| {
                let name = format!("{}{part}", node.name);
                let mut edit = graph.edit();
                let output = output.unwrap_or_else(|| edit.add_value(&name));
                edit.insert_node(position, Node { name, op, inputs, outputs: vec![output] });
                position += 1;
                output
            };
        let op = Op::Gemm(Gemm::default());
        if shape.len() == 2 {
            add(graph, "", op, operands, Some(output));
            continue;
        }
        operands[0] = match rows.get(&x) {
            Some(&rows) => rows,
            None => {
                let columns = shapes[weight.0][0];
                let reshape = reshape(&[count(&shapes[x.0]) / columns, columns]);
                let found = add(graph, "/rows", reshape, vec![x], None);
                rows.insert(x, found);
                found
            }
        };
        let product = add(graph, "", op, operands, None);
        add(graph, "/tokens", reshape(&shape), vec![product], Some(output));
    }
}

/// Whether a node multiplies what is computed by a constant matrix.
fn is_product(graph: &Graph, shapes: &Shapes, node: &Node) -> bool {
    let (Op::MatMul, &[x, weight]) = (&node.op, &node.inputs[..]) else { return false };
    let floats = graph.constant(weight).is_some_and(|tensor| tensor.f32s().is_ok());
    let matrix = shapes[weight.0].len() == 2 && shapes[x.0].len() >= 2;
    matrix && floats && graph.constant(x).is_none()
}

/// The position of a node that adds a constant row to `product`, which nothing else reads, and that constant.
fn bias(graph: &Graph, shapes: &Shapes, product: ValueId) -> Option<(usize, ValueId)> {
    let &[at] = &graph.consumers()[product.0][..] else { return None };
    let node = graph.nodes.get(at).filter(|node| node.op == Op::Binary(Binary::Add))?;
    let other = *node.inputs.iter().find(|&&input| input != product)?;
    let row = shapes[other.0][..] == shapes[product.0][shapes[product.0].len() - 1..];
    let floats = graph.constant(other).is_some_and(|tensor| tensor.f32s().is_ok());
    (row && floats && !graph.is_output(product)).then_some((at, other))
}

fn reshape(shape: &[usize]) -> Op {
    let shape = shape.iter().map(|&extent| Extent::Fixed(extent as i64)).collect();
    Op::Reshape { shape, allow_zero: false }
}
