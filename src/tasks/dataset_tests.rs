//! Tests of data sets on disk, on small ones written for the purpose.

use super::*;
use crate::tasks::UNLABELLED;
use image::{GrayImage, ImageBuffer, Luma, Rgb, RgbImage};
use tempfile::TempDir;

const TASKS: &str = r#"
[data]
train = "train"
val = "val"
[[task]]
name = "seg"
kind = "segmentation"
output = "seg"
labels = "seg"
ignore = 255
[[task]]
name = "depth"
kind = "depth"
output = "depth"
labels = "depth"
unit = 0.5
[[task]]
name = "normals"
kind = "normals"
output = "normals"
labels = "normals"
[[task]]
name = "edges"
kind = "edges"
output = "edges"
labels = "edges"
[[task]]
name = "room"
kind = "classification"
output = "room"
labels = "room"
[[task]]
name = "tags"
kind = "multilabel"
output = "tags"
labels = "tags"
[[task]]
name = "age"
kind = "regression"
output = "age"
labels = "age"
"#;

fn model() -> Signature {
    let dense = |name: &str, channels| (name.to_owned(), vec![1, channels, 2, 3]);
    let flat = |name: &str, channels| (name.to_owned(), vec![1, channels]);
    Signature {
        inputs: vec![dense("x", 3)],
        outputs: vec![
            dense("seg", 4),
            dense("depth", 1),
            dense("normals", 3),
            dense("edges", 1),
            flat("room", 3),
            flat("tags", 2),
            flat("age", 1),
        ],
    }
}

/// A complete data set of pictures `a`, `b` and `c`.
fn write() -> TempDir {
    let root = tempfile::tempdir().unwrap();
    let split = root.path().join("train");
    for folder in ["images", "seg", "depth", "normals", "edges", "age"] {
        fs::create_dir_all(split.join(folder)).unwrap();
    }
    for stem in ["b", "a", "c"] {
        let file = |folder: &str| split.join(folder).join(format!("{stem}.png"));
        RgbImage::from_pixel(3, 2, Rgb([255, 0, 51])).save(file("images")).unwrap();
        let classes = vec![0, 1, 2, 3, 255, 0];
        GrayImage::from_vec(3, 2, classes).unwrap().save(file("seg")).unwrap();
        let steps: Vec<u16> = vec![0, 1, 2, 3, 1000, 5];
        ImageBuffer::<Luma<u16>, _>::from_vec(3, 2, steps).unwrap().save(file("depth")).unwrap();
        let mut normals = RgbImage::from_pixel(3, 2, Rgb([255, 128, 128]));
        normals.put_pixel(1, 0, Rgb([0, 0, 0]));
        normals.save(file("normals")).unwrap();
        GrayImage::from_vec(3, 2, vec![0, 127, 128, 255, 0, 0]).unwrap().save(file("edges")).unwrap();
    }
    fs::write(split.join("room.csv"), "a,0\nb,1\n\nc,2\n").unwrap();
    fs::write(split.join("tags.csv"), "a,0,1\nb,1,1\nc,0,0\n").unwrap();
    fs::write(split.join("age.csv"), "a,0.5\nb,1e1\nc,-3\n").unwrap();
    fs::write(root.path().join("tasks.toml"), TASKS).unwrap();
    root
}

fn open(root: &TempDir) -> Result<Dataset, DataError> {
    Dataset::open(&TasksFile::read(&root.path().join("tasks.toml"))?, "train", &model())
}

fn failure(root: &TempDir) -> String {
    let loaded = open(root).and_then(|set| set.load(0..3));
    loaded.expect_err("the data set is broken").to_string()
}

#[test]
fn pictures_and_labels_are_read_in_the_order_of_their_names() {
    let root = write();
    let set = open(&root).unwrap();
    assert_eq!(set.stems(), ["a", "b", "c"]);
    let samples = set.load(1..3).unwrap();
    assert_eq!(samples.inputs[0].len(), 2);
    let (red, green, blue) = ([1.0; 6], [0.0; 6], [51.0 * (1.0_f32 / 255.0); 6]);
    assert_eq!(samples.inputs[0][0], [red, green, blue].concat());
    assert_eq!(samples.labels[0][0], [0, 1, 2, 3, UNLABELLED, 0]);
    let metres = |x: f32| x.to_bits();
    let depth = [UNLABELLED, metres(0.5), metres(1.0), metres(1.5), metres(500.0), metres(2.5)];
    assert_eq!(samples.labels[1][0], depth);
    let normals = &samples.labels[2][0];
    assert_eq!([normals[1], normals[7], normals[13]], [UNLABELLED; 3]);
    let length: f64 = [0, 6, 12].iter().map(|&at| f64::from(f32::from_bits(normals[at])).powi(2)).sum();
    assert!((length - 1.0).abs() < 1e-6, "{length}");
    assert_eq!(samples.labels[3][0], [0, 0, 1, 1, 0, 0]);
    assert_eq!(samples.labels[4], [[1], [2]]);
    assert_eq!(samples.labels[5], [[1, 1], [0, 0]]);
    assert_eq!(samples.labels[6], [[metres(10.0)], [metres(-3.0)]]);
}

#[test]
fn a_subset_follows_from_its_seed_and_keeps_the_order() {
    let root = write();
    let choose = |images, seed| {
        let mut set = open(&root).unwrap();
        set.subset(images, seed);
        set.stems().to_vec()
    };
    assert_eq!(choose(2, 7), choose(2, 7));
    assert_eq!(choose(9, 7), ["a", "b", "c"]);
    let mut seen = std::collections::BTreeSet::new();
    for seed in 0..50 {
        let stems = choose(2, seed);
        assert!(stems.is_sorted() && stems.len() == 2);
        seen.insert(stems);
    }
    assert_eq!(seen.len(), 3);
}

#[test]
fn a_missing_label_is_named() {
    let root = write();
    fs::remove_file(root.path().join("train/edges/b.png")).unwrap();
    let message = failure(&root);
    assert!(message.contains("edges/b.png") && message.contains("missing"), "{message}");
    let root = write();
    fs::write(root.path().join("train/room.csv"), "a,0\nc,1").unwrap();
    let message = failure(&root);
    assert!(message.contains("room.csv") && message.contains("picture b"), "{message}");
}

#[test]
fn a_label_of_the_wrong_size_is_named() {
    let root = write();
    let path = root.path().join("train/seg/c.png");
    GrayImage::new(6, 4).save(&path).unwrap();
    let message = failure(&root);
    assert!(message.contains("seg/c.png") && message.contains("3x2"), "{message}");
    assert!(message.contains("found 6x4"), "{message}");
}

#[test]
fn a_class_out_of_range_is_named_with_its_pixel() {
    let root = write();
    let path = root.path().join("train/seg/a.png");
    GrayImage::from_vec(3, 2, vec![0, 0, 0, 0, 4, 0]).unwrap().save(&path).unwrap();
    let message = failure(&root);
    assert!(message.contains("seg/a.png: class 4 at pixel (1, 1)"), "{message}");
    let root = write();
    fs::write(root.path().join("train/room.csv"), "a,0\nb,3\nc,1").unwrap();
    let message = failure(&root);
    assert!(message.contains("room.csv: line 2, b: expected a class from 0 to 2"), "{message}");
}

#[test]
fn label_pictures_of_another_type_are_refused() {
    for (folder, expected) in [("seg", "grey PNG"), ("depth", "16-bit"), ("edges", "8-bit grey")] {
        let root = write();
        let path = root.path().join(format!("train/{folder}/a.png"));
        RgbImage::new(3, 2).save(&path).unwrap();
        let message = failure(&root);
        assert!(message.contains(&format!("{folder}/a.png")) && message.contains(expected), "{message}");
    }
}

#[test]
fn arrays_may_stand_for_depth_and_numbers() {
    let root = write();
    let split = root.path().join("train");
    let array = |path: PathBuf, shape: &str, values: &[f32]| {
        let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}");
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16 + 1).to_le_bytes());
        bytes.extend(header.bytes().chain([b'\n']));
        bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        fs::write(path, bytes).unwrap();
    };
    array(split.join("depth/a.npy"), "(2, 3)", &[0.0, 1.0, f32::NAN, 2.0, 3.0, 4.0]);
    fs::remove_file(split.join("age.csv")).unwrap();
    for stem in ["a", "b", "c"] {
        array(split.join(format!("age/{stem}.npy")), "(1,)", &[0.25]);
    }
    let samples = open(&root).unwrap().load(0..3).unwrap();
    let metres = |x: f32| x.to_bits();
    let depth = [UNLABELLED, metres(1.0), UNLABELLED, metres(2.0), metres(3.0), metres(4.0)];
    assert_eq!(samples.labels[1][0], depth);
    assert_eq!(samples.labels[6][2], [metres(0.25)]);
    array(split.join("depth/a.npy"), "(3, 2)", &[1.0; 6]);
    let message = failure(&root);
    assert!(message.contains("depth/a.npy") && message.contains("[1, 2, 3]"), "{message}");
    array(split.join("depth/a.npy"), "(2, 3)", &[1.0, 1.0, 1.0, 1.0, -1.0, 1.0]);
    let message = failure(&root);
    assert!(message.contains("depth -1 at pixel (1, 1)"), "{message}");
}

#[test]
fn tasks_are_checked_against_the_model() {
    let root = write();
    let path = root.path().join("tasks.toml");
    fs::write(&path, TASKS.replace("output = \"seg\"", "output = \"segments\"")).unwrap();
    let message = failure(&root);
    assert!(message.contains("no output segments") && message.contains("normals"), "{message}");
    fs::write(&path, TASKS.replace("output = \"depth\"", "output = \"seg\"")).unwrap();
    let message = failure(&root);
    assert!(message.contains("task depth, output seg") && message.contains("found 4 channels"), "{message}");
    fs::write(&path, TASKS.replace("unit = 0.5", "")).unwrap();
    let message = failure(&root);
    assert!(message.contains("depth/a.png") && message.contains("needs unit"), "{message}");
}

/// A detector on a letterboxed picture of 64 by 32 pixels.
fn write_boxes(input: &str, label: &str) -> Result<Samples, DataError> {
    let root = tempfile::tempdir().unwrap();
    let split = root.path().join("train");
    fs::create_dir_all(split.join("images")).unwrap();
    fs::create_dir_all(split.join("boxes")).unwrap();
    RgbImage::from_pixel(64, 32, Rgb([255, 255, 255])).save(split.join("images/a.png")).unwrap();
    fs::write(split.join("boxes/a.txt"), label).unwrap();
    let tasks = format!(
        "[input]\n{input}\n[data]\ntrain = \"train\"\nval = \"val\"\n[[task]]\nname = \"d\"\nkind = \"detection\"\n\
         family = \"yolov8\"\noutput = \"d\"\nstrides = [8]\nclasses = 2\nlabels = \"boxes\"\nlimit = 0.1\nlimit_class = 0.2\n"
    );
    fs::write(root.path().join("tasks.toml"), tasks).unwrap();
    let model = Signature {
        inputs: vec![("x".to_owned(), vec![1, 3, 32, 32])],
        outputs: vec![("d".to_owned(), vec![1, 6, 16])],
    };
    let set = Dataset::open(&TasksFile::read(&root.path().join("tasks.toml"))?, "train", &model)?;
    let limits: Vec<_> = set.tasks().iter().map(|task| (task.name.as_str(), task.limit)).collect();
    assert_eq!(limits, [("d.box", Some(0.1)), ("d.class", Some(0.2))]);
    set.load(0..1)
}

#[test]
fn boxes_follow_their_picture_into_the_letterbox() {
    let label = "1 0.5 0.5 0.25 1.0\n";
    for (input, top) in [("fit = \"letterbox\"", 8.0), ("fit = \"letterbox\"\nalign = \"corner\"", 0.0)] {
        let samples = write_boxes(input, label).unwrap();
        assert_eq!(samples.labels[0], samples.labels[1]);
        let sides = [12.0, top, 20.0, top + 16.0].map(f32::to_bits);
        assert_eq!(samples.labels[0][0], [&[1][..], &sides].concat());
        // The picture is where its boxes are, the rest is filled.
        let row = |y: usize| samples.inputs[0][0][32 * y + 16];
        let (inside, pad) = ((top as usize, top as usize + 15), 114.0 * (1.0_f32 / 255.0));
        assert_eq!([row(inside.0), row(inside.1), row((inside.1 + 1) % 32)], [1.0, 1.0, pad]);
    }
    let stretched = write_boxes("", label).unwrap();
    let sides = [12.0_f32, 0.0, 20.0, 32.0].map(f32::to_bits);
    assert_eq!(stretched.labels[0][0], [&[1][..], &sides].concat());
}

#[test]
fn broken_boxes_are_named_with_their_line() {
    let message = write_boxes("", "0 0.5 0.5 0.1 0.1\n\n2 0.5 0.5 0.1 0.1\n").unwrap_err().to_string();
    assert!(message.contains("boxes/a.txt: line 3: class 2"), "{message}");
    assert!(write_boxes("", "").unwrap().labels[0][0].is_empty());
}
