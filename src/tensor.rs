//! Host tensors: a shape and row-major data.

use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// How numbers are stored on a device. Sums are `f32` either way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Dtype {
    /// 32 bits.
    #[default]
    F32,
    /// 16 bits: half the memory and traffic of values and weights, 11 bits of precision, at most 65504.
    F16,
}

impl Dtype {
    /// The number that is stored of `float`.
    pub fn round(self, float: f32) -> f32 {
        match self {
            Self::F32 => float,
            Self::F16 => half::f16::from_f32(float).to_f32(),
        }
    }
}

impl fmt::Display for Dtype {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
        })
    }
}

impl FromStr for Dtype {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "f32" => Ok(Self::F32),
            "f16" => Ok(Self::F16),
            _ => Err(format!("expected f32 or f16, found {text}")),
        }
    }
}

/// Row-major element storage. Half floats are widened, booleans and narrow integers become `I64`.
#[derive(Clone, Debug, PartialEq)]
pub enum Data {
    /// 32-bit floats.
    F32(Vec<f32>),
    /// Integers: shapes, indices, class labels.
    I64(Vec<i64>),
}

/// A host tensor; the number of elements always equals the product of `shape`.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    shape: Vec<usize>,
    data: Data,
}

/// Why a tensor could not be made or read.
#[derive(Debug, Error, PartialEq)]
pub enum TensorError {
    /// The data length is not the product of the dimensions.
    #[error("shape {shape:?} needs {expected} elements, found {found}")]
    Length {
        /// The dimensions asked for.
        shape: Vec<usize>,
        /// Their product.
        expected: usize,
        /// The data's length.
        found: usize,
    },
    /// Floats were expected and integers found, or the reverse.
    #[error("expected a tensor of {expected}, found one of {found}")]
    Type {
        /// The element type asked for.
        expected: &'static str,
        /// The element type there.
        found: &'static str,
    },
}

impl Data {
    fn len(&self) -> usize {
        match self {
            Self::F32(values) => values.len(),
            Self::I64(values) => values.len(),
        }
    }

    fn type_name(&self) -> &'static str {
        match self {
            Self::F32(_) => "float32",
            Self::I64(_) => "int64",
        }
    }
}

impl Tensor {
    /// A tensor of `shape` (empty for a scalar) over `data` in row-major order.
    pub fn new(shape: Vec<usize>, data: Data) -> Result<Self, TensorError> {
        let expected = count(&shape);
        if data.len() != expected {
            return Err(TensorError::Length { shape, expected, found: data.len() });
        }
        Ok(Self { shape, data })
    }

    /// A float tensor.
    pub fn from_f32(shape: Vec<usize>, values: Vec<f32>) -> Result<Self, TensorError> {
        Self::new(shape, Data::F32(values))
    }

    /// An integer tensor.
    pub fn from_i64(shape: Vec<usize>, values: Vec<i64>) -> Result<Self, TensorError> {
        Self::new(shape, Data::I64(values))
    }

    /// The dimensions, outermost first.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The elements.
    pub fn data(&self) -> &Data {
        &self.data
    }

    /// The number of elements.
    pub fn len(&self) -> usize {
        self.data.len()
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The floats, or an error naming the type found.
    pub fn f32s(&self) -> Result<&[f32], TensorError> {
        match &self.data {
            Data::F32(values) => Ok(values),
            Data::I64(_) => Err(TensorError::Type { expected: "float32", found: self.data.type_name() }),
        }
    }

    /// The integers, or an error naming the type found.
    pub fn i64s(&self) -> Result<&[i64], TensorError> {
        match &self.data {
            Data::I64(values) => Ok(values),
            Data::F32(_) => Err(TensorError::Type { expected: "int64", found: self.data.type_name() }),
        }
    }

    /// The same elements under other dimensions.
    pub fn reshaped(self, shape: Vec<usize>) -> Result<Self, TensorError> {
        Self::new(shape, self.data)
    }

    /// Takes the entries `indices` of dimension `axis`, in that order (ONNX `Gather` with a flat index list).
    ///
    /// # Panics
    /// If `axis` or an index lies outside the tensor.
    pub fn select(&self, axis: usize, indices: &[usize]) -> Self {
        let inner = count(&self.shape[axis + 1..]);
        let outer = count(&self.shape[..axis]);
        let extent = self.shape[axis];
        let mut shape = self.shape.clone();
        shape[axis] = indices.len();
        let rows = |o: usize| indices.iter().map(move |&i| (o * extent + i) * inner);
        let data = match &self.data {
            Data::F32(v) => Data::F32(
                (0..outer).flat_map(rows).flat_map(|at| v[at..at + inner].iter().copied()).collect(),
            ),
            Data::I64(v) => Data::I64(
                (0..outer).flat_map(rows).flat_map(|at| v[at..at + inner].iter().copied()).collect(),
            ),
        };
        Self { shape, data }
    }
}

/// The number of elements of a shape; 1 for a scalar.
pub fn count(shape: &[usize]) -> usize {
    shape.iter().product()
}
