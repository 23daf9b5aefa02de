//! What the tests of the loss kernels share: outputs in stored form, labels, a run on the device, and the oracle.

use crate::harness::gpus;
use wgpu_pagcp::gpu::{Gpu, execute};
use wgpu_pagcp::kernels::live::{LiveLayout, StoredSegment};
use wgpu_pagcp::plan::{Operand, Plan, Port};
use wgpu_pagcp::tasks::{Frame, Loss, Task, TaskKind, UNLABELLED, attach};
use wgpu_pagcp::tensor::Dtype;

/// Half the distance of neighbouring floats in [1, 2): the largest relative error of one rounding.
pub const ROUNDING: f64 = 1.0 / (1u64 << 24) as f64;

/// WGSL's units in the last place, as a relative error.
pub const ULP: f64 = 2.0 * ROUNDING;

/// An output of a batch with its labels.
#[derive(Clone)]
pub struct Case {
    pub kind: TaskKind,
    /// Channels of each segment.
    pub segments: Vec<usize>,
    pub images: usize,
    /// Height and width.
    pub size: [usize; 2],
    /// `[images][channels][pixels]`.
    pub output: Vec<f32>,
    /// Label words of all images.
    pub labels: Vec<u32>,
}

/// Numbers that look random.
pub struct Numbers(pub u64);

impl Numbers {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    /// In `-scale..scale`.
    pub fn float(&mut self, scale: f32) -> f32 {
        (self.next() as f32 / (1u64 << 30) as f32 - 1.0) * scale
    }
}

impl Case {
    /// A case of `kind` whose label words come from `label(numbers, classes)`; every fifth or so is missing.
    pub fn new(
        kind: TaskKind,
        segments: &[usize],
        [images, height, width]: [usize; 3],
        mut label: impl FnMut(&mut Numbers, usize) -> u32,
    ) -> Self {
        let channels: usize = segments.iter().sum();
        let pixels = height * width;
        let mut numbers = Numbers((channels * 31 + pixels) as u64);
        let output = (0..images * channels * pixels).map(|_| numbers.float(9.0)).collect();
        let words = images * kind.label_words(channels, pixels);
        let mut word = |_| match numbers.next() % 5 {
            0 => UNLABELLED,
            _ => label(&mut numbers, channels),
        };
        let labels = (0..words).map(&mut word).collect();
        Self { kind, segments: segments.to_vec(), images, size: [height, width], output, labels }
    }

    /// The same with other label words, none missing.
    pub fn with_labels(mut self, mut label: impl FnMut(&mut Numbers) -> u32) -> Self {
        let mut numbers = Numbers(self.labels.len() as u64);
        self.labels.iter_mut().for_each(|word| *word = label(&mut numbers));
        self
    }

    pub fn channels(&self) -> usize {
        self.segments.iter().sum()
    }

    pub fn pixels(&self) -> usize {
        self.size[0] * self.size[1]
    }

    fn words(&self) -> usize {
        self.kind.label_words(self.channels(), self.pixels())
    }

    pub fn frame(&self, image: usize) -> Frame<'_> {
        let floats = self.channels() * self.pixels();
        Frame {
            output: &self.output[image * floats..][..floats],
            channels: self.channels(),
            labels: &self.labels[image * self.words()..][..self.words()],
        }
    }

    /// The same with one image only.
    pub fn only(&self, image: usize) -> Self {
        let Frame { output, labels, .. } = self.frame(image);
        Self { images: 1, output: output.to_vec(), labels: labels.to_vec(), ..self.clone() }
    }

    fn stored_segments(&self) -> Vec<StoredSegment> {
        let (mut group, mut start) = (0, 0);
        let mut list = Vec::new();
        for &channels in &self.segments {
            let channels = channels as u32;
            list.push(StoredSegment::run(group, start, channels, None));
            group += channels.div_ceil(4);
            start += channels;
        }
        list
    }

    /// NC4HW4, lanes without a channel being 0; row-major for the losses that read outputs so.
    fn stored(&self) -> Vec<f32> {
        if self.kind.needs_teacher() {
            return self.output.clone();
        }
        let segments = self.stored_segments();
        let groups: usize = self.segments.iter().map(|channels| channels.div_ceil(4)).sum();
        let mut stored = vec![0.0; self.images * groups * self.pixels() * 4];
        for image in 0..self.images {
            let mut channel = 0;
            for segment in &segments {
                for lane in 0..segment.channels as usize {
                    let group = image * groups + segment.first_group as usize + lane / 4;
                    for pixel in 0..self.pixels() {
                        let from = (image * self.channels() + channel) * self.pixels() + pixel;
                        stored[(group * self.pixels() + pixel) * 4 + lane % 4] = self.output[from];
                    }
                    channel += 1;
                }
            }
        }
        stored
    }

    /// Runs as candidate number `candidate` of three; returns what it wrote and checks that it wrote nothing else.
    pub fn run(&self, gpu: &Gpu, candidate: usize) -> Vec<f32> {
        let mut live = LiveLayout::default();
        let record = live.record(self.stored_segments());
        let stored = self.stored();
        let shape = vec![self.images, self.channels(), self.size[0], self.size[1]];
        let port =
            Port { name: "y".into(), shape, external: 0, operand: Operand::Slot(0), record, enlarged: None };
        let mut plan = outputs_alone(self.images, vec![port], &[stored.len()], live);
        plan.slots = vec![stored.len() as u64 * 4];
        let task = Task {
            name: "t".into(),
            kind: self.kind.clone(),
            outputs: vec!["y".into()],
            limit: None,
            names: vec![],
        };
        let scoring = attach(&mut plan, &[task], 3).expect("the task fits");
        for operand in plan.losses.iter_mut().flat_map(|step| &mut step.operands) {
            if *operand == Operand::Slot(0) {
                *operand = Operand::External(0);
            }
        }
        let labels: Vec<f32> = self.labels.iter().map(|word| f32::from_bits(*word)).collect();
        let untouched = -7.0;
        let mut buffers = [stored, labels, vec![untouched; 3 * scoring.words]];
        execute(gpu, &plan.losses, &plan.live.table(candidate as u32, &[]), &mut buffers)
            .expect("the device runs it");
        let results = &buffers[scoring.results];
        for (index, part) in results.chunks(scoring.words).enumerate() {
            assert!(
                index == candidate || part.iter().all(|x| *x == untouched),
                "candidate {index} was written"
            );
        }
        let found = results[candidate * scoring.words..][..scoring.words].to_vec();
        let mut losses = [Loss::default()];
        scoring.add(&found, self.images, &mut losses);
        let pairs = found.chunks(2).map(|pair| f64::from(pair[0]));
        assert_eq!(losses[0].sum.to_bits(), pairs.fold(0.0, |a: f64, b| a + b).to_bits());
        found
    }
}

/// A plan of nothing but outputs, which are already in external buffers of these numbers of floats.
pub fn outputs_alone(batch: usize, outputs: Vec<Port>, floats: &[usize], live: LiveLayout) -> Plan {
    Plan {
        batch,
        dtype: Dtype::F32,
        slots: vec![],
        slot_bound: 0,
        constants: vec![],
        externals: floats.iter().map(|&floats| floats as u64 * 4).collect(),
        inputs: vec![],
        outputs,
        probes: vec![],
        probe: vec![],
        pack: vec![],
        steps: vec![],
        unpack: vec![],
        losses: vec![],
        updates: vec![],
        refreshed: vec![],
        grams: vec![],
        live,
        merged: vec![],
    }
}

/// `case` on the device against the oracle: sums within `bound(case)`, counts equal, every image for itself the same
/// as in its batch.
pub fn check(case: &Case, bound: impl Fn(&Case) -> f64) {
    let Some(gpus) = gpus() else { return };
    let label = format!("{:?} {:?} {:?}x{}", case.kind, case.segments, case.size, case.images);
    for gpu in gpus {
        let whole = case.run(&gpu, 2);
        let each: Vec<Vec<f32>> = (0..case.images).map(|image| case.only(image).run(&gpu, 0)).collect();
        assert_eq!(bits(&whole), bits(&each.concat()), "{label}: alone or in a batch");
        for (image, found) in each.iter().enumerate() {
            let expected = case.kind.loss(&case.frame(image));
            let sum: f64 = found.chunks(2).map(|pair| f64::from(pair[0])).sum();
            let count: f64 = found.chunks(2).map(|pair| f64::from(pair[1])).sum();
            assert_eq!(count, expected.count, "{label}: count of image {image}");
            let (error, bound) = ((sum - expected.sum).abs(), bound(&case.only(image)));
            assert!(error <= bound, "{label}: {sum} for {}, off by {error:e}, bound {bound:e}", expected.sum);
        }
    }
}

/// Every labelled element of the first image in turn is made NaN and infinite, at the positions `places`: the sum must
/// not be finite. The same where nothing is labelled must not matter.
pub fn check_broken(case: &Case, places: &[usize]) {
    let Some(gpus) = gpus() else { return };
    for gpu in gpus {
        let mut noticed = 0;
        for &place in places {
            for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                let mut broken = case.only(0);
                broken.output[place] = value;
                let labelled = broken.kind.loss(&broken.frame(0)).sum.is_nan();
                let sum: f32 = broken.run(&gpu, 1).chunks(2).map(|pair| pair[0]).sum();
                assert_eq!(sum.is_finite(), !labelled, "{:?}: {value} at {place} gives {sum}", case.kind);
                noticed += usize::from(labelled);
            }
        }
        assert!(noticed > places.len(), "{:?}: too few of the places are labelled", case.kind);
    }
}

/// The rounding of adding up terms whose sum is `sum`: at most 16 pixels of `terms` each in one thread, then a tree of
/// 64 threads.
pub fn adding(terms: usize, sum: f64) -> f64 {
    (16 * terms + 6 + 2) as f64 * ROUNDING * sum.abs()
}

fn bits(floats: &[f32]) -> Vec<u32> {
    floats.iter().map(|x| x.to_bits()).collect()
}

/// `[images, height, width]` from one pixel to more than a workgroup adds.
pub const SIZES: [[usize; 3]; 4] = [[1, 1, 1], [3, 7, 5], [2, 1, 64], [2, 33, 40]];
