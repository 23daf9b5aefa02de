//! What a failing random network is made of: the smallest network found that still fails, written as a test.

use super::{RandomGraph, Rng};
use std::cell::Cell;
use std::fmt::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;
use wgpu_pagcp::graph::{Graph, Sizes, ValueId};
use wgpu_pagcp::reference::Array;
use wgpu_pagcp::units::analyse;

/// Runs `check`, which panics where it fails and must depend on the case alone.
///
/// # Panics
/// With the message of the smallest failing case found and that case as a test.
pub fn verify(case: &RandomGraph, check: &dyn Fn(&RandomGraph)) {
    let Some(mut message) = failure(case, check) else { return };
    let mut smallest: Option<RandomGraph> = None;
    let mut attempts = 300;
    'smaller: while attempts > 0 {
        for candidate in smaller(smallest.as_ref().unwrap_or(case)) {
            attempts -= 1;
            if let Some(found) = failure(&candidate, check) {
                message = found;
                smallest = Some(candidate);
                continue 'smaller;
            }
        }
        break;
    }
    let small = smallest.as_ref().unwrap_or(case);
    panic!("{message}\nseed {}, shrunk to {} nodes:\n{}", case.seed, small.graph.nodes.len(), as_test(small));
}

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// The message of a check that fails.
fn failure(case: &RandomGraph, check: &dyn Fn(&RandomGraph)) -> Option<String> {
    static HOOK: OnceLock<()> = OnceLock::new();
    HOOK.get_or_init(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !QUIET.get() {
                usual(info);
            }
        }));
    });
    QUIET.set(true);
    let result = catch_unwind(AssertUnwindSafe(|| check(case)));
    QUIET.set(false);
    let panic = result.err()?;
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string)).or(Some("it panics".to_owned()))
}

/// Networks with one part less, those with the most gone first.
fn smaller(case: &RandomGraph) -> Vec<RandomGraph> {
    let mut graphs: Vec<Graph> = Vec::new();
    for node in &case.graph.nodes {
        let alone = vec![node.outputs[0]];
        if case.graph.outputs != alone {
            graphs.push(with_outputs(&case.graph, alone));
        }
    }
    for at in 0..case.graph.outputs.len() {
        let mut outputs = case.graph.outputs.clone();
        outputs.remove(at);
        if !outputs.is_empty() {
            graphs.push(with_outputs(&case.graph, outputs));
        }
    }
    for at in (0..case.graph.nodes.len()).rev() {
        graphs.extend(bypassed(case, at));
    }
    let mut cases: Vec<RandomGraph> =
        graphs.into_iter().filter_map(|graph| of(case.seed, graph, case.batch)).collect();
    if case.batch > 1 {
        cases.extend(of(case.seed, case.graph.clone(), 1));
    }
    cases.retain(|other| {
        other.graph.nodes.len() < case.graph.nodes.len()
            || other.graph.outputs.len() < case.graph.outputs.len()
            || other.batch < case.batch
    });
    cases
}

fn with_outputs(graph: &Graph, outputs: Vec<ValueId>) -> Graph {
    let mut graph = Graph { outputs, ..graph.clone() };
    graph.edit().drop_dead_nodes();
    graph
}

/// The network without one node, where that has an input of its output's shape.
fn bypassed(case: &RandomGraph, at: usize) -> Option<Graph> {
    let node = &case.graph.nodes[at];
    let output = node.outputs[0];
    let computed = |id: &&ValueId| case.graph.constant(**id).is_none();
    let same = |id: &&ValueId| case.shapes[id.0] == case.shapes[output.0];
    let source = *node.inputs.iter().filter(computed).find(same)?;
    let mut graph = case.graph.clone();
    for id in &mut graph.outputs {
        if *id == output {
            *id = source;
        }
    }
    graph.edit().redirect_uses(output, source);
    graph.edit().drop_dead_nodes();
    Some(graph)
}

fn of(seed: u64, graph: Graph, batch: usize) -> Option<RandomGraph> {
    let inputs_stay = graph.outputs.iter().all(|id| !graph.inputs.contains(id));
    let distinct = (1..graph.outputs.len()).all(|at| !graph.outputs[..at].contains(&graph.outputs[at]));
    if !inputs_stay || !distinct || graph.check().is_err() {
        return None;
    }
    let shapes = graph.infer(&Sizes::batch(batch)).ok()?;
    let units = analyse(&graph, &shapes);
    let mut rng = Rng::new(seed);
    let inputs = graph.inputs.iter().map(|id| Array::from(&rng.tensor(&shapes[id.0], 1.0))).collect();
    Some(RandomGraph { seed, graph, shapes, units, batch, inputs })
}

/// The case as Rust, to be kept as a test: constants by [`super::super::network::tensor`] where they are long.
pub fn as_test(case: &RandomGraph) -> String {
    let mut text =
        format!("#[test]\nfn shrunk_{}() {{\n    let mut b = Builder::new(\"shrunk\");\n", case.seed);
    // Writing to a string cannot fail.
    let mut line = |words: String| _ = writeln!(text, "    {words}");
    let used = |id: usize| case.graph.nodes.iter().any(|node| node.inputs.contains(&ValueId(id)));
    for &id in &case.graph.inputs {
        let dims = &case.graph.value(id).dims;
        line(format!(
            "let v{} = b.input({:?}, &{:?});",
            id.0,
            case.graph.value(id).name,
            dims.as_deref().unwrap_or_default()
        ));
    }
    for (id, value) in case.graph.values.iter().enumerate().filter(|(id, _)| used(*id)) {
        let Some(constant) = &value.constant else { continue };
        let values = match constant.f32s() {
            Ok(values) if values.len() <= 16 => {
                format!("Tensor::from_f32(vec!{:?}, vec!{values:?}).unwrap()", constant.shape())
            }
            _ => format!("tensor({id}, &{:?})", constant.shape()),
        };
        line(format!("let v{id} = b.constant({:?}, {values});", value.name));
    }
    for node in &case.graph.nodes {
        let inputs: Vec<String> = node.inputs.iter().map(|id| format!("v{}", id.0)).collect();
        line(format!("let v{} = b.node(Op::{:?}, &[{}]);", node.outputs[0].0, node.op, inputs.join(", ")));
    }
    for &id in &case.graph.outputs {
        line(format!("b.output(v{}, {:?});", id.0, case.graph.value(id).name));
    }
    line(format!("check(b.finish().unwrap(), {});", case.batch));
    text + "}\n"
}

/// A broken rule is found, and everything that does not matter is gone.
#[test]
fn a_failing_network_shrinks_to_what_fails() {
    let offends = |case: &RandomGraph| {
        let pools = case.graph.nodes.iter().filter(|node| node.op.name() == "MaxPool").count();
        assert!(pools == 0, "{pools} pools");
    };
    let case = (0..200)
        .map(RandomGraph::new)
        .find(|case| case.graph.nodes.len() > 8 && failure(case, &offends).is_some())
        .expect("some network has a pool");
    QUIET.set(true);
    let message = catch_unwind(AssertUnwindSafe(|| verify(&case, &offends))).expect_err("it fails");
    QUIET.set(false);
    let message = message.downcast_ref::<String>().expect("a message");
    assert!(message.starts_with("1 pools\nseed "), "{message}");
    let left = (1..=3).any(|nodes| message.contains(&format!("shrunk to {nodes} nodes")));
    assert!(left, "{message}");
    assert!(message.contains("b.node(Op::MaxPool(Pool {"), "{message}");
}
