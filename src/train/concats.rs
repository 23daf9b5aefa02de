//! Concatenations whose operands do not begin with a channel group.

use crate::graph::{Binary, Graph, Move, Node, Op, PadMode, Shapes};

/// Makes sums of padded operands of concatenations along the channels into which some operand would have to be copied
/// from within a group of 4 channels on: a value of a training network is one run of channels, and operands are copied by
/// whole groups. `shapes` are those of all values.
pub(super) fn by_sums(graph: &mut Graph, shapes: &Shapes) {
    let mut position = 0;
    while position < graph.nodes.len() {
        let node = graph.nodes[position].clone();
        position += 1;
        let Op::Concat { axis: 1 } = node.op else { continue };
        let channels: Vec<usize> = node.inputs.iter().map(|input| shapes[input.0][1]).collect();
        let starts = channels.iter().scan(0, |start, own| {
            *start += own;
            Some(*start - own)
        });
        let starts: Vec<usize> = starts.collect();
        if starts.iter().all(|start| start % 4 == 0) {
            continue;
        }
        let (whole, rank) = (channels.iter().sum::<usize>(), shapes[node.outputs[0].0].len());
        let mut edit = graph.edit();
        edit.remove_node(position - 1);
        position -= 1;
        let mut sum = None;
        for (at, (&input, &start)) in node.inputs.iter().zip(&starts).enumerate() {
            let mut amounts = vec![[0, 0]; rank];
            amounts[1] = [start as i64, (whole - start - channels[at]) as i64];
            let name = format!("{}/padded{at}", node.name);
            let padded = edit.add_value(&name);
            let pad = Op::Move(Move::pad(&amounts, PadMode::Constant(0.0)));
            edit.insert_node(position, Node { name, op: pad, inputs: vec![input], outputs: vec![padded] });
            position += 1;
            let Some(before) = sum.replace(padded) else { continue };
            let last = at + 1 == node.inputs.len();
            let name = if last { node.name.clone() } else { format!("{}/sum{at}", node.name) };
            let output = if last { node.outputs[0] } else { edit.add_value(&name) };
            let inputs = vec![before, padded];
            edit.insert_node(
                position,
                Node { name, op: Op::Binary(Binary::Add), inputs, outputs: vec![output] },
            );
            position += 1;
            sum = Some(output);
        }
    }
}
