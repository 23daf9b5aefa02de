//! Losses at every n-th row and column: neighbours in an output that is upsampled say nearly the same.

use super::TrainError;
use crate::graph::{Coordinates, Graph, Interpolation, Op, Resize, Sizes, Target};
use crate::tasks::{Samples, Task, TaskKind};
use std::collections::BTreeMap;

/// Which outputs are trained at every `every`-th row and column, from the first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Thinning {
    every: usize,
    /// Rows and columns of those outputs as the network has them, by name.
    outputs: BTreeMap<String, [usize; 2]>,
    /// The same for every task, where its labels are thinned.
    tasks: Vec<Option<[usize; 2]>>,
}

impl Thinning {
    /// Outputs that are upsampled at least `every` times, pixels between pixels, and that only tasks with labels for
    /// each pixel look at.
    ///
    /// # Errors
    /// Where the shapes of `graph` cannot be inferred.
    pub fn new(graph: &Graph, sizes: &Sizes, tasks: &[Task], every: usize) -> Result<Self, TrainError> {
        let mut outputs = BTreeMap::new();
        if every > 1 {
            let shapes = graph.infer(sizes)?;
            let (producers, consumers) = (graph.producers(), graph.consumers());
            for &id in &graph.outputs {
                let Some(node) = producers[id.0].map(|at| &graph.nodes[at]) else { continue };
                let Op::Resize(resize) = &node.op else { continue };
                let [_, _, height, width] = shapes[id.0][..] else { continue };
                let input = &shapes[node.inputs[0].0][2..];
                let fits = [height, width]
                    .iter()
                    .zip(input)
                    .all(|(&whole, &from)| whole.is_multiple_of(every) && whole >= every * from);
                if fits && consumers[id.0].is_empty() && thinned(resize, [height, width], every).is_some() {
                    outputs.insert(graph.value(id).name.clone(), [height, width]);
                }
            }
        }
        let by_pixel = |task: &Task| {
            matches!(
                task.kind,
                TaskKind::Segmentation | TaskKind::Depth | TaskKind::Normals | TaskKind::Edges { .. }
            )
        };
        outputs.retain(|name, _| tasks.iter().all(|task| by_pixel(task) || !task.outputs.contains(name)));
        let of_task = |task: &Task| outputs.get(&task.outputs[0]).copied();
        let tasks = tasks.iter().map(of_task).collect();
        Ok(Self { every, outputs, tasks })
    }

    /// The shape `[N, C, …]` that an output is trained in.
    pub fn shape(&self, name: &str, shape: &[usize]) -> Vec<usize> {
        let mut shape = shape.to_vec();
        if self.outputs.contains_key(name) {
            shape[2..].iter_mut().for_each(|extent| *extent /= self.every);
        }
        shape
    }

    /// The network, or another with the same outputs, that computes no more of them than is trained. Outputs of another
    /// size or making stay whole and are refused where they are compared.
    #[must_use]
    pub fn of_graph(&self, graph: &Graph) -> Graph {
        let mut thin = graph.clone();
        let producers = graph.producers();
        for &id in &graph.outputs {
            let value = graph.value(id);
            let (Some(&size), Some(at)) = (self.outputs.get(&value.name), producers[id.0]) else { continue };
            if let Op::Resize(resize) = &mut thin.nodes[at].op
                && let Some(part) = thinned(resize, size, self.every)
            {
                *resize = part;
                thin.values[id.0].dims = None;
            }
        }
        thin
    }

    /// Leaves of labels what is trained on.
    pub fn of_labels(&self, samples: &mut Samples) {
        for (size, images) in self.tasks.iter().zip(&mut samples.labels) {
            let Some([height, width]) = *size else { continue };
            for words in images {
                let rows = words.chunks(width).enumerate();
                let kept = rows.filter(|(row, _)| (row % height).is_multiple_of(self.every));
                *words = kept.flat_map(|(_, row)| row.iter().step_by(self.every).copied()).collect();
            }
        }
    }
}

/// The resize that computes only every `every`-th row and column of one to `size`.
fn thinned(resize: &Resize, size: [usize; 2], every: usize) -> Option<Resize> {
    let coordinates = match resize.coordinates {
        Coordinates::HalfPixel => Coordinates::Phase(0.5 / every as f32),
        Coordinates::PytorchHalfPixel if size.iter().all(|&extent| extent > 1) => {
            Coordinates::Phase(0.5 / every as f32)
        }
        Coordinates::Asymmetric => Coordinates::Asymmetric,
        Coordinates::PytorchHalfPixel
        | Coordinates::HalfPixelSymmetric
        | Coordinates::AlignCorners
        | Coordinates::Phase(_)
        | Coordinates::Crop { .. } => return None,
    };
    let known = matches!(resize.target, Target::Sizes(_) | Target::Scales(_));
    let plain = matches!(resize.interpolation, Interpolation::Linear | Interpolation::Nearest(_));
    (known && plain).then(|| Resize {
        target: Target::Sizes(size.map(|extent| extent / every)),
        coordinates,
        interpolation: resize.interpolation,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Builder, Dim, Rounding};
    use crate::reference::{Array, run};
    use crate::tensor::Tensor;

    fn task(kind: TaskKind, output: &str) -> Task {
        Task {
            name: output.to_owned(),
            kind,
            outputs: vec![output.to_owned()],
            limit: None,
            names: Vec::new(),
        }
    }

    /// `x` resized to an output of `size`.
    fn network(coordinates: Coordinates, interpolation: Interpolation, target: Target) -> Graph {
        let mut builder = Builder::new("resized");
        let x = builder.input("x", &[1, 2, 5, 3].map(Dim::Fixed));
        let y = builder.node(Op::Resize(Resize { target, coordinates, interpolation }), &[x]);
        builder.output(y, "y");
        builder.finish().unwrap()
    }

    fn computed(graph: &Graph) -> (Vec<usize>, Vec<f64>) {
        let numbers = (0..30).map(|i| ((i * 7) % 11) as f32).collect();
        let x = Tensor::from_f32(vec![1, 2, 5, 3], numbers).unwrap();
        let shapes = graph.infer(&Sizes::declared()).unwrap();
        let y = run(graph, &shapes, &[Array::from(&x)]).unwrap()[graph.outputs[0].0].clone().unwrap();
        (y.shape, y.data)
    }

    #[test]
    fn a_thinned_output_has_every_other_pixel() {
        let sizes = Sizes::declared();
        let tasks = [task(TaskKind::Depth, "y")];
        for (coordinates, interpolation, target) in [
            (Coordinates::HalfPixel, Interpolation::Linear, Target::Scales([4.0, 4.0])),
            (Coordinates::PytorchHalfPixel, Interpolation::Linear, Target::Sizes([20, 12])),
            (Coordinates::Asymmetric, Interpolation::Nearest(Rounding::Floor), Target::Sizes([10, 6])),
        ] {
            let whole = network(coordinates, interpolation, target);
            let thinning = Thinning::new(&whole, &sizes, &tasks, 2).unwrap();
            let (shape, values) = computed(&whole);
            let (thin_shape, thin) = computed(&thinning.of_graph(&whole));
            assert_eq!(thin_shape, thinning.shape("y", &shape));
            let [_, _, height, width] = shape[..] else { panic!("{shape:?}") };
            assert_eq!(thin_shape, [1, 2, height / 2, width / 2]);
            let words: Vec<u32> = (0..values.len() as u32).collect();
            let mut samples = Samples { labels: vec![vec![words]], ..Samples::default() };
            thinning.of_labels(&mut samples);
            assert_eq!(samples.labels[0][0].len(), thin.len());
            for (&place, thin) in samples.labels[0][0].iter().zip(thin) {
                assert!((values[place as usize] - thin).abs() < 1e-6);
                assert!((place as usize / width % height).is_multiple_of(2) && place.is_multiple_of(2));
            }
        }
    }

    #[test]
    fn what_cannot_be_thinned_stays_whole() {
        let sizes = Sizes::declared();
        let linear = |coordinates, target| network(coordinates, Interpolation::Linear, target);
        let fits = linear(Coordinates::HalfPixel, Target::Sizes([10, 6]));
        let depth = [task(TaskKind::Depth, "y")];
        for (graph, tasks, every) in [
            (&fits, &depth[..], 1),
            // Upsampled less than that, or not by a multiple.
            (&fits, &depth[..], 3),
            (&linear(Coordinates::HalfPixel, Target::Sizes([11, 6])), &depth[..], 2),
            (&linear(Coordinates::AlignCorners, Target::Sizes([10, 6])), &depth[..], 2),
            // Another task looks at the whole of it.
            (&fits, &[depth[0].clone(), task(TaskKind::Regression(crate::tasks::Norm::L1), "y")][..], 2),
        ] {
            let thinning = Thinning::new(graph, &sizes, tasks, every).unwrap();
            assert_eq!(thinning.of_graph(graph), *graph);
            assert_eq!(thinning.shape("y", &[1, 2, 10, 6]), [1, 2, 10, 6]);
            let mut samples = Samples { labels: vec![vec![vec![7; 9]]; tasks.len()], ..Samples::default() };
            let before = samples.clone();
            thinning.of_labels(&mut samples);
            assert_eq!(samples, before);
        }
        assert_ne!(Thinning::new(&fits, &sizes, &depth, 2).unwrap().of_graph(&fits), fits);
    }
}
