//! Host arrays in f64.

use crate::tensor::{Data, Tensor, TensorError, count};

/// A row-major array; `data` has as many elements as the product of `shape`.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// The dimensions, outermost first; empty for a scalar.
    pub shape: Vec<usize>,
    /// The elements.
    pub data: Vec<f64>,
}

impl Array {
    /// An array, or an error where the length does not fit the shape.
    pub fn new(shape: Vec<usize>, data: Vec<f64>) -> Result<Self, TensorError> {
        let expected = count(&shape);
        if data.len() != expected {
            return Err(TensorError::Length { shape, expected, found: data.len() });
        }
        Ok(Self { shape, data })
    }

    /// An array of floats, or an error where the length does not fit the shape.
    pub fn from_f32(shape: Vec<usize>, data: &[f32]) -> Result<Self, TensorError> {
        Self::new(shape, data.iter().copied().map(f64::from).collect())
    }

    /// An array of one repeated value.
    pub fn filled(shape: Vec<usize>, value: f64) -> Self {
        let data = vec![value; count(&shape)];
        Self { shape, data }
    }

    /// The elements rounded to `f32`.
    pub fn to_f32(&self) -> Vec<f32> {
        self.data.iter().map(|&x| x as f32).collect()
    }

    /// The array rounded to a float tensor.
    pub fn to_tensor(&self) -> Tensor {
        Tensor::from_f32(self.shape.clone(), self.to_f32()).expect("an array holds what its shape says")
    }

    /// `f` of every element.
    pub fn map(&self, f: impl Fn(f64) -> f64) -> Self {
        Self { shape: self.shape.clone(), data: self.data.iter().map(|&x| f(x)).collect() }
    }

    /// The absolute values.
    pub fn abs(&self) -> Self {
        self.map(f64::abs)
    }

    /// `f` of every pair of elements of two arrays of one shape.
    ///
    /// # Panics
    /// If the shapes differ.
    pub fn zip(&self, other: &Self, f: impl Fn(f64, f64) -> f64) -> Self {
        assert_eq!(self.shape, other.shape, "paired arrays have one shape");
        let data = self.data.iter().zip(&other.data).map(|(&a, &b)| f(a, b)).collect();
        Self { shape: self.shape.clone(), data }
    }

    /// The dimensions of an image.
    ///
    /// # Panics
    /// If the rank is not 4.
    pub(super) fn image(&self) -> [usize; 4] {
        self.shape[..].try_into().expect("images have rank 4 [N, C, H, W]")
    }
}

impl From<&Tensor> for Array {
    fn from(tensor: &Tensor) -> Self {
        let data = match tensor.data() {
            Data::F32(values) => values.iter().copied().map(f64::from).collect(),
            Data::I64(values) => values.iter().map(|&x| x as f64).collect(),
        };
        Self { shape: tensor.shape().to_vec(), data }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_length_is_an_error() {
        let error = Array::new(vec![2, 3], vec![0.0; 5]).unwrap_err();
        assert_eq!(error.to_string(), "shape [2, 3] needs 6 elements, found 5");
    }

    #[test]
    fn tensors_survive_the_way_through_f64() {
        let tensor = Tensor::from_f32(vec![3], vec![0.1, -2.5, f32::MIN_POSITIVE]).unwrap();
        assert_eq!(Array::from(&tensor).to_tensor(), tensor);
    }
}
