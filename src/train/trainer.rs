//! A network on a device that learns: one step from a batch of pictures.

use super::batch::{Batch, Lesson};
use super::forward::{Forward, forward};
use super::program::{Program, program};
use super::update::{Buffers, Placed, hyper};
use super::{Settings, Thinning, TrainError, set_weights};
use crate::gpu::{Gpu, Running, Session};
use crate::graph::{Graph, Sizes, ValueId};
use crate::kernels::gradient_clip::STATE;
use crate::tasks::{Loss, Scoring, Task};

/// A network that is being trained.
pub struct Trainer {
    session: Session,
    graph: Graph,
    blocks: Vec<Placed>,
    scoring: Scoring,
    buffers: Buffers,
    settings: Settings,
    lessons: Vec<Lesson>,
    tasks: usize,
    thinning: Thinning,
    again: usize,
    step: u64,
}

/// What one step gave.
#[derive(Clone, Debug, PartialEq)]
pub struct Stepped {
    /// The loss of every task on the batch, before the step; nothing where that was not judged.
    pub losses: Vec<Loss>,
    /// The norm of all gradients together.
    pub norm: f32,
    /// Whether gradients were finite; else nothing was changed.
    pub finite: bool,
}

/// A step that was begun, see [`Trainer::end_step`].
#[derive(Debug)]
pub struct Begun {
    running: Running,
    judged: bool,
}

/// The numbers that a training goes on from, block by block.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    /// Steps made.
    pub step: u64,
    /// Weights.
    pub weights: Vec<Vec<f32>>,
    /// First moments.
    pub first: Vec<Vec<f32>>,
    /// Second moments; none for SGD.
    pub second: Vec<Vec<f32>>,
    /// Moving averages.
    pub average: Vec<Vec<f32>>,
}

impl Trainer {
    /// Readies `graph` ([`super::prepared`]) for batches of `settings.batch` pictures with labels for `tasks`, of the
    /// lessons that outputs of [`Thinning::shape`] give.
    ///
    /// # Errors
    /// [`TrainError`].
    pub fn new(
        gpu: &Gpu,
        graph: &Graph,
        tasks: &[Task],
        lessons: Vec<Lesson>,
        (settings, sizes): (&Settings, &Sizes),
    ) -> Result<Self, TrainError> {
        Self::within(None, gpu, graph, (tasks, lessons), (settings, sizes))
    }

    /// As [`Trainer::new`], but that steps take at most `memory` bytes of the device's: what would take more is computed
    /// again when gradients need it. Weights come out the same, bit for bit.
    ///
    /// # Errors
    /// [`TrainError`]; [`TrainError::Memory`] where that is too little.
    pub fn within(
        memory: Option<u64>,
        gpu: &Gpu,
        graph: &Graph,
        (tasks, lessons): (&[Task], Vec<Lesson>),
        (settings, sizes): (&Settings, &Sizes),
    ) -> Result<Self, TrainError> {
        let thinning = Thinning::new(graph, sizes, tasks, settings.every)?;
        let mut thin = thinning.of_graph(graph);
        show(&mut thin, &lessons);
        let form: Forward = forward(&thin, sizes, settings.normalisation, &settings.frozen)?;
        let Program { plan, scoring, blocks, buffers, again } =
            program(gpu, &form, (tasks, &lessons), (settings, memory))?;
        let session = Session::new(gpu, plan, 0)?;
        let mut trainer = Self {
            session,
            graph: graph.clone(),
            blocks,
            scoring,
            buffers,
            settings: settings.clone(),
            lessons,
            tasks: tasks.len(),
            thinning,
            again,
            step: 0,
        };
        trainer.begin()?;
        Ok(trainer)
    }

    /// Weights and averages are those of the graph.
    fn begin(&mut self) -> Result<(), TrainError> {
        let weights = |placed: &Placed| super::weights(&self.graph, &placed.block.constants);
        let weights = self.blocks.iter().map(weights).collect::<Result<Vec<_>, _>>()?;
        for external in [self.buffers.weight, self.buffers.average] {
            self.write(external, &weights)?;
        }
        Ok(())
    }

    /// Writes a buffer of all weights, given block by block.
    fn write(&self, external: usize, blocks: &[Vec<f32>]) -> Result<(), TrainError> {
        let mut numbers = vec![0.0_f32; self.buffers.numbers];
        for (placed, own) in self.blocks.iter().zip(blocks) {
            numbers[placed.at.clone()].copy_from_slice(own);
        }
        Ok(self.session.write_external(external, bytemuck::cast_slice(&numbers))?)
    }

    /// Reads a buffer of all weights, block by block.
    fn read(&self, external: usize) -> Result<Vec<Vec<f32>>, TrainError> {
        let numbers = self.session.read_external(external)?;
        Ok(self.blocks.iter().map(|placed| numbers[placed.at.clone()].to_vec()).collect())
    }

    /// What it learns from.
    pub fn lessons(&self) -> &[Lesson] {
        &self.lessons
    }

    /// What of its outputs it learns from.
    pub fn thinning(&self) -> &Thinning {
        &self.thinning
    }

    /// Steps made so far.
    pub fn steps(&self) -> u64 {
        self.step
    }

    /// Bytes of device memory ([`Session::bytes_for`]).
    pub fn device_bytes(&self) -> u64 {
        self.session.device_bytes()
    }

    /// How many operators of the network are computed once more in every step, to save memory.
    pub fn computed_again(&self) -> usize {
        self.again
    }

    /// Multiply-accumulates of one step.
    pub fn macs(&self) -> u64 {
        self.session.plan().macs()
    }

    /// The device session, for timings.
    pub fn session(&mut self) -> &mut Session {
        &mut self.session
    }

    /// Makes one step at learning rate `rate`. Losses are measured where it is `judged`.
    ///
    /// # Errors
    /// [`TrainError::Gpu`].
    pub fn step(&mut self, batch: &Batch, rate: f64, judged: bool) -> Result<Stepped, TrainError> {
        let begun = self.begin_step(batch, rate, judged)?;
        self.end_step(begun)
    }

    /// Begins a step; the next may begin before this one ends.
    ///
    /// # Errors
    /// [`TrainError::Gpu`].
    pub fn begin_step(&mut self, batch: &Batch, rate: f64, judged: bool) -> Result<Begun, TrainError> {
        for (words, buffer) in batch.words.iter().zip(&self.scoring.labels).filter(|_| judged) {
            self.session.write_external(buffer.external, bytemuck::cast_slice(words))?;
        }
        let words = hyper(&self.settings, self.step + 1, rate);
        self.session.write_external(self.buffers.hyper, bytemuck::cast_slice(&words.words()))?;
        let inputs: Vec<&[f32]> = batch.inputs.iter().map(Vec::as_slice).collect();
        let read = [(self.scoring.results, self.scoring.words), (self.buffers.state, STATE)];
        let running = self.session.train(&inputs, judged, &read)?;
        self.step += 1;
        Ok(Begun { running, judged })
    }

    /// Waits for a step.
    ///
    /// # Errors
    /// [`TrainError::Gpu`].
    pub fn end_step(&self, begun: Begun) -> Result<Stepped, TrainError> {
        let read = self.session.results(begun.running)?;
        let mut losses = vec![Loss::default(); self.tasks];
        if begun.judged {
            self.scoring.add(&read[0], self.settings.batch, &mut losses);
        }
        let (norm, finite) = super::update::read_state(&read[1]);
        Ok(Stepped { losses, norm, finite })
    }

    /// The network with the weights of now, or with their moving average.
    ///
    /// # Errors
    /// [`TrainError::Gpu`].
    pub fn graph(&self, average: bool) -> Result<Graph, TrainError> {
        let mut graph = self.graph.clone();
        let external = if average { self.buffers.average } else { self.buffers.weight };
        for (placed, weights) in self.blocks.iter().zip(self.read(external)?) {
            set_weights(&mut graph, &placed.block.constants, &weights);
        }
        Ok(graph)
    }

    /// Everything that the next steps depend on.
    ///
    /// # Errors
    /// [`TrainError::Gpu`].
    pub fn state(&self) -> Result<State, TrainError> {
        let second = self.buffers.second.map(|second| self.read(second)).transpose()?;
        Ok(State {
            step: self.step,
            weights: self.read(self.buffers.weight)?,
            first: self.read(self.buffers.first)?,
            second: second.unwrap_or_default(),
            average: self.read(self.buffers.average)?,
        })
    }

    /// Goes on from `state`, which another trainer of the same network gave.
    ///
    /// # Errors
    /// [`TrainError::Gpu`]; also where it has other numbers.
    pub fn restore(&mut self, state: &State) -> Result<(), TrainError> {
        let fits = |list: &[Vec<f32>]| {
            list.len() == self.blocks.len()
                && list.iter().zip(&self.blocks).all(|(numbers, placed)| numbers.len() == placed.at.len())
        };
        let Buffers { weight, average, first, second, .. } = self.buffers;
        if ![&state.weights, &state.first, &state.average].into_iter().all(|list| fits(list))
            || (second.is_some() && !fits(&state.second))
        {
            let reason = "the checkpoint has other weights than the network".to_owned();
            return Err(TrainError::Weights { value: "checkpoint".to_owned(), reason });
        }
        self.write(weight, &state.weights)?;
        self.write(average, &state.average)?;
        self.write(first, &state.first)?;
        if let Some(second) = second {
            self.write(second, &state.second)?;
        }
        self.session.refresh(self.buffers.first_repack)?;
        self.step = state.step;
        Ok(())
    }
}

/// Makes values that lessons look at and that are no outputs such.
fn show(graph: &mut Graph, lessons: &[Lesson]) {
    for name in lessons.iter().map(|lesson| &lesson.goal.output) {
        let known = graph.outputs.iter().any(|id| graph.value(*id).name == *name);
        let found = graph.values.iter().position(|value| value.name == *name);
        graph.outputs.extend(found.filter(|_| !known).map(ValueId));
    }
}
