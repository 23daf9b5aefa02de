//! The tasks file: how pictures become inputs, where the data is, and the tasks.

use super::detection::{Format, Part};
use super::task_table::TaskTable;
use super::{DataError, InputFormat, Measure, TaskKind};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// A tasks file, read and checked as far as it can be without the model.
#[derive(Clone, Debug, PartialEq)]
pub struct TasksFile {
    /// Where it is.
    pub path: PathBuf,
    /// How pictures become graph inputs, by input name; the name is empty where one table is for the only input.
    pub inputs: Vec<(String, InputFormat)>,
    /// The tasks.
    pub tasks: Vec<TaskFormat>,
    train: PathBuf,
    val: PathBuf,
}

/// A task before its model is known.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskFormat {
    /// Its name; parts of a detector's loss have theirs after it.
    pub name: String,
    /// What it is.
    pub kind: KindFormat,
    /// The graph outputs that it reads.
    pub outputs: Vec<String>,
    /// How its labels are stored.
    pub labels: LabelFormat,
    /// The relative loss increase that the first unit of a search may cause.
    pub limit: Option<f64>,
    /// The same for the parts of a detector's loss.
    pub part_limits: [(Part, Option<f64>); 3],
    /// The share of its metric that rounds of search and training may cost.
    pub max_drop: Option<f64>,
    /// Names of the classes.
    pub names: Vec<String>,
}

/// A kind of task before its model is known.
#[derive(Clone, Debug, PartialEq)]
pub enum KindFormat {
    /// One that needs to know nothing of the model.
    Plain(TaskKind),
    /// A detector.
    Detection(Format),
    /// Agreement with the unpruned network.
    Agreement {
        /// How answers are compared.
        measure: Measure,
        /// The first channel and the one past the last; all where not given.
        channels: Option<[usize; 2]>,
        /// The loss that full agreement is taken to have.
        floor: f64,
    },
}

/// How the labels of one task are stored.
#[derive(Clone, Debug, PartialEq)]
pub struct LabelFormat {
    /// The folder, or the stem of the table, inside a split; empty where there are no labels.
    pub folder: String,
    /// The class index that means no label.
    pub ignore: Option<u32>,
    /// Metres per step of a depth picture.
    pub unit: Option<f32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    input: Table,
    data: Data,
    task: Vec<Table>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Data {
    train: PathBuf,
    val: PathBuf,
}

impl TasksFile {
    /// Reads a tasks file.
    ///
    /// # Errors
    /// Names the file, and the key or task that does not fit.
    pub fn read(path: &Path) -> Result<Self, DataError> {
        let text = fs::read_to_string(path).map_err(|source| DataError::read(path, source))?;
        Self::parse(path, &text)
    }

    fn parse(path: &Path, text: &str) -> Result<Self, DataError> {
        let document: Document = toml::from_str(text).map_err(|source| toml_error(path, source))?;
        let inputs = inputs(path, document.input)?;
        if document.task.is_empty() {
            return Err(DataError::content(path, "expected at least one [[task]], found none"));
        }
        let tasks: Vec<_> =
            document.task.into_iter().map(|table| task(path, table)).collect::<Result<_, _>>()?;
        let mut names = BTreeSet::new();
        for task in &tasks {
            if !names.insert(&task.name) {
                return Err(DataError::content(path, format!("two tasks have the name {}", task.name)));
            }
        }
        let folder = path.parent().unwrap_or(Path::new(""));
        let Data { train, val } = document.data;
        Ok(Self { path: path.to_owned(), inputs, tasks, train: folder.join(train), val: folder.join(val) })
    }

    /// The share of its metric that rounds may cost the task named `task`, which may be a part of a detector, where the
    /// file says.
    pub fn max_drop(&self, task: &str) -> Option<f64> {
        let is_part = |format: &&TaskFormat| {
            task.strip_prefix(&format.name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        let exact = self.tasks.iter().find(|format| format.name == task);
        exact.or_else(|| self.tasks.iter().find(is_part))?.max_drop
    }

    /// The folder of a split: `train` or `val`.
    ///
    /// # Errors
    /// Where there is no such split.
    pub fn split(&self, name: &str) -> Result<&Path, DataError> {
        match name {
            "train" => Ok(&self.train),
            "val" => Ok(&self.val),
            _ => Err(DataError::content(&self.path, format!("no split {name}; there are train and val"))),
        }
    }
}

fn toml_error(path: &Path, source: toml::de::Error) -> DataError {
    DataError::Toml { path: path.to_owned(), source: Box::new(source) }
}

/// One table for the only input, or a table per input.
fn inputs(path: &Path, table: Table) -> Result<Vec<(String, InputFormat)>, DataError> {
    let single = table.is_empty() || table.values().any(|value| !value.is_table());
    let list = if single { vec![(String::new(), Value::Table(table))] } else { table.into_iter().collect() };
    let mut formats = Vec::new();
    for (name, value) in list {
        let format: InputFormat = value.try_into().map_err(|source| toml_error(path, source))?;
        if format.std.iter().any(|std| !std.is_normal()) || !format.scale.is_finite() {
            let reason = format!("input {name}: std must not be 0 and scale must be finite");
            return Err(DataError::content(path, reason));
        }
        formats.push((name, format));
    }
    Ok(formats)
}

fn task(path: &Path, table: Table) -> Result<TaskFormat, DataError> {
    let text = |key| table.get(key).and_then(Value::as_str).unwrap_or("?").to_owned();
    let (name, kind) = (text("name"), text("kind"));
    let fail = |reason: String| DataError::content(path, format!("task {name} ({kind}): {reason}"));
    if table.contains_key("kind") && !TaskKind::NAMES.contains(&kind.as_str()) {
        let known = TaskKind::NAMES.join(", ");
        return Err(fail(format!("this kind is not supported; the supported ones are {known}")));
    }
    let table: TaskTable = table.try_into().map_err(|source| fail(source.to_string().trim().to_owned()))?;
    table.format().map_err(fail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tasks::detection::Family;
    use crate::tasks::{Color, Fit};

    const DATA: &str = "[data]\ntrain = \"t\"\nval = \"v\"\n";

    fn parse(text: &str) -> Result<TasksFile, DataError> {
        TasksFile::parse(Path::new("set/tasks.toml"), text)
    }

    fn failure(text: &str) -> String {
        let message = parse(text).expect_err("the file is wrong").to_string();
        assert!(message.starts_with("set/tasks.toml: "), "{message}");
        message
    }

    fn with_task(lines: &str) -> String {
        format!("{DATA}[[task]]\nname = \"a\"\noutput = \"o\"\nlabels = \"l\"\n{lines}")
    }

    #[test]
    fn a_whole_file_is_read() {
        let text = with_task("kind = \"edges\"\npositive_weight = 3.0\nlimit = 0.1")
            + "\n[input]\nmean = [0.5]\ncolor = \"bgr\"\nfit = \"letterbox\"";
        let file = parse(&text).unwrap();
        assert_eq!(file.tasks[0].kind, KindFormat::Plain(TaskKind::Edges { positive_weight: 3.0 }));
        assert_eq!(file.tasks[0].limit, Some(0.1));
        assert_eq!(file.inputs[0].1.color, Color::Bgr);
        assert_eq!(file.inputs[0].1.fit, Fit::Letterbox);
        assert_eq!(file.split("val").unwrap(), Path::new("set/v"));
        assert!(file.split("test").is_err());
    }

    #[test]
    fn parts_of_a_detector_may_lose_what_it_may() {
        let text = with_task("kind = \"detection\"\nfamily = \"yolox\"\nclasses = 2\nmax_drop = 0.02")
            + "\n[[task]]\nname = \"ab\"\noutput = \"o\"\nlabels = \"l\"\nkind = \"depth\"\nmax_drop = 0.0\n\
               [[task]]\nname = \"c\"\noutput = \"o\"\nlabels = \"l\"\nkind = \"depth\"";
        let file = parse(&text).unwrap();
        let found = ["a", "a.box", "ab", "c", "d"].map(|task| file.max_drop(task));
        assert_eq!(found, [Some(0.02), Some(0.02), Some(0.0), None, None]);
    }

    #[test]
    fn tables_per_input_are_told_from_one_table() {
        let text = with_task("kind = \"depth\"") + "\n[input.left]\nscale = 1.0\n[input.right]";
        let names: Vec<String> = parse(&text).unwrap().inputs.into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["left", "right"]);
    }

    #[test]
    fn unknown_keys_and_kinds_are_named() {
        let message = failure(&with_task("kind = \"depth\"\ncolour = 1"));
        assert!(message.contains("colour"), "{message}");
        let message = failure(&with_task("kind = \"pose\"\nfamily = \"yolox\""));
        assert!(message.contains("task a (pose)") && message.contains("segmentation, depth"), "{message}");
        let message = failure(&with_task("kind = \"depth\"\nignore = 3"));
        assert!(message.contains("key ignore"), "{message}");
        let message = failure(&with_task("kind = \"depth\"\nunit = -1.0"));
        assert!(message.contains("unit must be positive"), "{message}");
        let message = failure(&with_task("kind = \"depth\"\nmax_drop = -0.1"));
        assert!(message.contains("max_drop must be a share"), "{message}");
        let message = failure(&(with_task("kind = \"depth\"") + "\n[inputs]"));
        assert!(message.contains("inputs"), "{message}");
        let message = failure(&(with_task("kind = \"depth\"") + "\n[input]\nmeans = [1.0]"));
        assert!(message.contains("means"), "{message}");
    }

    #[test]
    fn tasks_need_names_of_their_own() {
        let task = "[[task]]\nname = \"a\"\noutput = \"o\"\nlabels = \"l\"\nkind = \"depth\"\n";
        let message = failure(&format!("{DATA}{task}{task}"));
        assert!(message.contains("two tasks have the name a"), "{message}");
        let message = failure(&format!("{DATA}[[task]]\nkind = \"depth\""));
        assert!(message.contains("missing field"), "{message}");
    }

    #[test]
    fn a_detector_is_read() {
        let lines = "kind = \"detection\"\nfamily = \"yolov5\"\nclasses = 3\nstrides = [8, 16]\n\
                     anchors = [[10, 13, 16, 30], [33, 23, 30, 61]]\nlimit_box = 0.5\nscores = \"logits\"";
        let file = parse(&with_task(lines)).unwrap();
        let KindFormat::Detection(format) = &file.tasks[0].kind else { panic!("it is a detector") };
        assert_eq!(format.family, Family::Yolov5);
        assert_eq!(format.anchors[1], [[33.0, 23.0], [30.0, 61.0]]);
        assert_eq!((format.probabilities, format.decoded, format.bins), (Some(false), None, 16));
        assert_eq!(file.tasks[0].part_limits[0], (Part::Box, Some(0.5)));
    }

    #[test]
    fn what_is_wrong_with_a_detector_is_said() {
        let detector = |lines: &str| failure(&with_task(&format!("kind = \"detection\"\n{lines}")));
        let message = detector("family = \"yolov9\"\nclasses = 1");
        assert!(message.contains("family must be") && message.contains("yolov9"), "{message}");
        let message = detector("family = \"yolov5\"\nclasses = 1\nanchors = [[1, 2], [3, 4, 5, 6], [1, 1]]");
        assert!(message.contains("anchors must be"), "{message}");
        let message = detector("family = \"yolox\"\nclasses = 1\nanchors = [[1, 2]]");
        assert!(message.contains("only yolov5"), "{message}");
        let message = detector("family = \"yolox\"");
        assert!(message.contains("classes"), "{message}");
        let message = detector("family = \"yolox\"\nclasses = 2\nlimit_class = 0.0");
        assert!(message.contains("limit_class must be positive"), "{message}");
        let message = failure(&with_task("kind = \"depth\"\nstrides = [8]"));
        assert!(message.contains("key strides"), "{message}");
    }

    #[test]
    fn agreement_has_no_labels_and_a_measure() {
        let text = |lines: &str| {
            format!("{DATA}[[task]]\nname = \"a\"\nkind = \"agreement\"\noutput = \"o\"\n{lines}")
        };
        let file = parse(&text("measure = \"kl\"\nchannels = [1, 4]")).unwrap();
        let expected = KindFormat::Agreement { measure: Measure::Kl, channels: Some([1, 4]), floor: 0.1 };
        assert_eq!(file.tasks[0].kind, expected);
        assert!(failure(&text("measure = \"kl\"\nlabels = \"l\"")).contains("key labels"));
        assert!(failure(&text("")).contains("measure must be"));
        assert!(failure(&text("measure = \"l1\"\nchannels = [2, 2]")).contains("channels must be"));
    }
}
