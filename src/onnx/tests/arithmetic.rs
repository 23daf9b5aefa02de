//! Shape arithmetic as exporters write it: sizes follow the run, fractions are rounded as the file says or refused.

use super::{floats, graph, info, int, ints, model, node, parse, read, with};
use crate::graph::{Extent, Move, Op, Sizes};
use crate::onnx::proto::ModelProto;

const FLOAT: i64 = 1;
const INT64: i64 = 7;

/// The rows of `x` up to what `nodes` compute as `end` from `rows`, its height.
fn rows(dims: &[&str], nodes: &[(&str, &[&str], &str, Option<i64>)]) -> ModelProto {
    let mut model = model(17, "Slice", &["x", "zero", "end", "two"], vec![]);
    let tensors =
        vec![ints("zero", &[0]), ints("two", &[2]), floats("half", &[1], &[2.0]), floats("by", &[1], &[4.0])];
    let graph = graph(&mut model);
    graph.input = vec![info("x", dims)];
    let slice = graph.node.remove(0);
    graph.node = vec![node("Shape", &["x"], "shape"), node("Gather", &["shape", "two"], "rows")];
    for (op, inputs, output, to) in nodes {
        let mut added = node(op, inputs, output);
        added.attribute = to.iter().map(|&to| int("to", to)).collect();
        graph.node.push(added);
    }
    graph.node.push(slice);
    with(model, tensors)
}

/// The number of rows that come out of `height` rows, with that height in the file and with a name in its place.
fn left(nodes: &[(&str, &[&str], &str, Option<i64>)], height: usize) -> [usize; 2] {
    let number = height.to_string();
    [&number, "h"].map(|dim| {
        let graph = read(&rows(&["N", "3", dim, "6"], nodes)).unwrap();
        let sizes = Sizes::new(2, [("h".to_owned(), height)].into());
        graph.infer(&sizes).unwrap()[graph.outputs[0].0][2]
    })
}

fn rounded(rounding: &str, height: usize) -> [usize; 2] {
    let nodes: &[(&str, &[&str], &str, Option<i64>)] = &[
        ("Cast", &["rows"], "wide", Some(FLOAT)),
        ("Div", &["wide", "half"], "part", None),
        (rounding, &["part"], "whole", None),
        ("Cast", &["whole"], "end", Some(INT64)),
    ];
    left(nodes, height)
}

#[test]
fn fractions_are_rounded_as_the_file_says() {
    assert_eq!([rounded("Floor", 7), rounded("Ceil", 7)], [[3; 2], [4; 2]]);
    assert_eq!([rounded("Floor", 8), rounded("Ceil", 8)], [[4; 2]; 2]);
    assert_eq!(rounded("Identity", 7), [3; 2]);
}

#[test]
fn integers_divide_at_once() {
    let nodes: &[(&str, &[&str], &str, Option<i64>)] =
        &[("Div", &["rows", "two"], "part", None), ("Mul", &["part", "two"], "end", None)];
    assert_eq!(left(nodes, 7), [6; 2]);
}

/// As integers `7 / 2 * 4` is 12, as floats 14.
#[test]
fn computing_with_a_fraction_is_refused_where_it_depends_on_sizes() {
    let nodes: &[(&str, &[&str], &str, Option<i64>)] = &[
        ("Cast", &["rows"], "wide", Some(FLOAT)),
        ("Div", &["wide", "half"], "part", None),
        ("Mul", &["part", "by"], "more", None),
        ("Cast", &["more"], "end", Some(INT64)),
    ];
    for dim in ["7", "h"] {
        let error = read(&rows(&["N", "3", dim, "6"], nodes)).unwrap_err();
        assert!(error.contains("fractions of sizes that nothing rounds"), "{error}");
    }
}

#[test]
fn factors_that_are_whole_stay_exact() {
    let nodes: &[(&str, &[&str], &str, Option<i64>)] = &[
        ("Cast", &["rows"], "wide", Some(FLOAT)),
        ("Mul", &["wide", "half"], "more", None),
        ("Div", &["more", "by"], "part", None),
        ("Floor", &["part"], "whole", None),
        ("Cast", &["whole"], "end", Some(INT64)),
    ];
    assert_eq!([left(nodes, 7), left(nodes, 8)], [[3; 2], [4; 2]]);
}

/// What the file says, read back from what is written of it.
fn again(model: &ModelProto) -> crate::graph::Graph {
    parse(&crate::onnx::encode(&read(model).unwrap()).unwrap(), "m.onnx", None).unwrap()
}

#[test]
fn a_size_rounded_up_stays_so_in_a_written_file() {
    let nodes: &[(&str, &[&str], &str, Option<i64>)] = &[
        ("Cast", &["rows"], "wide", Some(FLOAT)),
        ("Div", &["wide", "half"], "part", None),
        ("Ceil", &["part"], "whole", None),
        ("Cast", &["whole"], "end", Some(INT64)),
    ];
    let graph = again(&rows(&["N", "3", "h", "6"], nodes));
    for (height, expected) in [(7, 4), (8, 4), (9, 5)] {
        let sizes = Sizes::new(2, [("h".to_owned(), height)].into());
        assert_eq!(graph.infer(&sizes).unwrap()[graph.outputs[0].0][2], expected, "{height}");
    }
}

/// Rows are added up to a multiple of 4, all of them below.
#[test]
fn pads_follow_the_sizes_of_a_run() {
    let mut model = model(18, "Pad", &["x", "pads", "", "two"], vec![]);
    let graph = graph(&mut model);
    graph.input = vec![info("x", &["N", "3", "h", "6"])];
    let pad = graph.node.remove(0);
    graph.node = vec![
        node("Shape", &["x"], "shape"),
        node("Gather", &["shape", "two"], "rows"),
        node("Sub", &["zero", "rows"], "missing"),
        node("Mod", &["missing", "four"], "below"),
        graph_concat(),
        pad,
    ];
    let model = with(model, vec![ints("zero", &[0]), ints("two", &[2]), ints("four", &[4])]);
    for graph in [read(&model).unwrap(), again(&model)] {
        let Op::Move(Move::Pad { amounts, .. }) = &graph.nodes.last().unwrap().op else { panic!("a pad") };
        assert_eq!(amounts[2][0], Extent::Fixed(0));
        for (height, expected) in [(5, 8), (8, 8), (9, 12)] {
            let sizes = Sizes::new(2, [("h".to_owned(), height)].into());
            let shapes = graph.infer(&sizes).unwrap();
            assert_eq!(shapes[graph.outputs[0].0], [2, 3, expected, 6], "{height}");
        }
    }
}

fn graph_concat() -> crate::onnx::proto::NodeProto {
    let mut concat = node("Concat", &["zero", "below"], "pads");
    concat.attribute = vec![int("axis", 0)];
    concat
}

#[test]
fn ranges_of_floats_are_constants_and_long_ones_are_refused() {
    let ranged = |start: f32, limit: f32, delta: f32| {
        let mut model = model(17, "Range", &["start", "limit", "delta"], vec![]);
        graph(&mut model).node[0].output = vec!["r".into()];
        graph(&mut model).node.push(node("Mul", &["x", "r"], "y"));
        let scalar = |name, value| floats(name, &[], &[value]);
        read(&with(model, vec![scalar("start", start), scalar("limit", limit), scalar("delta", delta)]))
    };
    let values = |graph: crate::graph::Graph| {
        graph.constant(graph.nodes[0].inputs[1]).unwrap().f32s().unwrap().to_vec()
    };
    assert_eq!(values(ranged(1.0, 12.0, 2.0).unwrap()), [1.0, 3.0, 5.0, 7.0, 9.0, 11.0]);
    let six = values(ranged(0.5, -1.0, -0.25).unwrap());
    assert_eq!(six, [0.5, 0.25, 0.0, -0.25, -0.5, -0.75]);
    for (start, limit, delta) in [(0.0, 1.0, 0.0), (0.0, 1.0, -1.0), (0.0, 1e30, 1.0), (0.0, f32::NAN, 1.0)] {
        let error = ranged(start, limit, delta).unwrap_err();
        assert!(error.contains("node n (Range)"), "{error}");
    }
    let mut long = model(17, "Range", &["zero", "many", "one"], vec![]);
    graph(&mut long).node[0].output = vec!["i".into()];
    graph(&mut long).node.push(node("Gather", &["x", "i"], "y"));
    let tensors = [("zero", 0), ("many", 5000), ("one", 1)]
        .map(|(name, number)| crate::onnx::proto::TensorProto { dims: vec![], ..ints(name, &[number]) });
    let error = read(&with(long, tensors.to_vec())).unwrap_err();
    assert!(error.contains("at most 4096 numbers"), "{error}");
}
