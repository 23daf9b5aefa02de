//! Reading and writing ONNX files.
//!
//! `proto.rs` is generated and checked in, so that building this crate needs no protobuf compiler. To make it again:
//! take `onnx.proto` from the Python package `onnx` (1.23.2), compile it to a descriptor set with `protox`, drop
//! what is not read here (training, functions, devices, sparse tensors, quantisation annotations, segments, all
//! types but tensors, `doc_string`, `metadata_props`, `ref_attr_name`, `overload`, `denotation`, the two enums of the
//! file itself), give `sparse_initializer` the type `bytes` since it is only counted, and pass the set to
//! `prost_build::Config::compile_fds` with comments disabled.

mod elements;
mod error;
mod export;
mod import;
mod proto;

pub use error::{Missing, OnnxError};
pub use export::{encode, save};
pub use import::{load, parse};

/// The operator sets that are read: those of the default domain from opset 11, in which Clip, Pad and Resize took
/// their inputs of today, to opset 21.
pub const OPSETS: std::ops::RangeInclusive<i64> = 11..=21;

/// What opset 17 and 19 files declare as their IR version; every runtime since 2021 reads it.
const IR_VERSION: i64 = 8;

#[cfg(test)]
mod tests;
