//! Pictures on disk: decoded, fitted to an input's size and normalised; plain arrays in `.npy` files.

use super::DataError;
use super::input::{Color, InputFormat, Placement};
use image::imageops::{FilterType, resize};
use image::{DynamicImage, ImageReader, Rgb, RgbImage};
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

/// Decodes a PNG or JPEG file, whatever its name ends in.
pub(super) fn decode(path: &Path) -> Result<DynamicImage, DataError> {
    let read = |source| DataError::read(path, source);
    let reader = ImageReader::open(path).map_err(read)?.with_guessed_format().map_err(read)?;
    reader.decode().map_err(|source| DataError::Decode { path: path.to_owned(), source })
}

impl InputFormat {
    /// Reads a picture as one image `[channels, height, width]` of a graph input, in row-major order.
    ///
    /// # Errors
    /// Names the file that cannot be read or decoded, or that needs a mean or deviation for another number of
    /// channels.
    pub fn read(&self, path: &Path, size: [usize; 3]) -> Result<Vec<f32>, DataError> {
        let picture = decode(path)?.to_rgb8();
        self.convert(&picture, size).map_err(|reason| DataError::content(path, reason))
    }

    fn convert(&self, picture: &RgbImage, [channels, height, width]: [usize; 3]) -> Result<Vec<f32>, String> {
        if channels != 1 && channels != 3 {
            return Err(format!("a picture has 1 or 3 channels, the model's input {channels}"));
        }
        let given = |name: &str, list: &[f32], default: f32| match list.len() {
            0 => Ok(vec![default; channels]),
            n if n == channels => Ok(list.to_vec()),
            n => Err(format!("{name} has {n} numbers, the model's input {channels} channels")),
        };
        let mean = given("mean", &self.mean, 0.0)?;
        let std = given("std", &self.std, 1.0)?;
        let fitted = self.fitted(picture, height as u32, width as u32);
        let mut values = Vec::with_capacity(channels * height * width);
        for channel in 0..channels {
            let normalise = |pixel: f32| (pixel * self.scale - mean[channel]) / std[channel];
            values.extend(fitted.pixels().map(|pixel| normalise(self.value(pixel, channel, channels))));
        }
        Ok(values)
    }

    fn value(&self, pixel: &Rgb<u8>, channel: usize, channels: usize) -> f32 {
        let [red, green, blue] = pixel.0.map(f32::from);
        if channels == 1 {
            return 0.299 * red + 0.587 * green + 0.114 * blue;
        }
        match self.color {
            Color::Rgb => [red, green, blue][channel],
            Color::Bgr => [blue, green, red][channel],
        }
    }

    /// The picture as an input of this size shows it.
    pub(super) fn fitted(&self, picture: &RgbImage, height: u32, width: u32) -> RgbImage {
        if picture.dimensions() == (width, height) {
            return picture.clone();
        }
        let inside = self.placement(picture.dimensions(), (width, height));
        let Placement { left, top, width: inner_width, height: inner_height } = inside;
        let fitted = resize(picture, inner_width, inner_height, FilterType::Triangle);
        if fitted.dimensions() == (width, height) {
            return fitted;
        }
        let pad = self.pad.round().clamp(0.0, 255.0) as u8;
        let mut canvas = RgbImage::from_pixel(width, height, Rgb([pad; 3]));
        image::imageops::replace(&mut canvas, &fitted, i64::from(left), i64::from(top));
        canvas
    }
}

/// Width and height of a picture.
pub(super) fn dimensions(path: &Path) -> Result<(u32, u32), DataError> {
    let read = |source| DataError::read(path, source);
    let reader = ImageReader::open(path).map_err(read)?.with_guessed_format().map_err(read)?;
    reader.into_dimensions().map_err(|source| DataError::Decode { path: path.to_owned(), source })
}

/// Reads a row-major `.npy` file of 32-bit floats: its shape and values.
pub fn read_npy(path: &Path) -> Result<(Vec<usize>, Vec<f32>), DataError> {
    let read = |source| DataError::read(path, source);
    let file = npyz::NpyFile::new(BufReader::new(File::open(path).map_err(read)?)).map_err(read)?;
    if file.order() != npyz::Order::C {
        return Err(DataError::content(path, "expected a row-major (C order) array, found column-major"));
    }
    let shape = file.shape().iter().map(|&side| side as usize).collect();
    let found = file.dtype().descr();
    let values = file.try_data::<f32>().map_err(|_| {
        DataError::content(path, format!("expected 32-bit floats, found elements of type {found}"))
    })?;
    Ok((shape, values.collect::<Result<_, _>>().map_err(read)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tasks::Fit;

    fn picture() -> RgbImage {
        RgbImage::from_fn(4, 2, |x, y| Rgb([10 * x as u8, 100 + y as u8, 200]))
    }

    #[test]
    fn channels_are_planes_in_the_order_asked_for() {
        let format = InputFormat { scale: 1.0, color: Color::Bgr, ..InputFormat::default() };
        let values = format.convert(&picture(), [3, 2, 4]).unwrap();
        assert_eq!(values[..8], [200.0; 8]);
        assert_eq!(values[8..16], [100.0, 100.0, 100.0, 100.0, 101.0, 101.0, 101.0, 101.0]);
        assert_eq!(values[16..20], [0.0, 10.0, 20.0, 30.0]);
    }

    #[test]
    fn the_mean_is_subtracted_after_scaling() {
        let (mean, std) = (vec![0.5; 3], vec![0.25, 0.25, 0.5]);
        let format = InputFormat { scale: 0.01, mean, std, ..InputFormat::default() };
        let values = format.convert(&picture(), [3, 2, 4]).unwrap();
        assert_eq!(values[1], (10.0_f32 * 0.01 - 0.5) / 0.25);
        assert_eq!(values[16], 3.0);
        let message = format.convert(&picture(), [1, 2, 4]).unwrap_err();
        assert!(message.contains("mean has 3 numbers"), "{message}");
    }

    #[test]
    fn a_letterbox_keeps_proportions_and_pads_evenly() {
        let format = InputFormat { scale: 1.0, fit: Fit::Letterbox, ..InputFormat::default() };
        let values = format.convert(&picture(), [3, 4, 4]).unwrap();
        let blue = &values[32..];
        assert_eq!(blue[..4], [114.0; 4]);
        assert_eq!(blue[4..12], [200.0; 8]);
        assert_eq!(blue[12..], [114.0; 4]);
    }
}
