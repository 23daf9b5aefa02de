//! Labelled boxes on disk: YOLO text files, a line `class cx cy w h` for each, in shares of the picture's sides.

use super::DataError;
use super::detection::{Rect, Truth};
use std::fs;
use std::path::Path;

/// How far a box may reach outside its picture: such files are written with few digits.
const SLACK: f64 = 1e-3;

/// The label words of a file, for a picture that is at `place` (left, top, width and height) inside the input. An empty
/// file is a picture without boxes.
pub(super) fn read(path: &Path, classes: usize, place: [f64; 4]) -> Result<Vec<u32>, DataError> {
    let text = fs::read_to_string(path).map_err(|source| DataError::read(path, source))?;
    let mut words = Vec::new();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let truth = parse(line, classes, place)
            .map_err(|reason| DataError::content(path, format!("line {}: {reason}", number + 1)))?;
        words.extend(truth.words());
    }
    Ok(words)
}

fn parse(line: &str, classes: usize, [left, top, width, height]: [f64; 4]) -> Result<Truth, String> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let &[class, x, y, w, h] = fields.as_slice() else {
        return Err(format!("expected five fields, class cx cy w h, found {}", fields.len()));
    };
    let number: usize = class.parse().map_err(|_| format!("expected a class, found {class:?}"))?;
    if number >= classes {
        return Err(format!("class {number} is out of range: there are classes 0 to {}", classes - 1));
    }
    let share = |name: &str, text: &str| {
        let value = text.parse::<f64>().ok().filter(|value| (0.0..=1.0 + SLACK).contains(value));
        value.ok_or_else(|| format!("{name} must be a share of the picture from 0 to 1, found {text:?}"))
    };
    let (x, y, w, h) = (share("cx", x)?, share("cy", y)?, share("w", w)?, share("h", h)?);
    if w == 0.0 || h == 0.0 {
        return Err(format!("a box needs a width and a height, found {w} and {h}"));
    }
    let rect = Rect::around([left + x * width, top + y * height], [w * width, h * height]);
    Ok(Truth { class: number, rect })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_follow_the_picture_into_a_letterbox() {
        let truth = parse("1 0.5 0.25 0.5 0.5", 2, [0.0, 140.0, 640.0, 360.0]).unwrap();
        assert_eq!(truth.class, 1);
        assert_eq!(truth.rect, Rect { left: 160.0, top: 140.0, right: 480.0, bottom: 320.0 });
    }

    #[test]
    fn broken_lines_are_explained() {
        let failure = |line: &str| parse(line, 2, [0.0, 0.0, 10.0, 10.0]).unwrap_err();
        assert!(failure("0 0.5 0.5 0.1").contains("five fields"));
        assert!(failure("2 0.5 0.5 0.1 0.1").contains("classes 0 to 1"));
        assert!(failure("x 0.5 0.5 0.1 0.1").contains("expected a class"));
        assert!(failure("-1 0.5 0.5 0.1 0.1").contains("expected a class"));
        assert!(failure("0 0.5 1.5 0.1 0.1").contains("cy must be"));
        assert!(failure("0 nan 0.5 0.1 0.1").contains("cx must be"));
        assert!(failure("0 0.5 0.5 0 0.1").contains("width and a height"));
    }
}
