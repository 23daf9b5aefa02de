//! `x -> anything that nothing reads` becomes nothing.

use super::pass::{Pass, View, Visit};

pub(super) const PASS: Pass = Pass { name: "drop_dead", visit };

fn visit(view: &View, position: usize) -> Visit {
    let needed = |&value| view.readers(value) > 0 || view.graph.is_output(value);
    if view.node(position).outputs.iter().any(needed) {
        return Ok(None);
    }
    Ok(Some(Box::new(move |edit| {
        edit.remove_node(position);
    })))
}
