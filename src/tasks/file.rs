//! The tasks file: how pictures become inputs, where the data is, and the tasks.

use super::{DataError, Norm, Task, TaskKind};
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
    /// The tasks, with how their labels are stored.
    pub tasks: Vec<(Task, LabelFormat)>,
    train: PathBuf,
    val: PathBuf,
}

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
    /// Scaled with its proportions kept, centred, the rest filled.
    Letterbox,
}

/// How the labels of one task are stored.
#[derive(Clone, Debug, PartialEq)]
pub struct LabelFormat {
    /// The folder, or the stem of the table, inside a split.
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TaskTable {
    name: String,
    kind: String,
    output: String,
    labels: String,
    limit: Option<f64>,
    #[serde(default)]
    names: Vec<String>,
    ignore: Option<u32>,
    unit: Option<f32>,
    positive_weight: Option<f32>,
    loss: Option<String>,
}

impl Default for InputFormat {
    fn default() -> Self {
        Self {
            mean: Vec::new(),
            std: Vec::new(),
            scale: 1.0 / 255.0,
            color: Color::Rgb,
            fit: Fit::Stretch,
            pad: 114.0,
            images: "images".into(),
        }
    }
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
        for (task, _) in &tasks {
            if !names.insert(&task.name) {
                return Err(DataError::content(path, format!("two tasks have the name {}", task.name)));
            }
        }
        let folder = path.parent().unwrap_or(Path::new(""));
        let Data { train, val } = document.data;
        Ok(Self { path: path.to_owned(), inputs, tasks, train: folder.join(train), val: folder.join(val) })
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

fn task(path: &Path, table: Table) -> Result<(Task, LabelFormat), DataError> {
    let text = |key| table.get(key).and_then(Value::as_str).unwrap_or("?").to_owned();
    let (name, kind) = (text("name"), text("kind"));
    let fail = |reason: String| DataError::content(path, format!("task {name} ({kind}): {reason}"));
    if table.contains_key("kind") && !TaskKind::NAMES.contains(&kind.as_str()) {
        let known = TaskKind::NAMES.join(", ");
        return Err(fail(format!("this kind is not supported; the supported ones are {known}")));
    }
    let table: TaskTable = table.try_into().map_err(|source| fail(source.to_string().trim().to_owned()))?;
    let kind = table.kind().map_err(fail)?;
    table.check(kind).map_err(fail)?;
    let TaskTable { name, output, labels, limit, names, ignore, unit, .. } = table;
    Ok((Task { name, kind, output, limit, names }, LabelFormat { folder: labels, ignore, unit }))
}

impl TaskTable {
    fn kind(&self) -> Result<TaskKind, String> {
        Ok(match self.kind.as_str() {
            "segmentation" => TaskKind::Segmentation,
            "depth" => TaskKind::Depth,
            "normals" => TaskKind::Normals,
            "edges" => TaskKind::Edges { positive_weight: self.positive_weight.unwrap_or(1.0) },
            "classification" => TaskKind::Classification,
            "multilabel" => TaskKind::Multilabel,
            _ => TaskKind::Regression(match self.loss.as_deref() {
                None | Some("l1") => Norm::L1,
                Some("l2") => Norm::L2,
                Some(other) => return Err(format!("loss must be \"l1\" or \"l2\", found \"{other}\"")),
            }),
        })
    }

    /// Keys that mean nothing for the kind are errors, as unknown ones are.
    fn check(&self, kind: TaskKind) -> Result<(), String> {
        let classes = matches!(kind, TaskKind::Segmentation | TaskKind::Classification);
        let keys = [
            ("ignore", self.ignore.is_some(), classes),
            ("names", !self.names.is_empty(), classes || kind == TaskKind::Multilabel),
            ("unit", self.unit.is_some(), kind == TaskKind::Depth),
            ("positive_weight", self.positive_weight.is_some(), matches!(kind, TaskKind::Edges { .. })),
            ("loss", self.loss.is_some(), matches!(kind, TaskKind::Regression(_))),
        ];
        if let Some((key, ..)) = keys.iter().find(|(_, given, allowed)| *given && !allowed) {
            return Err(format!("the key {key} means nothing for this kind"));
        }
        let positive = |key: &str, value: Option<f64>| match value {
            Some(value) if !(value.is_finite() && value > 0.0) => {
                Err(format!("{key} must be positive, found {value}"))
            }
            Some(_) | None => Ok(()),
        };
        positive("limit", self.limit)?;
        positive("unit", self.unit.map(f64::from))?;
        positive("positive_weight", self.positive_weight.map(f64::from))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert_eq!(file.tasks[0].0.kind, TaskKind::Edges { positive_weight: 3.0 });
        assert_eq!(file.tasks[0].0.limit, Some(0.1));
        assert_eq!(file.inputs[0].1.color, Color::Bgr);
        assert_eq!(file.inputs[0].1.fit, Fit::Letterbox);
        assert_eq!(file.split("val").unwrap(), Path::new("set/v"));
        assert!(file.split("test").is_err());
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
        let message = failure(&with_task("kind = \"detection\"\nfamily = \"yolox\""));
        assert!(
            message.contains("task a (detection)") && message.contains("segmentation, depth"),
            "{message}"
        );
        let message = failure(&with_task("kind = \"depth\"\nignore = 3"));
        assert!(message.contains("key ignore"), "{message}");
        let message = failure(&with_task("kind = \"depth\"\nunit = -1.0"));
        assert!(message.contains("unit must be positive"), "{message}");
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
}
