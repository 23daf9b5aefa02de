//! A few pictures with what two networks make of them.

use super::Example;
use super::pictures::{Head, example};
use crate::cli::Failure;
use crate::cli::model::Model;
use crate::gpu::Gpu;
use crate::tasks::detection::Part;
use crate::tasks::{Dataset, Source, Task, TaskKind};

/// Pictures that a report shows.
const EXAMPLES: usize = 4;

/// What both networks make of a few pictures, spread over the set.
pub fn examples(gpu: &Gpu, models: [&Model; 2], val: &Dataset) -> Result<Vec<Example>, Failure> {
    let count = EXAMPLES.min(val.len());
    let mut sessions = Vec::new();
    for model in models {
        sessions.push(model.session(gpu)?);
    }
    let mut examples = Vec::new();
    for i in 0..count {
        let index = i * val.len() / count;
        let samples = val.load(index..index + 1).map_err(Failure::input)?;
        let inputs: Vec<&[f32]> = samples.inputs.iter().map(|images| images[0].as_slice()).collect();
        let mut outputs = Vec::new();
        for session in &mut sessions {
            outputs.push(session.run(&inputs).map_err(Failure::work)?);
        }
        let picture = val.picture(0, index).map_err(Failure::input)?;
        let fitted = val.fitted(0, index).map_err(Failure::input)?;
        let ports = &sessions[0].plan().outputs;
        let ours: Vec<_> =
            val.tasks().iter().zip(&samples.labels).filter(|(task, _)| is_shown(task)).collect();
        let places: Vec<Vec<usize>> = ours
            .iter()
            .map(|(task, _)| task.find(ports.iter().map(|port| (port.name.as_str(), port.shape.as_slice()))))
            .collect::<Result<_, _>>()
            .map_err(Failure::input)?;
        let joined = |outputs: &[Vec<f32>], places: &[usize]| -> Vec<f32> {
            places.iter().flat_map(|&place| &outputs[place]).copied().collect()
        };
        let answers: Vec<[Vec<f32>; 2]> =
            places.iter().map(|places| [0, 1].map(|model| joined(&outputs[model], places))).collect();
        let heads = ours.iter().zip(&places).zip(&answers).map(|(((task, labels), places), answers)| {
            let shape = &ports[places[0]].shape;
            let width = if shape.len() > 2 { shape[shape.len() - 1] } else { 1 };
            let height = shape[2..].iter().product::<usize>() / width;
            Head {
                task: &task.name,
                kind: &task.kind,
                picture: &fitted,
                names: &task.names,
                shape: [shape[1], height, width],
                label: &labels[0],
                before: &answers[0],
                after: &answers[1],
            }
        });
        let heads: Vec<Head> = heads.collect();
        examples.push(example(&val.stems()[index], &picture, &heads).map_err(Failure::work)?);
    }
    Ok(examples)
}

/// Whether a task has something to look at: agreement has no labels, and the parts of a detector show the same boxes.
fn is_shown(task: &Task) -> bool {
    match &task.kind {
        TaskKind::Agreement(_) => false,
        TaskKind::Detection(_, part) => *part == Part::Box,
        _ => true,
    }
}
