//! Tensors of a file: initialisers and `Constant` values, in the file or beside it. Sizes are checked against the
//! data that is there before anything is allocated.

use crate::onnx::proto::TensorProto;
use crate::onnx::proto::tensor_proto::{DataLocation, DataType};
use crate::tensor::{Data, Tensor};
use half::f16;
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

/// The element type behind its number, where it is one that is read.
fn element_type(number: i32) -> Result<DataType, String> {
    match DataType::try_from(number) {
        Ok(
            data_type @ (DataType::Bool
            | DataType::Uint8
            | DataType::Float16
            | DataType::Float
            | DataType::Int32
            | DataType::Double
            | DataType::Int64),
        ) => Ok(data_type),
        other => {
            let found = other.map_or_else(|_| number.to_string(), |found| found.as_str_name().to_owned());
            Err(format!(
                "element type: expected FLOAT, FLOAT16, DOUBLE, INT64, INT32, UINT8 or BOOL, found {found}"
            ))
        }
    }
}

/// Bytes of one element of the types that are read.
fn width(data_type: DataType) -> usize {
    match data_type {
        DataType::Double | DataType::Int64 => 8,
        DataType::Float | DataType::Int32 => 4,
        DataType::Float16 => 2,
        _ => 1,
    }
}

fn byte_length(data_type: DataType, elements: usize) -> Result<usize, String> {
    let length = elements.checked_mul(width(data_type));
    length.ok_or_else(|| format!("expected a size that can be counted, found {elements} elements"))
}

fn from_bytes(data_type: DataType, bytes: &[u8], elements: usize) -> Result<Data, String> {
    let expected = byte_length(data_type, elements)?;
    if bytes.len() != expected {
        return Err(format!("data: expected {expected} bytes, found {}", bytes.len()));
    }
    Ok(match data_type {
        DataType::Float => Data::F32(words(bytes, f32::from_le_bytes)),
        DataType::Float16 => Data::F32(words(bytes, |word| f16::from_le_bytes(word).to_f32())),
        DataType::Double => Data::F32(narrow(&words(bytes, f64::from_le_bytes))?),
        DataType::Int64 => Data::I64(words(bytes, i64::from_le_bytes)),
        DataType::Int32 => Data::I64(words(bytes, |word| i64::from(i32::from_le_bytes(word)))),
        _ => Data::I64(bytes.iter().map(|&byte| i64::from(byte)).collect()),
    })
}

fn words<const N: usize, T>(bytes: &[u8], read: impl Fn([u8; N]) -> T) -> Vec<T> {
    bytes.as_chunks::<N>().0.iter().map(|&word| read(word)).collect()
}

fn from_fields(data_type: DataType, proto: &TensorProto) -> Result<Data, String> {
    Ok(match data_type {
        DataType::Float => Data::F32(proto.float_data.clone()),
        DataType::Double => Data::F32(narrow(&proto.double_data)?),
        DataType::Int64 => Data::I64(proto.int64_data.clone()),
        DataType::Int32 => Data::I64(proto.int32_data.iter().map(|&value| i64::from(value)).collect()),
        DataType::Float16 => {
            let halves: Result<_, _> = proto.int32_data.iter().map(|&bits| half_float(bits)).collect();
            Data::F32(halves?)
        }
        _ => {
            let bytes: Result<_, _> = proto.int32_data.iter().map(|&value| byte(value)).collect();
            Data::I64(bytes?)
        }
    })
}

fn half_float(bits: i32) -> Result<f32, String> {
    let bits =
        u16::try_from(bits).map_err(|_| format!("expected the 16 bits of a half float, found {bits}"))?;
    Ok(f16::from_bits(bits).to_f32())
}

fn byte(value: i32) -> Result<i64, String> {
    u8::try_from(value)
        .map(i64::from)
        .map_err(|_| format!("expected an element from 0 to 255, found {value}"))
}

fn narrow(values: &[f64]) -> Result<Vec<f32>, String> {
    values
        .iter()
        .map(|&value| match value as f32 {
            narrowed if narrowed.is_infinite() && value.is_finite() => {
                Err(format!("expected an element that fits 32 bits, found {value:e}"))
            }
            narrowed => Ok(narrowed),
        })
        .collect()
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
