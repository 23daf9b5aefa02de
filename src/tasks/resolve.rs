//! Tasks of a tasks file, matched against a model: what they need to know of the shapes of its outputs.

use super::detection::Part;
use super::file::{KindFormat, TaskFormat};
use super::{Agreement, Signature, Task, TaskError, TaskKind};
use std::sync::Arc;

impl TaskFormat {
    /// The tasks for a model: one, or one for each part of a detector's loss.
    ///
    /// # Errors
    /// Where the model has no such output, or one of another form.
    pub fn resolve(&self, model: &Signature) -> Result<Vec<Task>, TaskError> {
        let tasks = match &self.kind {
            KindFormat::Plain(kind) => vec![self.task(self.name.clone(), kind.clone(), self.limit)],
            KindFormat::Agreement { measure, channels, floor } => {
                let shape = self.shape(model, &self.outputs[0])?;
                let all = shape.get(1).copied().unwrap_or(0);
                let [first, end] = channels.unwrap_or([0, all]);
                let agreement = Agreement {
                    measure: *measure,
                    first,
                    channels: end.saturating_sub(first),
                    floor: *floor,
                };
                vec![self.task(self.name.clone(), TaskKind::Agreement(agreement), self.limit)]
            }
            KindFormat::Detection(format) => {
                let shapes: Vec<&Vec<usize>> =
                    self.outputs.iter().map(|output| self.shape(model, output)).collect::<Result<_, _>>()?;
                let outputs: Vec<Vec<usize>> =
                    shapes.iter().map(|shape| shape.get(1..).unwrap_or(&[]).to_vec()).collect();
                let input = model.inputs.first().map_or(&[][..], |(_, shape)| shape);
                let &[_, _, height, width] = input else {
                    return Err(self.fail(format!("the input takes no pictures: its shape is {input:?}")));
                };
                let detector =
                    format.detector([height, width], &outputs).map_err(|reason| self.fail(reason))?;
                if !self.names.is_empty() && self.names.len() != detector.classes {
                    let (names, classes) = (self.names.len(), detector.classes);
                    return Err(self.fail(format!("there are {names} names for {classes} classes")));
                }
                let detector = Arc::new(detector);
                let parts = detector.parts().into_iter();
                let task = |part: Part| {
                    let name = format!("{}.{}", self.name, part.name());
                    let own = self.part_limits.iter().find(|(other, _)| *other == part);
                    let limit = own.and_then(|(_, limit)| *limit).or(self.limit);
                    self.task(name, TaskKind::Detection(detector.clone(), part), limit)
                };
                parts.map(task).collect()
            }
        };
        for task in &tasks {
            task.find(model.outputs.iter().map(|(name, shape)| (name.as_str(), shape.as_slice())))?;
        }
        Ok(tasks)
    }

    fn task(&self, name: String, kind: TaskKind, limit: Option<f64>) -> Task {
        Task { name, kind, outputs: self.outputs.clone(), limit, names: self.names.clone() }
    }

    fn shape<'a>(&self, model: &'a Signature, output: &str) -> Result<&'a Vec<usize>, TaskError> {
        let found = model.outputs.iter().find(|(name, _)| name == output);
        found.map(|(_, shape)| shape).ok_or_else(|| TaskError::NoOutput {
            task: self.name.clone(),
            output: output.to_owned(),
            found: model.outputs.iter().map(|(name, _)| name.clone()).collect(),
        })
    }

    fn fail(&self, reason: String) -> TaskError {
        TaskError::Output { task: self.name.clone(), output: self.outputs.join(", "), reason }
    }
}
