//! The tasks file that comes with the data set.

use super::classes::{CLASS_NAMES, ROOM_NAMES};
use super::picture::DEPTH_UNIT;

/// Text of `tasks.toml`.
pub fn tasks_toml() -> String {
    format!(
        r#"# Rooms drawn by `wgpu-pagcp scenes`: 128 x 96 pictures with labels for five tasks.

[input]
mean = [0.48, 0.45, 0.40]
std = [0.15, 0.15, 0.15]
scale = 0.00392156862745098
color = "rgb"
fit = "stretch"

[data]
train = "train"
val = "val"

[[task]]
name = "segmentation"
kind = "segmentation"
output = "seg"
labels = "seg"
ignore = 255
# Names of the classes, in the order of their numbers.
names = [{classes}]

[[task]]
name = "depth"
kind = "depth"
output = "depth"
labels = "depth"
# Metres per step, along the optical axis; 0 (glass) is not labelled.
unit = {DEPTH_UNIT}

[[task]]
# Right, up, towards the viewer.
name = "normals"
kind = "normals"
output = "normals"
labels = "normals"

[[task]]
# Occlusion boundaries.
name = "edges"
kind = "edges"
output = "edges"
labels = "edges"
positive_weight = 3.0

[[task]]
name = "room"
kind = "classification"
output = "room"
labels = "room"
# Names of the classes, in the order of their numbers.
names = [{rooms}]
"#,
        classes = quoted(&CLASS_NAMES),
        rooms = quoted(&ROOM_NAMES),
    )
}

fn quoted(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
    quoted.join(", ")
}
