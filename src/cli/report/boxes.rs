//! Boxes drawn on a picture.

use super::pictures::class_colour;
use crate::tasks::detection::{Detector, Rect, Truth, suppress};
use image::RgbImage;

/// Boxes that are less sure are not drawn.
const LEAST_SCORE: f64 = 0.25;

/// The picture with the labelled boxes.
pub fn labelled(picture: &RgbImage, labels: &[u32]) -> RgbImage {
    let boxes = Truth::list(labels);
    drawn(picture, boxes.iter().map(|truth| (truth.rect, truth.class)))
}

/// The picture with the boxes that a network found.
pub fn found(picture: &RgbImage, detector: &Detector, output: &[f32]) -> RgbImage {
    let boxes = suppress(detector.found(output, LEAST_SCORE));
    drawn(picture, boxes.iter().map(|found| (found.rect, found.class)))
}

fn drawn(picture: &RgbImage, boxes: impl Iterator<Item = (Rect, usize)>) -> RgbImage {
    let mut picture = picture.clone();
    let (width, height) = picture.dimensions();
    for (rect, class) in boxes {
        let inside = |side: f64, limit: u32| (side.max(0.0) as u32).min(limit - 1);
        let (left, right) = (inside(rect.left, width), inside(rect.right, width));
        let (top, bottom) = (inside(rect.top, height), inside(rect.bottom, height));
        let colour = class_colour(class as u32);
        for x in left..=right {
            picture.put_pixel(x, top, colour);
            picture.put_pixel(x, bottom, colour);
        }
        for y in top..=bottom {
            picture.put_pixel(left, y, colour);
            picture.put_pixel(right, y, colour);
        }
    }
    picture
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_is_drawn_by_its_sides_and_stays_inside() {
        let black = RgbImage::new(6, 4);
        let rect = Rect { left: 1.0, top: -3.0, right: 99.0, bottom: 2.0 };
        let words = Truth { class: 1, rect }.words();
        let picture = labelled(&black, &words);
        let colour = class_colour(1);
        for (x, y, pixel) in picture.enumerate_pixels() {
            let on = (x >= 1 && (y == 0 || y == 2)) || ((x == 1 || x == 5) && y <= 2);
            assert_eq!(*pixel == colour, on, "at {x}, {y}");
        }
    }
}
