//! Losses and metrics of every task over a set, for reports.

use super::network::{Network, Request};
use super::teacher::{Teacher, answer};
use super::{EvaluateError, Options};
use crate::gpu::Gpu;
use crate::graph::{Graph, Sizes};
use crate::tasks::{Frame, Loss, Meter, Metric, Samples, Source, Task};
use crate::units::analyse;

/// What is measured, and where.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The device.
    pub gpu: &'a Gpu,
    /// The network, as imported.
    pub graph: &'a Graph,
    /// The tasks, in the order of the source's label lists.
    pub tasks: &'a [Task],
    /// The unpruned network, where losses compare with what it makes of an image; `None` takes the network itself.
    pub teacher: Option<&'a Graph>,
}

/// The result.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// The number of images.
    pub images: usize,
    /// One report per task, in task order.
    pub tasks: Vec<TaskReport>,
}

/// One task's result.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskReport {
    /// The task's name.
    pub name: String,
    /// Its kind.
    pub kind: &'static str,
    /// Its loss over the set, as the search sees it.
    pub loss: Loss,
    /// Its metrics; the first is the primary one.
    pub metrics: Vec<Metric>,
}

/// Runs the network on every image of `source`, a batch at a time; calls `progress(done, images)` after each.
///
/// # Errors
/// Where the network cannot be run, a task does not fit it, or an image cannot be read.
pub fn evaluate<S: Source>(
    subject: &Subject<'_>,
    source: &S,
    options: &Options,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Report, EvaluateError> {
    let Subject { gpu, graph, tasks, teacher } = *subject;
    let images = source.len();
    let shapes = graph.infer(&Sizes::new(1, options.symbols.clone()))?;
    let units = analyse(graph, &shapes);
    let mut network = Network::new(gpu, &Request { graph, units: &units, tasks, options, images })?;
    let mut teacher = Teacher::new(gpu, teacher.unwrap_or(graph), tasks, options, images)?;
    let outputs = places(&network, tasks)?;
    let mut meters: Vec<_> =
        tasks.iter().zip(&outputs).map(|(task, place)| task.kind.meter(place.channels)).collect();
    let mut losses = vec![Loss::default(); tasks.len()];
    for first in (0..images).step_by(network.batch()) {
        let part = first..images.min(first + network.batch());
        let mut samples =
            source.load(part.clone()).map_err(|error| EvaluateError::Source(Box::new(error)))?;
        if let Some(teacher) = &mut teacher {
            teacher.teach(&mut samples)?;
        }
        network.load(&samples, first, part.clone())?;
        network.score(&mut losses)?;
        measure(&mut network, &samples, &outputs, &mut meters)?;
        progress(part.end, images);
    }
    for (loss, unit) in losses.iter_mut().zip(teacher.map_or_else(Vec::new, |teacher| teacher.units())) {
        loss.sum /= unit;
    }
    let reports = tasks.iter().zip(&losses).zip(&meters).map(|((task, loss), meter)| TaskReport {
        name: task.name.clone(),
        kind: task.kind.name(),
        loss: *loss,
        metrics: meter.metrics(),
    });
    Ok(Report { images, tasks: reports.collect() })
}

/// Where a task's outputs are, and the channels of the first.
struct Place {
    outputs: Vec<usize>,
    channels: usize,
}

fn places(network: &Network, tasks: &[Task]) -> Result<Vec<Place>, EvaluateError> {
    let ports = &network.plan().outputs;
    let place = |task: &Task| {
        let outputs = task.find(ports.iter().map(|port| (port.name.as_str(), port.shape.as_slice())))?;
        let channels = ports[outputs[0]].shape[1];
        Ok(Place { outputs, channels })
    };
    tasks.iter().map(place).collect()
}

/// Runs the loaded batch once more for its outputs.
fn measure(
    network: &mut Network,
    samples: &Samples,
    places: &[Place],
    meters: &mut [Box<dyn Meter>],
) -> Result<(), EvaluateError> {
    let outputs = network.run()?;
    let ports = &network.plan().outputs;
    for ((place, meter), labels) in places.iter().zip(meters).zip(&samples.labels) {
        for (image, labels) in labels.iter().enumerate() {
            let output = answer(&place.outputs, (ports, &outputs), image);
            meter.add(&Frame { output: &output, channels: place.channels, labels });
        }
    }
    Ok(())
}
