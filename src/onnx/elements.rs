//! Element types of graph inputs and outputs, as files number them.

use super::proto::tensor_proto::DataType;
use super::proto::{ValueInfoProto, type_proto};
use crate::graph::ElementType;

const NUMBERS: [(ElementType, DataType); 13] = [
    (ElementType::F32, DataType::Float),
    (ElementType::F16, DataType::Float16),
    (ElementType::Bf16, DataType::Bfloat16),
    (ElementType::F64, DataType::Double),
    (ElementType::I8, DataType::Int8),
    (ElementType::I16, DataType::Int16),
    (ElementType::I32, DataType::Int32),
    (ElementType::I64, DataType::Int64),
    (ElementType::U8, DataType::Uint8),
    (ElementType::U16, DataType::Uint16),
    (ElementType::U32, DataType::Uint32),
    (ElementType::U64, DataType::Uint64),
    (ElementType::Bool, DataType::Bool),
];

/// What a file declares, where values can be so.
pub(super) fn declared(info: &ValueInfoProto) -> Option<ElementType> {
    let type_proto::Value::TensorType(tensor) = info.r#type.as_ref()?.value.as_ref()?;
    NUMBERS.iter().find(|(_, number)| *number as i32 == tensor.elem_type()).map(|(element, _)| *element)
}

/// The number of a type.
pub(super) fn data_type(element: ElementType) -> DataType {
    NUMBERS.iter().find(|(known, _)| *known == element).map_or(DataType::Float, |(_, number)| *number)
}
