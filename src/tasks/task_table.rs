//! One `[[task]]` of a tasks file: its keys, and what they mean for its kind.

use super::detection::{Family, Format, Part};
use super::file::{KindFormat, LabelFormat, TaskFormat};
use super::{FLOOR, Measure, Norm, TaskKind};
use serde::Deserialize;

/// The keys.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TaskTable {
    name: String,
    kind: String,
    output: Option<String>,
    outputs: Option<Vec<String>>,
    labels: Option<String>,
    limit: Option<f64>,
    limit_box: Option<f64>,
    limit_objectness: Option<f64>,
    limit_class: Option<f64>,
    max_drop: Option<f64>,
    #[serde(default)]
    names: Vec<String>,
    ignore: Option<u32>,
    unit: Option<f32>,
    positive_weight: Option<f32>,
    loss: Option<String>,
    family: Option<String>,
    strides: Option<Vec<usize>>,
    anchors: Option<Vec<Vec<f64>>>,
    classes: Option<usize>,
    scores: Option<String>,
    decoded: Option<bool>,
    reg_max: Option<usize>,
    measure: Option<String>,
    channels: Option<[usize; 2]>,
    floor: Option<f64>,
}

/// What a kind expects, for keys that not all have.
#[derive(Clone, Copy, PartialEq)]
enum Group {
    /// A class for each pixel or picture.
    Classes,
    Depth,
    Edges,
    Multilabel,
    Regression,
    Detection,
    Agreement,
    Other,
}

impl TaskTable {
    /// What the table says.
    ///
    /// # Errors
    /// Says which key is wrong.
    pub(super) fn format(self) -> Result<TaskFormat, String> {
        self.check()?;
        let kind = self.kind()?;
        let outputs = match (&self.output, &self.outputs) {
            (Some(output), None) => vec![output.clone()],
            (None, Some(outputs)) if !outputs.is_empty() => outputs.clone(),
            (Some(_), Some(_)) => return Err("give either output or outputs".to_owned()),
            (None, _) => return Err("missing field `output`".to_owned()),
        };
        let folder = match (self.labels, &kind) {
            (Some(labels), _) => labels,
            (None, KindFormat::Agreement { .. }) => String::new(),
            (None, KindFormat::Plain(_) | KindFormat::Detection(_)) => {
                return Err("missing field `labels`".to_owned());
            }
        };
        Ok(TaskFormat {
            name: self.name,
            kind,
            outputs,
            labels: LabelFormat { folder, ignore: self.ignore, unit: self.unit },
            limit: self.limit,
            part_limits: [
                (Part::Box, self.limit_box),
                (Part::Objectness, self.limit_objectness),
                (Part::Class, self.limit_class),
            ],
            max_drop: self.max_drop,
            names: self.names,
        })
    }

    fn kind(&self) -> Result<KindFormat, String> {
        Ok(KindFormat::Plain(match self.kind.as_str() {
            "segmentation" => TaskKind::Segmentation,
            "depth" => TaskKind::Depth,
            "normals" => TaskKind::Normals,
            "edges" => TaskKind::Edges { positive_weight: self.positive_weight.unwrap_or(1.0) },
            "classification" => TaskKind::Classification,
            "multilabel" => TaskKind::Multilabel,
            "detection" => return self.detection().map(KindFormat::Detection),
            "agreement" => return self.agreement(),
            _ => TaskKind::Regression(match self.loss.as_deref() {
                None | Some("l1") => Norm::L1,
                Some("l2") => Norm::L2,
                Some(other) => return Err(format!("loss must be \"l1\" or \"l2\", found \"{other}\"")),
            }),
        }))
    }

    fn detection(&self) -> Result<Format, String> {
        let name = self.family.as_deref().unwrap_or("none");
        let family = Family::named(name)
            .ok_or_else(|| format!("family must be \"yolov5\", \"yolox\" or \"yolov8\", found {name}"))?;
        let strides = self.strides.clone().unwrap_or_else(|| vec![8, 16, 32]);
        let classes = self.classes.unwrap_or(self.names.len());
        let bins = self.reg_max.unwrap_or(16);
        if strides.is_empty() || strides.contains(&0) || classes == 0 || bins == 0 {
            return Err("strides, classes and reg_max must be positive".to_owned());
        }
        let anchors = self.anchors(family, strides.len())?;
        let probabilities = match self.scores.as_deref() {
            None => None,
            Some("logits") => Some(false),
            Some("probabilities") => Some(true),
            Some(other) => {
                return Err(format!("scores must be \"logits\" or \"probabilities\", found \"{other}\""));
            }
        };
        Ok(Format { family, classes, strides, anchors, probabilities, decoded: self.decoded, bins })
    }

    fn anchors(&self, family: Family, strides: usize) -> Result<Vec<Vec<[f64; 2]>>, String> {
        if family != Family::Yolov5 {
            return match self.anchors {
                None => Ok(Vec::new()),
                Some(_) => Err("only yolov5 has anchors".to_owned()),
            };
        }
        let anchors = self.anchors.as_deref().unwrap_or(&[]);
        let pairs: Vec<Vec<[f64; 2]>> = anchors
            .iter()
            .map(|list| list.chunks_exact(2).map(|pair| [pair[0], pair[1]]).collect())
            .collect();
        let even = anchors.iter().all(|list| !list.is_empty() && list.len() == 2 * pairs[0].len());
        let positive = anchors.iter().flatten().all(|side| side.is_finite() && *side > 0.0);
        if pairs.len() != strides || !even || !positive {
            return Err(format!(
                "anchors must be a list of widths and heights in pixels for each of {strides} strides, as many for \
                 each, such as [[10, 13, 16, 30, 33, 23], …]"
            ));
        }
        Ok(pairs)
    }

    fn agreement(&self) -> Result<KindFormat, String> {
        let measure = match self.measure.as_deref() {
            Some("kl") => Measure::Kl,
            Some("l1") => Measure::L1,
            Some("cosine") => Measure::Cosine,
            other => {
                let found = other.unwrap_or("none");
                return Err(format!("measure must be \"kl\", \"l1\" or \"cosine\", found {found}"));
            }
        };
        if let Some([start, end]) = self.channels.filter(|[start, end]| start >= end) {
            return Err(format!("channels must be [first, one past the last], found [{start}, {end}]"));
        }
        Ok(KindFormat::Agreement { measure, channels: self.channels, floor: self.floor.unwrap_or(FLOOR) })
    }

    fn group(&self) -> Group {
        match self.kind.as_str() {
            "segmentation" | "classification" => Group::Classes,
            "depth" => Group::Depth,
            "edges" => Group::Edges,
            "multilabel" => Group::Multilabel,
            "regression" => Group::Regression,
            "detection" => Group::Detection,
            "agreement" => Group::Agreement,
            _ => Group::Other,
        }
    }

    /// Keys that mean nothing for the kind are errors, as unknown ones are.
    fn check(&self) -> Result<(), String> {
        use Group::{Agreement, Classes, Depth, Detection, Edges, Multilabel, Regression};
        let group = self.group();
        let keys: [(&str, bool, &[Group]); 18] = [
            ("ignore", self.ignore.is_some(), &[Classes]),
            ("names", !self.names.is_empty(), &[Classes, Multilabel, Detection]),
            ("unit", self.unit.is_some(), &[Depth]),
            ("positive_weight", self.positive_weight.is_some(), &[Edges]),
            ("loss", self.loss.is_some(), &[Regression]),
            ("outputs", self.outputs.is_some(), &[Detection]),
            ("limit_box", self.limit_box.is_some(), &[Detection]),
            ("limit_objectness", self.limit_objectness.is_some(), &[Detection]),
            ("limit_class", self.limit_class.is_some(), &[Detection]),
            ("family", self.family.is_some(), &[Detection]),
            ("strides", self.strides.is_some(), &[Detection]),
            ("anchors", self.anchors.is_some(), &[Detection]),
            ("classes", self.classes.is_some(), &[Detection]),
            ("scores", self.scores.is_some(), &[Detection]),
            ("decoded", self.decoded.is_some(), &[Detection]),
            ("reg_max", self.reg_max.is_some(), &[Detection]),
            ("measure", self.measure.is_some(), &[Agreement]),
            ("channels", self.channels.is_some(), &[Agreement]),
        ];
        let more = [
            ("floor", self.floor.is_some(), group == Agreement),
            ("labels", self.labels.is_some(), group != Agreement),
        ];
        let keys = keys.map(|(key, given, groups)| (key, given, groups.contains(&group)));
        if let Some((key, ..)) = keys.iter().chain(&more).find(|(_, given, allowed)| *given && !allowed) {
            return Err(format!("the key {key} means nothing for this kind"));
        }
        let numbers = [
            ("limit", self.limit),
            ("limit_box", self.limit_box),
            ("limit_objectness", self.limit_objectness),
            ("limit_class", self.limit_class),
            ("unit", self.unit.map(f64::from)),
            ("positive_weight", self.positive_weight.map(f64::from)),
            ("floor", self.floor),
        ];
        for (key, value) in numbers {
            if let Some(value) = value.filter(|value| !(value.is_finite() && *value > 0.0)) {
                return Err(format!("{key} must be positive, found {value}"));
            }
        }
        if let Some(share) = self.max_drop.filter(|share| !(share.is_finite() && *share >= 0.0)) {
            return Err(format!("max_drop must be a share of at least 0, found {share}"));
        }
        Ok(())
    }
}
