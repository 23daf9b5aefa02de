//! Element types of tensors: what each becomes, from raw bytes or from the fields of its type.

use crate::onnx::proto::TensorProto;
use crate::onnx::proto::tensor_proto::DataType;
use crate::tensor::Data;
use half::{bf16, f16};

/// The element types that are read, with the bytes of one element.
const WIDTHS: [(DataType, usize); 17] = [
    (DataType::Float, 4),
    (DataType::Float16, 2),
    (DataType::Bfloat16, 2),
    (DataType::Float8e4m3fn, 1),
    (DataType::Float8e4m3fnuz, 1),
    (DataType::Float8e5m2, 1),
    (DataType::Float8e5m2fnuz, 1),
    (DataType::Double, 8),
    (DataType::Int64, 8),
    (DataType::Int32, 4),
    (DataType::Int16, 2),
    (DataType::Int8, 1),
    (DataType::Uint64, 8),
    (DataType::Uint32, 4),
    (DataType::Uint16, 2),
    (DataType::Uint8, 1),
    (DataType::Bool, 1),
];

/// The element type behind its number, where it is one that is read.
pub(super) fn element_type(number: i32) -> Result<DataType, String> {
    let found = DataType::try_from(number);
    let known = |found: &DataType| WIDTHS.iter().any(|(read, _)| read == found);
    if let Some(read) = found.ok().filter(known) {
        return Ok(read);
    }
    let found = found.map_or_else(|_| number.to_string(), |found| found.as_str_name().to_owned());
    let names: Vec<&str> = WIDTHS.iter().map(|(read, _)| read.as_str_name()).collect();
    Err(format!("element type: expected one of {}, found {found}", names.join(", ")))
}

/// Whether elements of the type become floats.
pub(super) fn is_float(data_type: DataType) -> bool {
    WIDTHS[..8].iter().any(|(float, _)| *float == data_type)
}

/// The bytes of `elements` elements.
pub(super) fn byte_length(data_type: DataType, elements: usize) -> Result<usize, String> {
    let width = WIDTHS.iter().find(|(read, _)| *read == data_type).map_or(1, |(_, width)| *width);
    let length = elements.checked_mul(width);
    length.ok_or_else(|| format!("expected a size that can be counted, found {elements} elements"))
}

/// `elements` elements from their little-endian bytes.
pub(super) fn from_bytes(data_type: DataType, bytes: &[u8], elements: usize) -> Result<Data, String> {
    let expected = byte_length(data_type, elements)?;
    if bytes.len() != expected {
        return Err(format!("data: expected {expected} bytes, found {}", bytes.len()));
    }
    Ok(match data_type {
        DataType::Float => Data::F32(words(bytes, f32::from_le_bytes)),
        DataType::Float16 => Data::F32(words(bytes, |word| f16::from_le_bytes(word).to_f32())),
        DataType::Bfloat16 => Data::F32(words(bytes, |word| bf16::from_le_bytes(word).to_f32())),
        DataType::Double => Data::F32(narrow(&words(bytes, f64::from_le_bytes))?),
        DataType::Int64 => Data::I64(words(bytes, i64::from_le_bytes)),
        DataType::Int32 => Data::I64(words(bytes, |word| i64::from(i32::from_le_bytes(word)))),
        DataType::Int16 => Data::I64(words(bytes, |word| i64::from(i16::from_le_bytes(word)))),
        DataType::Int8 => Data::I64(words(bytes, |word| i64::from(i8::from_le_bytes(word)))),
        DataType::Uint64 => Data::I64(signed(&words(bytes, u64::from_le_bytes))?),
        DataType::Uint32 => Data::I64(words(bytes, |word| i64::from(u32::from_le_bytes(word)))),
        DataType::Uint16 => Data::I64(words(bytes, |word| i64::from(u16::from_le_bytes(word)))),
        other => match float8(other) {
            Some(read) => Data::F32(bytes.iter().map(|&bits| read(bits)).collect()),
            None => Data::I64(bytes.iter().map(|&byte| i64::from(byte)).collect()),
        },
    })
}

fn words<const N: usize, T>(bytes: &[u8], read: impl Fn([u8; N]) -> T) -> Vec<T> {
    bytes.as_chunks::<N>().0.iter().map(|&word| read(word)).collect()
}

/// The elements from the field that ONNX has for their type.
pub(super) fn from_fields(data_type: DataType, proto: &TensorProto) -> Result<Data, String> {
    let ints = |least: i32, most: i32| -> Result<Vec<i64>, String> {
        let within = |&value: &i32| match (least..=most).contains(&value) {
            true => Ok(i64::from(value)),
            false => Err(format!("expected an element from {least} to {most}, found {value}")),
        };
        proto.int32_data.iter().map(within).collect()
    };
    Ok(match data_type {
        DataType::Float => Data::F32(proto.float_data.clone()),
        DataType::Double => Data::F32(narrow(&proto.double_data)?),
        DataType::Int64 => Data::I64(proto.int64_data.clone()),
        DataType::Int32 => Data::I64(ints(i32::MIN, i32::MAX)?),
        DataType::Int16 => Data::I64(ints(-0x8000, 0x7fff)?),
        DataType::Int8 => Data::I64(ints(-0x80, 0x7f)?),
        DataType::Uint16 => Data::I64(ints(0, 0xffff)?),
        DataType::Uint32 | DataType::Uint64 => Data::I64(signed(&proto.uint64_data)?),
        DataType::Float16 => Data::F32(halves(&proto.int32_data, |bits| f16::from_bits(bits).to_f32())?),
        DataType::Bfloat16 => Data::F32(halves(&proto.int32_data, |bits| bf16::from_bits(bits).to_f32())?),
        other => {
            let bytes = ints(0, 0xff)?;
            match float8(other) {
                Some(read) => Data::F32(bytes.iter().map(|&bits| read(bits as u8)).collect()),
                None => Data::I64(bytes),
            }
        }
    })
}

fn halves(elements: &[i32], read: impl Fn(u16) -> f32) -> Result<Vec<f32>, String> {
    let half = |&bits: &i32| match u16::try_from(bits) {
        Ok(bits) => Ok(read(bits)),
        Err(_) => Err(format!("expected the 16 bits of a half float, found {bits}")),
    };
    elements.iter().map(half).collect()
}

fn signed(values: &[u64]) -> Result<Vec<i64>, String> {
    let fit = |&value: &u64| {
        i64::try_from(value).map_err(|_| format!("expected an element below 2^63, found {value}"))
    };
    values.iter().map(fit).collect()
}

fn narrow(values: &[f64]) -> Result<Vec<f32>, String> {
    let narrow = |&value: &f64| match value as f32 {
        narrowed if narrowed.is_infinite() && value.is_finite() => {
            Err(format!("expected an element that fits 32 bits, found {value:e}"))
        }
        narrowed => Ok(narrowed),
    };
    values.iter().map(narrow).collect()
}

/// How a float of 8 bits is read, where `data_type` is one.
fn float8(data_type: DataType) -> Option<fn(u8) -> f32> {
    match data_type {
        DataType::Float8e4m3fn => Some(|bits| match bits & 0x7f {
            0x7f => f32::NAN,
            _ => small(bits, 3, 7),
        }),
        DataType::Float8e4m3fnuz => Some(|bits| if bits == 0x80 { f32::NAN } else { small(bits, 3, 8) }),
        DataType::Float8e5m2 => Some(|bits| match bits & 0x7f {
            0x7c => f32::INFINITY.copysign(small(bits, 2, 15)),
            0x7d.. => f32::NAN,
            _ => small(bits, 2, 15),
        }),
        DataType::Float8e5m2fnuz => Some(|bits| if bits == 0x80 { f32::NAN } else { small(bits, 2, 16) }),
        _ => None,
    }
}

/// A finite float of 8 bits with `digits` bits of mantissa.
fn small(bits: u8, digits: i32, bias: i32) -> f32 {
    let exponent = i32::from(bits & 0x7f) >> digits;
    let mantissa = f32::from(bits & ((1 << digits) - 1));
    let whole = if exponent == 0 { 0.0 } else { 2.0_f32.powi(digits) };
    let magnitude = (whole + mantissa) * 2.0_f32.powi(exponent.max(1) - bias - digits);
    if bits & 0x80 == 0 { magnitude } else { -magnitude }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(data_type: DataType, bytes: &[u8], elements: usize) -> Data {
        let raw = from_bytes(data_type, bytes, elements).expect("the bytes are whole");
        if bytes.len() == elements && data_type != DataType::Int8 {
            let int32_data = bytes.iter().map(|&byte| i32::from(byte)).collect();
            let proto = TensorProto { int32_data, ..TensorProto::default() };
            let fields = from_fields(data_type, &proto).expect("the elements are in range");
            assert_eq!(format!("{fields:?}"), format!("{raw:?}"), "{data_type:?}");
        }
        raw
    }

    #[test]
    fn small_floats() {
        let cases: [(DataType, &[u8], &[f32]); 5] = [
            (DataType::Bfloat16, &[0x80, 0x3f, 0x20, 0xc1], &[1.0, -10.0]),
            (DataType::Float8e4m3fn, &[0x38, 0x01, 0x7e, 0xb8], &[1.0, 0.001_953_125, 448.0, -1.0]),
            (DataType::Float8e4m3fnuz, &[0x40, 0x7f, 0x00], &[1.0, 240.0, 0.0]),
            (
                DataType::Float8e5m2,
                &[0x3c, 0x7b, 0x7c, 0xfc],
                &[1.0, 57344.0, f32::INFINITY, f32::NEG_INFINITY],
            ),
            (DataType::Float8e5m2fnuz, &[0x40, 0x7f], &[1.0, 57344.0]),
        ];
        for (data_type, bytes, expected) in cases {
            assert_eq!(read(data_type, bytes, expected.len()), Data::F32(expected.to_vec()), "{data_type:?}");
        }
        for (data_type, bits) in [
            (DataType::Float8e4m3fn, 0x7f),
            (DataType::Float8e4m3fnuz, 0x80),
            (DataType::Float8e5m2, 0xfe),
            (DataType::Float8e5m2fnuz, 0x80),
        ] {
            assert!(matches!(&read(data_type, &[bits], 1), Data::F32(values) if values[0].is_nan()));
        }
    }

    #[test]
    fn integers_of_every_sign_and_width() {
        let cases: [(DataType, &[u8], [i64; 2]); 5] = [
            (DataType::Int8, &[0xff, 3], [-1, 3]),
            (DataType::Int16, &[0xfe, 0xff, 3, 0], [-2, 3]),
            (DataType::Uint16, &[0xfe, 0xff, 3, 0], [65534, 3]),
            (DataType::Uint32, &[0xff, 0xff, 0xff, 0xff, 3, 0, 0, 0], [4_294_967_295, 3]),
            (DataType::Uint64, &[4, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0], [4, 3]),
        ];
        for (data_type, bytes, expected) in cases {
            assert_eq!(read(data_type, bytes, 2), Data::I64(expected.to_vec()), "{data_type:?}");
        }
        let unsigned = TensorProto { uint64_data: vec![7, u64::MAX], ..TensorProto::default() };
        let error = from_fields(DataType::Uint64, &unsigned).expect_err("it is too large");
        assert_eq!(error, format!("expected an element below 2^63, found {}", u64::MAX));
    }
}
