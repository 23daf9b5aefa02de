//! Tensors of a file: initialisers and `Constant` values, in the file or beside it. Sizes are checked against the
//! data that is there before anything is allocated.

use super::elements::{byte_length, element_type, from_bytes, from_fields};
use crate::onnx::proto::TensorProto;
use crate::onnx::proto::tensor_proto::DataLocation;
use crate::tensor::Tensor;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Component, Path};

/// The tensor; `folder` is where external data lies.
pub(super) fn tensor(proto: &TensorProto, folder: Option<&Path>) -> Result<Tensor, String> {
    let (shape, elements) = dimensions(&proto.dims)?;
    let data_type = element_type(proto.data_type())?;
    let data = match proto.data_location() {
        DataLocation::External => {
            let bytes = external(proto, byte_length(data_type, elements)?, folder)?;
            from_bytes(data_type, &bytes, elements)?
        }
        DataLocation::Default => match &proto.raw_data {
            Some(bytes) => from_bytes(data_type, bytes, elements)?,
            None => from_fields(data_type, proto)?,
        },
    };
    Tensor::new(shape, data).map_err(|error| error.to_string())
}

fn dimensions(dims: &[i64]) -> Result<(Vec<usize>, usize), String> {
    let bad = || format!("dimensions: expected sizes that can be counted, found {dims:?}");
    let mut elements = 1_usize;
    let mut shape = Vec::with_capacity(dims.len());
    for &dim in dims {
        let size = usize::try_from(dim).map_err(|_| bad())?;
        elements = elements.checked_mul(size).ok_or_else(bad)?;
        shape.push(size);
    }
    Ok((shape, elements))
}

fn external(proto: &TensorProto, expected: usize, folder: Option<&Path>) -> Result<Vec<u8>, String> {
    let entry =
        |key: &str| proto.external_data.iter().find(|entry| entry.key() == key).map(|entry| entry.value());
    let number = |key: &str| match entry(key) {
        None => Ok(None),
        Some(text) => match text.parse::<u64>() {
            Ok(number) => Ok(Some(number)),
            Err(_) => Err(format!("external data {key}: expected a number of bytes, found {text:?}")),
        },
    };
    let location = entry("location").ok_or("external data: expected a location, found none")?;
    let folder = folder.ok_or("external data: expected a model on disk, found one in memory")?;
    let (offset, length) = (number("offset")?.unwrap_or(0), number("length")?);
    if let Some(length) = length.filter(|&length| length != expected as u64) {
        return Err(format!(
            "external data {location}: expected a length of {expected} bytes, found {length}"
        ));
    }
    let mut file = open_inside(folder, location)?;
    let fail = |error: std::io::Error| format!("external data {location}: cannot be read: {error}");
    let size = file.metadata().map_err(fail)?.len();
    if offset.checked_add(expected as u64).is_none_or(|end| end > size) {
        return Err(format!(
            "external data {location}: expected {expected} bytes from byte {offset} on, found a file of {size}"
        ));
    }
    let mut bytes = vec![0; expected];
    file.seek(SeekFrom::Start(offset)).map_err(fail)?;
    file.read_exact(&mut bytes).map_err(fail)?;
    Ok(bytes)
}

/// Opens `location`, which must lie in `folder`, links followed.
fn open_inside(folder: &Path, location: &str) -> Result<File, String> {
    let outside = || format!("external data: expected a file in the model's folder, found {location:?}");
    let relative = Path::new(location);
    let plain = relative.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    if !plain || location.is_empty() {
        return Err(outside());
    }
    let fail = |error: std::io::Error| format!("external data {location}: cannot be read: {error}");
    let folder = folder.canonicalize().map_err(fail)?;
    let path = folder.join(relative).canonicalize().map_err(fail)?;
    if !path.starts_with(&folder) {
        return Err(outside());
    }
    if !path.metadata().map_err(fail)?.is_file() {
        return Err(format!("external data {location}: expected a file, found something else"));
    }
    File::open(path).map_err(fail)
}
