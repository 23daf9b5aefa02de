//! Made outputs and labelled boxes of detectors in every layout, and runs of their losses.

use crate::loss::{Numbers, outputs_alone};
use std::sync::Arc;
use wgpu_pagcp::gpu::{Gpu, execute};
use wgpu_pagcp::kernels::live::{LiveLayout, StoredSegment};
use wgpu_pagcp::plan::{Operand, Port};
use wgpu_pagcp::tasks::detection::{Detector, Encoding, Family, Format, Part, Place, Rect, Truth};
use wgpu_pagcp::tasks::{Frame, Loss, Scoring, Task, TaskKind, attach};

/// A detector with outputs for some images.
#[derive(Clone)]
pub struct Made {
    pub detector: Arc<Detector>,
    pub images: usize,
    /// All outputs of an image, one after another.
    outputs: Vec<Vec<f32>>,
    targets: Vec<Vec<u32>>,
}

/// An input's height and width, and strides.
type Size<'a> = ([usize; 2], &'a [usize]);

impl Made {
    /// Every layout of a family.
    pub fn layouts(family: Family, classes: usize, (input, strides): Size) -> Vec<Self> {
        let grids: Vec<[usize; 2]> =
            strides.iter().map(|&stride| input.map(|side| side.div_ceil(stride))).collect();
        let cells: usize = grids.iter().map(|[h, w]| h * w).sum();
        let maps = |channels: usize| grids.iter().map(|[h, w]| vec![channels, *h, *w]).collect::<Vec<_>>();
        let parts = |channels: &[usize]| {
            let of_grid =
                |&[h, w]: &[usize; 2]| channels.iter().map(move |&c| vec![c, h, w]).collect::<Vec<_>>();
            grids.iter().flat_map(of_grid).collect::<Vec<_>>()
        };
        let outputs = match family {
            Family::Yolov5 => {
                let last = grids.iter().map(|[h, w]| vec![2, *h, *w, 5 + classes]).collect();
                vec![maps(2 * (5 + classes)), last, vec![vec![2 * cells, 5 + classes]]]
            }
            Family::Yolox => {
                vec![maps(5 + classes), parts(&[4, 1, classes]), vec![vec![cells, 5 + classes]]]
            }
            Family::Yolov8 => vec![
                maps(20 + classes),
                parts(&[20, classes]),
                vec![vec![4 + classes, cells]],
                vec![vec![20 + classes, cells]],
            ],
        };
        outputs.iter().map(|outputs| Self::new(&format(family, classes, strides), input, outputs)).collect()
    }

    /// Two images with random outputs; the first one has boxes.
    fn new(format: &Format, input: [usize; 2], outputs: &[Vec<usize>]) -> Self {
        let detector = Arc::new(format.detector(input, outputs).expect("the layout is known"));
        let mut numbers = Numbers(detector.cells() as u64);
        let mut outputs = || numbers_of(&detector, input, &mut numbers);
        let (teacher, outputs) = (outputs(), vec![outputs(), outputs()]);
        let truth: Vec<u32> = boxes(input, detector.classes).iter().flat_map(Truth::words).collect();
        let targets = vec![detector.targets(&truth, &teacher), detector.targets(&[], &teacher)];
        Self { detector, images: 2, outputs, targets }
    }

    /// A network that finds its boxes and is sure of them, and one whose boxes are elsewhere and which is not.
    pub fn intact_and_destroyed() -> (Self, Self) {
        let (input, strides) = ([64, 64], [8, 16]);
        let format = format(Family::Yolov5, 2, &strides);
        let cells = 2 * (64 + 16);
        let detector = Arc::new(format.detector(input, &[vec![cells, 7]]).expect("the layout is known"));
        let truth = boxes(input, 2);
        let words: Vec<u32> = truth.iter().flat_map(Truth::words).collect();
        // The first targets say only which cells answer for which box.
        let places = detector.targets(&words, &vec![0.0; cells * 7]);
        let (mut intact, mut destroyed) = (vec![0.05; cells * 7], vec![0.05; cells * 7]);
        for (number, map) in detector.maps.iter().enumerate() {
            for cell in 0..map.cells() {
                let Some(target) = detector.target(&places, number, cell) else { continue };
                let at = map.boxes.first + cell * 7;
                let ([x, y], [w, h]) = (target.rect.centre(), target.rect.size());
                for (place, value) in [x + 2.0, y, w, h].into_iter().enumerate() {
                    intact[at + place] = value as f32;
                }
                intact[at + 4] = 0.5;
                intact[at + 5 + target.class] = 0.9;
                destroyed[at..at + 4].copy_from_slice(&[900.0, 900.0, 3.0, 3.0]);
                destroyed[at + 5 + target.class] = 0.5;
            }
        }
        let targets = vec![detector.targets(&words, &intact)];
        let intact = Self { detector, images: 1, outputs: vec![intact], targets };
        let destroyed = Self { outputs: vec![destroyed], ..intact.clone() };
        (intact, destroyed)
    }

    pub fn set_moving(&mut self, moving: bool) {
        self.detector = Arc::new(Detector { moving, ..(*self.detector).clone() });
    }

    pub fn kind(&self, part: Part) -> TaskKind {
        TaskKind::Detection(self.detector.clone(), part)
    }

    pub fn output(&self, image: usize) -> Vec<f32> {
        self.outputs[image].clone()
    }

    pub fn targets(&self, image: usize) -> &[u32] {
        &self.targets[image]
    }

    pub fn frame<'a>(&self, output: &'a [f32], labels: &'a [u32]) -> Frame<'a> {
        Frame { output, channels: self.detector.outputs[0][0], labels }
    }

    pub fn only(&self, image: usize) -> Self {
        let (outputs, targets) = (vec![self.outputs[image].clone()], vec![self.targets[image].clone()]);
        Self { images: 1, outputs, targets, detector: self.detector.clone() }
    }

    pub fn without_boxes(&self) -> Self {
        Self {
            targets: vec![self.targets[1].clone(); 2],
            outputs: vec![self.outputs[0].clone(); 2],
            ..self.clone()
        }
    }

    pub fn with_value(&self, place: usize, value: f32) -> Self {
        let mut changed = self.clone();
        changed.outputs[0][place] = value;
        changed
    }

    /// One part of the loss over all images, by the device.
    pub fn run(&self, gpu: &Gpu, part: Part) -> Loss {
        let (scoring, words) = self.words(gpu, part);
        let mut losses = [Loss::default()];
        scoring.add(&words, self.images, &mut losses);
        losses[0]
    }

    /// The pairs that the device writes, and how they are read.
    pub fn words(&self, gpu: &Gpu, part: Part) -> (Scoring, Vec<f32>) {
        let mut live = LiveLayout::default();
        let record = live.record(vec![StoredSegment::run(0, 0, 1, None)]);
        let (mut buffers, mut ports, mut origin) = (Vec::new(), Vec::new(), 0);
        for (number, shape) in self.detector.outputs.iter().enumerate() {
            let floats: usize = shape.iter().product();
            let of_image = |output: &Vec<f32>| output[origin..origin + floats].to_vec();
            buffers.push(self.outputs.iter().flat_map(of_image).collect::<Vec<f32>>());
            let shape = [&[self.images][..], shape].concat();
            ports.push(Port {
                name: number.to_string(),
                shape,
                external: number,
                operand: Operand::Slot(0),
                record,
                enlarged: None,
            });
            origin += floats;
        }
        let names = ports.iter().map(|port| port.name.clone()).collect();
        let floats: Vec<usize> = buffers.iter().map(Vec::len).collect();
        let mut plan = outputs_alone(self.images, ports, &floats, live);
        let task =
            Task { name: "t".into(), kind: self.kind(part), outputs: names, limit: None, names: vec![] };
        let scoring = attach(&mut plan, &[task], 1).expect("the task fits");
        buffers.push(self.targets.iter().flatten().map(|word| f32::from_bits(*word)).collect());
        buffers.push(vec![-7.0; scoring.words]);
        execute(gpu, &plan.losses, &plan.live.table(0, &[]), &mut buffers).expect("the device runs it");
        let words = buffers.swap_remove(scoring.results);
        (scoring, words)
    }
}

fn format(family: Family, classes: usize, strides: &[usize]) -> Format {
    let anchors = |stride: usize| vec![[2.0 * stride as f64, 3.0 * stride as f64], [5.0 * stride as f64; 2]];
    let anchors: Vec<Vec<[f64; 2]>> = match family {
        Family::Yolov5 => strides.iter().map(|&stride| anchors(stride.max(4))).collect(),
        Family::Yolox | Family::Yolov8 => vec![],
    };
    let strides = strides.to_vec();
    Format { family, classes, strides, anchors, probabilities: None, decoded: None, bins: 5 }
}

/// Boxes of several sizes, two of which share a centre.
fn boxes([height, width]: [usize; 2], classes: usize) -> Vec<Truth> {
    let (h, w) = (height as f64, width as f64);
    let rects = [
        Rect::around([0.4 * w, 0.5 * h], [0.5 * w, 0.6 * h]),
        Rect::around([0.4 * w, 0.5 * h], [0.3 * w, 0.3 * h]),
        Rect::around([0.8 * w, 0.2 * h], [0.25 * w, 0.3 * h]),
    ];
    rects.into_iter().enumerate().map(|(at, rect)| Truth { class: at % classes, rect }).collect()
}

/// Numbers such as a network makes: logits, probabilities of which some are 0 and 1, boxes in pixels.
fn numbers_of(detector: &Detector, [height, width]: [usize; 2], numbers: &mut Numbers) -> Vec<f32> {
    let floats: usize = detector.outputs.iter().map(|shape| shape.iter().product::<usize>()).sum();
    let mut output: Vec<f32> = (0..floats).map(|_| numbers.float(3.0)).collect();
    let index = |place: Place, channel: usize, cell: usize| {
        place.origin + place.first + channel * place.channel + cell * place.pixel
    };
    for map in &detector.maps {
        for cell in 0..map.cells() {
            if detector.encoding == Encoding::Pixels {
                let [x, y] = map.middle(cell);
                let sides = [x as f32, y as f32, 0.4 * width as f32, 0.4 * height as f32];
                for (channel, side) in sides.into_iter().enumerate() {
                    output[index(map.boxes, channel, cell)] = side + numbers.float(3.0);
                }
            }
            if detector.probabilities {
                let mut scores: Vec<usize> =
                    (0..detector.classes).map(|class| index(map.classes, class, cell)).collect();
                scores.extend(map.objectness.map(|place| index(place, 0, cell)));
                for score in scores {
                    output[score] = match numbers.next() % 16 {
                        0 => 0.0,
                        1 => 1.0,
                        _ => 0.5 + numbers.float(0.5),
                    };
                }
            }
        }
    }
    output
}
