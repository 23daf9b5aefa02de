//! `constants -> operator -> y` becomes the constant `y`, computed in f64 and rounded once.

use super::pass::{Pass, View, Visit};
use crate::reference::{Array, execute};

pub(super) const PASS: Pass = Pass { name: "fold_constants", visit };

fn visit(view: &View, position: usize) -> Visit {
    let node = view.node(position);
    let Some(constants) =
        node.inputs.iter().map(|&input| view.graph.constant(input)).collect::<Option<Vec<_>>>()
    else {
        return Ok(None);
    };
    let output = node.outputs[0];
    if view.graph.is_output(output) {
        return Err("it computes a graph output".to_owned());
    }
    for constant in &constants {
        constant.f32s().map_err(|error| error.to_string())?;
    }
    let arrays: Vec<Array> = constants.into_iter().map(Array::from).collect();
    let result =
        execute(&node.op, &arrays.iter().collect::<Vec<_>>()).map_err(|mismatch| mismatch.to_string())?;
    if result.shape != view.shape(output) {
        return Err("its shape follows the batch".to_owned());
    }
    let tensor = result.to_tensor();
    Ok(Some(Box::new(move |edit| {
        edit.remove_node(position);
        edit.set_constant(output, tensor);
    })))
}
