//! How a picture becomes a graph input, as a tasks file says it.

use serde::Deserialize;

/// How a picture becomes a graph input.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct InputFormat {
    /// Subtracted from each scaled channel, in the order of the input's channels; zeros where empty.
    pub mean: Vec<f32>,
    /// Divides each channel after the mean is subtracted; ones where empty.
    pub std: Vec<f32>,
    /// Multiplies pixel values 0 to 255.
    pub scale: f32,
    /// The channel order.
    pub color: Color,
    /// How a picture of another size is fitted.
    pub fit: Fit,
    /// Where a letterboxed picture is.
    pub align: Align,
    /// The pixel value around a letterboxed picture.
    pub pad: f32,
    /// The folder of the pictures inside a split.
    pub images: String,
}

/// The order of an input's colour channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Color {
    /// Red first.
    Rgb,
    /// Blue first.
    Bgr,
}

/// How a picture is brought to the input's size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fit {
    /// Both sides are scaled to the input's.
    Stretch,
    /// Scaled with its proportions kept, the rest filled.
    Letterbox,
}

/// Where a letterboxed picture is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Align {
    /// In the middle, as YOLOv5 and YOLOv8 have it.
    Centre,
    /// In the upper left corner, as YOLOX has it.
    Corner,
}

/// Where a fitted picture is inside the input, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Placement {
    pub left: u32,
    pub top: u32,
    pub width: u32,
    pub height: u32,
}

impl Default for InputFormat {
    fn default() -> Self {
        Self {
            mean: Vec::new(),
            std: Vec::new(),
            scale: 1.0 / 255.0,
            color: Color::Rgb,
            fit: Fit::Stretch,
            align: Align::Centre,
            pad: 114.0,
            images: "images".into(),
        }
    }
}

impl InputFormat {
    /// Where a picture of `(width, height)` pixels goes in an input of `(width, height)` pixels.
    pub(super) fn placement(&self, picture: (u32, u32), (width, height): (u32, u32)) -> Placement {
        if self.fit == Fit::Stretch {
            return Placement { left: 0, top: 0, width, height };
        }
        let (w, h) = (f64::from(picture.0), f64::from(picture.1));
        let scale = (f64::from(width) / w).min(f64::from(height) / h);
        let inner = |side: f64, limit: u32| ((side * scale).round() as u32).clamp(1, limit);
        let (inner_width, inner_height) = (inner(w, width), inner(h, height));
        let (left, top) = match self.align {
            Align::Centre => ((width - inner_width) / 2, (height - inner_height) / 2),
            Align::Corner => (0, 0),
        };
        Placement { left, top, width: inner_width, height: inner_height }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letterbox_keeps_proportions_wherever_it_is() {
        let mut format = InputFormat { fit: Fit::Letterbox, ..InputFormat::default() };
        let placed = |format: &InputFormat, picture| {
            let Placement { left, top, width, height } = format.placement(picture, (640, 640));
            [left, top, width, height]
        };
        assert_eq!(placed(&format, (1280, 720)), [0, 140, 640, 360]);
        assert_eq!(placed(&format, (100, 200)), [160, 0, 320, 640]);
        assert_eq!(placed(&format, (3, 4000)), [319, 0, 1, 640]);
        format.align = Align::Corner;
        assert_eq!(placed(&format, (1280, 720)), [0, 0, 640, 360]);
        format.fit = Fit::Stretch;
        assert_eq!(placed(&format, (1280, 720)), [0, 0, 640, 640]);
    }
}
