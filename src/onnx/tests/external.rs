//! Tensor data of every type, in the file and beside it.

use super::*;
use crate::graph::Extent;
use crate::onnx::load;
use crate::onnx::proto::StringStringEntryProto;
use crate::onnx::proto::tensor_proto::DataLocation;
use crate::tensor::Data;
use std::path::Path;

/// A model that uses `c` as data, or where it is of integers as a Reshape target.
fn using(tensor: TensorProto, integers: bool) -> ModelProto {
    let op = if integers { "Reshape" } else { "Add" };
    with(model(17, op, &["x", "c"], vec![]), vec![tensor])
}

fn read_floats(tensor: TensorProto) -> Result<Vec<f32>, String> {
    let graph = read(&using(tensor, false))?;
    Ok(graph.constant(graph.nodes[0].inputs[1]).unwrap().f32s().unwrap().to_vec())
}

fn read_ints(tensor: TensorProto) -> Result<Vec<i64>, String> {
    match read(&using(tensor, true))?.nodes.remove(0).op {
        Op::Reshape { shape, .. } => Ok(shape.iter().filter_map(Extent::fixed).collect()),
        other => panic!("{other:?}"),
    }
}

fn typed(data_type: DataType, dims: &[i64]) -> TensorProto {
    let data_type = Some(data_type as i32);
    TensorProto { name: Some("c".into()), dims: dims.to_vec(), data_type, ..TensorProto::default() }
}

fn raw(data_type: DataType, dims: &[i64], bytes: &[u8]) -> TensorProto {
    TensorProto { raw_data: Some(bytes.to_vec()), ..typed(data_type, dims) }
}

#[test]
fn floats_of_every_width() {
    let expected = Ok(vec![1.5]);
    assert_eq!(read_floats(raw(DataType::Float, &[1], &1.5_f32.to_le_bytes())), expected);
    assert_eq!(read_floats(raw(DataType::Double, &[1], &1.5_f64.to_le_bytes())), expected);
    assert_eq!(read_floats(raw(DataType::Float16, &[1], &half::f16::from_f32(1.5).to_le_bytes())), expected);
    assert_eq!(read_floats(floats("c", &[1], &[1.5])), expected);
    let double = TensorProto { double_data: vec![1.5], ..typed(DataType::Double, &[1]) };
    assert_eq!(read_floats(double), expected);
    let bits = i32::from(half::f16::from_f32(1.5).to_bits());
    let half = TensorProto { int32_data: vec![bits], ..typed(DataType::Float16, &[1]) };
    assert_eq!(read_floats(half), expected);
}

#[test]
fn integers_of_every_width() {
    let expected = Ok(vec![1, 144]);
    let bytes: Vec<u8> = [1_i64, 144].iter().flat_map(|value| value.to_le_bytes()).collect();
    assert_eq!(read_ints(raw(DataType::Int64, &[2], &bytes)), expected);
    let bytes: Vec<u8> = [1_i32, 144].iter().flat_map(|value| value.to_le_bytes()).collect();
    assert_eq!(read_ints(raw(DataType::Int32, &[2], &bytes)), expected);
    assert_eq!(read_ints(raw(DataType::Uint8, &[2], &[1, 144])), expected);
    for data_type in [DataType::Int32, DataType::Uint8] {
        assert_eq!(read_ints(TensorProto { int32_data: vec![1, 144], ..typed(data_type, &[2]) }), expected);
    }
    assert_eq!(read_ints(ints("c", &[1, 144])), expected);
}

#[test]
fn wrong_data() {
    let why = |tensor| {
        let error = read_floats(tensor).expect_err("the tensor is wrong");
        error.strip_prefix("m.onnx: node n (Add): initialiser c: ").expect("the tensor is named").to_owned()
    };
    assert_eq!(why(raw(DataType::Float, &[2], &[0; 4])), "data: expected 8 bytes, found 4");
    assert_eq!(why(floats("c", &[2], &[0.0])), "shape [2] needs 2 elements, found 1");
    let negative = "dimensions: expected sizes that can be counted, found [-1]";
    assert_eq!(why(floats("c", &[-1], &[])), negative);
    let huge = [i64::MAX, i64::MAX];
    let counted = format!("dimensions: expected sizes that can be counted, found {huge:?}");
    assert_eq!(why(floats("c", &huge, &[])), counted);
    assert_eq!(
        why(raw(DataType::Double, &[i64::MAX], &[])),
        format!("expected a size that can be counted, found {} elements", i64::MAX)
    );
    let supported = "element type: expected one of FLOAT, FLOAT16, BFLOAT16, FLOAT8E4M3FN, FLOAT8E4M3FNUZ, \
                     FLOAT8E5M2, FLOAT8E5M2FNUZ, DOUBLE, INT64, INT32, INT16, INT8, UINT64, UINT32, UINT16, UINT8, \
                     BOOL, found";
    assert_eq!(why(raw(DataType::Complex64, &[1], &[0; 8])), format!("{supported} COMPLEX64"));
    assert_eq!(
        why(TensorProto { data_type: Some(77), ..floats("c", &[1], &[0.0]) }),
        format!("{supported} 77")
    );
    assert_eq!(
        why(TensorProto { double_data: vec![1e300], ..typed(DataType::Double, &[1]) }),
        "expected an element that fits 32 bits, found 1e300"
    );
    assert_eq!(
        why(TensorProto { int32_data: vec![-1], ..typed(DataType::Float16, &[1]) }),
        "expected the 16 bits of a half float, found -1"
    );
    assert_eq!(
        why(TensorProto { int32_data: vec![256], ..typed(DataType::Uint8, &[1]) }),
        "expected an element from 0 to 255, found 256"
    );
}

#[test]
fn unused_initialisers_are_not_read() {
    let strings = typed(DataType::String, &[1]);
    let graph = read(&with(model(17, "Relu", &["x"], vec![]), vec![strings])).unwrap();
    assert_eq!(graph.values.len(), 2);
}

fn beside(entries: &[(&str, &str)]) -> TensorProto {
    let entry = |(key, value): &(&str, &str)| StringStringEntryProto {
        key: Some((*key).to_owned()),
        value: Some((*value).to_owned()),
    };
    TensorProto {
        data_location: Some(DataLocation::External as i32),
        external_data: entries.iter().map(entry).collect(),
        ..typed(DataType::Float, &[2])
    }
}

fn load_beside(folder: &Path, entries: &[(&str, &str)]) -> Result<Data, String> {
    let path = folder.join("m.onnx");
    std::fs::write(&path, using(beside(entries), false).encode_to_vec()).unwrap();
    let strip = |error: String| match error.split_once("initialiser c: ") {
        Some((_, reason)) => reason.to_owned(),
        None => error,
    };
    let mut model = load(&path).map_err(|error| strip(error.to_string()))?;
    let constant = model.nodes[0].inputs[1];
    Ok(model.values.swap_remove(constant.0).constant.unwrap().data().clone())
}

/// A folder with three floats in a file.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let bytes: Vec<u8> = [0.5_f32, 1.5, 2.5].iter().flat_map(|value| value.to_le_bytes()).collect();
    std::fs::write(folder.path().join("weights.bin"), bytes).unwrap();
    std::fs::create_dir(folder.path().join("inner")).unwrap();
    folder
}

#[test]
fn data_beside_the_model() {
    let folder = folder();
    let why = |entries: &[(&str, &str)]| load_beside(folder.path(), entries).unwrap_err();
    assert_eq!(why(&[]), "external data: expected a location, found none");
    for location in ["../weights.bin", "/etc/passwd", "inner/../../weights.bin", ""] {
        let expected = format!("external data: expected a file in the model's folder, found {location:?}");
        assert_eq!(why(&[("location", location)]), expected);
    }
    assert!(why(&[("location", "none.bin")]).starts_with("external data none.bin: cannot be read: "));
    assert_eq!(why(&[("location", "inner")]), "external data inner: expected a file, found something else");
    let at = |key, value| [("location", "weights.bin"), (key, value)];
    assert_eq!(why(&at("length", "12")), "external data weights.bin: expected a length of 8 bytes, found 12");
    assert_eq!(
        why(&at("offset", "5")),
        "external data weights.bin: expected 8 bytes from byte 5 on, found a file of 12"
    );
    assert!(why(&at("offset", "18446744073709551615")).contains("found a file of 12"));
    assert_eq!(why(&at("offset", "-4")), "external data offset: expected a number of bytes, found \"-4\"");
    let memory = read(&using(beside(&at("offset", "4")), false)).unwrap_err();
    assert!(memory.ends_with("external data: expected a model on disk, found one in memory"));
}

#[test]
fn data_beside_the_model_is_read_from_its_offset() {
    let folder = folder();
    let mut model = using(beside(&[("location", "weights.bin"), ("offset", "4"), ("length", "8")]), false);
    graph(&mut model).input = vec![info("x", &["N", "3", "8", "2"])];
    let path = folder.path().join("m.onnx");
    std::fs::write(&path, model.encode_to_vec()).unwrap();
    let graph = load(&path).unwrap();
    assert_eq!(graph.constant(graph.nodes[0].inputs[1]).unwrap().data(), &Data::F32(vec![1.5, 2.5]));
}

#[cfg(unix)]
#[test]
fn links_do_not_lead_out_of_the_folder() {
    let (inside, outside) = (folder(), folder());
    let target = outside.path().join("weights.bin");
    std::os::unix::fs::symlink(target, inside.path().join("link.bin")).unwrap();
    assert_eq!(
        load_beside(inside.path(), &[("location", "link.bin")]).unwrap_err(),
        "external data: expected a file in the model's folder, found \"link.bin\""
    );
}

#[test]
fn missing_files_are_named() {
    let error = load(Path::new("no/such.onnx")).unwrap_err().to_string();
    assert!(error.starts_with("no/such.onnx: cannot be read: "), "{error}");
}
