//! Shape arithmetic as exporters write it: sizes follow the run, fractions are rounded as the file says or refused.

use super::{floats, graph, info, int, ints, model, node, read, with};
use crate::graph::Sizes;
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
