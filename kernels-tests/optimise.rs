//! Optimisers against PyTorch's numbers, and kernels against the same formulas in f64, over several steps.

use crate::compare::{same_bits, within};
use crate::gradient_norm::{run, step};
use crate::harness::gpus;
use crate::near::Near;
use crate::network::numbers;
use wgpu_pagcp::gpu::Gpu;
use wgpu_pagcp::kernels::gradient_clip::{GRADIENT_CLIP, GradientClipParams, STATE};
use wgpu_pagcp::kernels::gradient_norm::{GRADIENT_NORM, GradientNormParams, SPAN};
use wgpu_pagcp::kernels::optimise::{Hyper, OptimiseParams};
use wgpu_pagcp::kernels::optimise_adamw::OPTIMISE_ADAMW;
use wgpu_pagcp::kernels::optimise_sgd::OPTIMISE_SGD;
use wgpu_pagcp::plan::{Grid, Step};

/// The two ways to follow a gradient.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Rule {
    Sgd,
    AdamW,
}

/// With the corrections of step `t`, counted from 1.
fn at_step(hyper: &Hyper, t: i32) -> Hyper {
    let correction = |beta: f32| (1.0 - f64::from(beta).powi(t)) as f32;
    Hyper { correction1: correction(hyper.beta1), correction2: correction(hyper.beta2), ..*hyper }
}

/// A parameter in f64: weights, moments and average of every element.
#[derive(Clone)]
struct Parameter {
    decays: bool,
    elements: Vec<[Near; 4]>,
}

impl Parameter {
    fn new(decays: bool, weights: &[f32]) -> Self {
        let zero = Near::exact(0.0);
        let element = |&w: &f32| [Near::exact(w), zero, zero, Near::exact(w)];
        Self { decays, elements: weights.iter().map(element).collect() }
    }
}

/// One step of PyTorch's `SGD(nesterov=True)` for one element.
fn descent([w, m, v, _]: [Near; 4], g: Near, decay: f32, hyper: &Hyper) -> [Near; 3] {
    let momentum = Near::exact(hyper.beta1);
    let g = g + Near::exact(decay) * w;
    let m = momentum * m + g;
    [w - Near::exact(hyper.rate) * (g + momentum * m), m, v]
}

/// One step of PyTorch's `AdamW` for one element.
fn adam([w, m, v, _]: [Near; 4], g: Near, decay: f32, hyper: &Hyper) -> [Near; 3] {
    let exact = Near::exact;
    let one = exact(1.0);
    let m = exact(hyper.beta1) * m + (one - exact(hyper.beta1)) * g;
    let v = exact(hyper.beta2) * v + (one - exact(hyper.beta2)) * g * g;
    let root = v.over(exact(hyper.correction2)).root() + exact(hyper.epsilon);
    let scaled = m.over(exact(hyper.correction1)).over(root);
    [w - exact(hyper.rate) * (scaled + exact(decay) * w), m, v]
}

/// One step of all parameters, their gradients clipped together.
fn advance(parameters: &mut [Parameter], gradients: &[Vec<f32>], rule: Rule, hyper: &Hyper) {
    let squares = gradients.iter().flatten().map(|&g| f64::from(g).powi(2)).sum::<f64>();
    // 64 terms of a thread, its workgroup by halves, as many for the sums of the few workgroups.
    let norm = Near { value: squares, error: squares * 2.0 * 86.0 / f64::from(1 << 24) }.root();
    let factor = match hyper.clip {
        0.0 => Near::exact(1.0),
        most => Near::exact(most).over(norm + Near::exact(1e-6)).at_most(1.0),
    };
    let renewal = Near::exact(1.0) - Near::exact(hyper.average);
    for (parameter, gradient) in parameters.iter_mut().zip(gradients) {
        let decay = if parameter.decays { hyper.decay } else { 0.0 };
        for (element, &g) in parameter.elements.iter_mut().zip(gradient) {
            let follow = if rule == Rule::AdamW { adam } else { descent };
            let [w, m, v] = follow(*element, Near::exact(g) * factor, decay, hyper);
            let mean = element[3];
            *element = [w, m, v, mean + renewal * (w - mean)];
        }
    }
}

#[test]
fn the_formulas_are_those_of_pytorch() {
    let hyper = &Hyper {
        rate: 0.0625,
        beta1: 0.875,
        beta2: 0.9375,
        epsilon: 2.0_f32.powi(-20),
        decay: 0.125,
        clip: 2.0,
        ..Hyper::default()
    };
    let gradients = [
        [vec![3.0, -4.0, 0.0], vec![1.0]],
        [vec![0.5, 0.25, -0.125], vec![-0.5]],
        [vec![-2.0, 1.0, 4.0], vec![0.75]],
        [vec![0.1, 0.2, 0.3], vec![0.4]],
    ];
    // torch 2.15 in f64: clip_grad_norm_, then the step; weights of both parameters, the second without decay.
    let descent = [0.6627555874971651, -1.5976882695979278, 0.16393106195373608, 0.15774077640851497];
    let adam = [0.8262569530768828, -1.8231348039080024, 0.45712154485652956, 0.16229595296686936];
    for (rule, expected) in [(Rule::Sgd, descent), (Rule::AdamW, adam)] {
        let mut parameters = [Parameter::new(true, &[1.0, -2.0, 0.5]), Parameter::new(false, &[0.25])];
        for (gradients, t) in gradients.iter().zip(1..) {
            advance(&mut parameters, gradients, rule, &at_step(hyper, t));
        }
        let found = parameters.iter().flat_map(|p| &p.elements).map(|[w, ..]| w.value);
        for (found, expected) in found.zip(expected) {
            // The corrections are f32, as are the last gradients.
            assert!((found - expected).abs() < 2e-8, "{rule:?}: {found} is not {expected}");
        }
    }
}

/// Elements of the two parameters; the first takes workgroups along x and z.
const SIZES: [usize; 2] = [1500, 7];
/// Buffers of one parameter: gradient, weight, moments, average, as buffers 3 to 7 and 8 to 12.
const BUFFERS: usize = 5;

fn steps(rule: Rule) -> Vec<Step> {
    let one = Grid::Fixed([1, 1, 1]);
    let mut steps = Vec::new();
    for (i, &size) in SIZES.iter().enumerate() {
        let params = GradientNormParams { numbers: size as u32, span: SPAN, base: i as u32 };
        steps.push(step(&GRADIENT_NORM, params.words(), &[3 + BUFFERS * i, 2], one));
    }
    steps.push(step(&GRADIENT_CLIP, GradientClipParams { sums: 2 }.words(), &[2, 0, 1], one));
    for (i, &size) in SIZES.iter().enumerate() {
        let params = OptimiseParams { numbers: size as u32, decaying: if i == 0 { size as u32 } else { 0 } };
        let own = 3 + BUFFERS * i;
        let operands = [own, 1, own + 1, own + 4, own + 2, own + 3];
        let grid = Grid::Fixed([8, 1, size.div_ceil(512) as u32]);
        steps.push(match rule {
            Rule::Sgd => step(&OPTIMISE_SGD, params.words(), &operands[..5], grid),
            Rule::AdamW => step(&OPTIMISE_ADAMW, params.words(), &operands, grid),
        });
    }
    steps
}

/// What every buffer ends with: floats that no step may touch.
const REST: [f32; 3] = [5.0; 3];

/// Hyper, state, norms, and the buffers of both parameters.
fn buffers(weights: &[Vec<f32>; 2]) -> Vec<Vec<f32>> {
    let mut buffers = vec![Vec::new(), vec![0.0; STATE], vec![0.0; 2]];
    for weights in weights {
        let zeros = vec![0.0; weights.len()];
        let own = [&zeros, weights, &zeros, &zeros, weights];
        buffers.extend(own.map(|floats| [&floats[..], &REST].concat()));
    }
    buffers
}

/// Trains on the device.
fn train(gpu: &Gpu, rule: Rule, gradients: &[[Vec<f32>; 2]], hyper: &Hyper) -> Vec<Vec<f32>> {
    let mut buffers = buffers(&weights());
    for (gradients, t) in gradients.iter().zip(1..) {
        buffers[0] = at_step(hyper, t).words().to_vec();
        for (i, gradient) in gradients.iter().enumerate() {
            buffers[3 + BUFFERS * i] = [&gradient[..], &REST].concat();
        }
        run(gpu, &steps(rule), &mut buffers);
    }
    buffers
}

fn weights() -> [Vec<f32>; 2] {
    [1, 2].map(|seed| numbers(seed, SIZES[seed as usize - 1]))
}

/// Gradients of four steps, with zeros among them.
fn gradients() -> Vec<[Vec<f32>; 2]> {
    let gradient = |seed: u32, size: usize| {
        let mut gradient = numbers(seed, size);
        gradient.iter_mut().step_by(5).for_each(|g| *g = 0.0);
        gradient
    };
    (0..4).map(|t| [0, 1].map(|i| gradient(10 + 2 * t + i as u32, SIZES[i]))).collect()
}

const HYPER: Hyper = Hyper {
    rate: 0.02,
    beta1: 0.9,
    beta2: 0.99,
    epsilon: 1e-6,
    decay: 0.05,
    correction1: 0.0,
    correction2: 0.0,
    average: 0.75,
    clip: 5.0,
};

/// Weights, moments and average of both parameters in f64, with bounds.
fn reference(rule: Rule, hyper: &Hyper, decays: [bool; 2]) -> Vec<Vec<Near>> {
    let mut parameters = [0, 1].map(|i| Parameter::new(decays[i], &weights()[i]));
    for (gradients, t) in gradients().iter().zip(1..) {
        advance(&mut parameters, gradients, rule, &at_step(hyper, t));
    }
    let column = |p: &Parameter, j: usize| p.elements.iter().map(|element| element[j]).collect();
    parameters.iter().flat_map(|p| (0..4).map(move |j| column(p, j))).collect()
}

/// The buffers that a reference is for.
fn trained(buffers: &[Vec<f32>]) -> impl Iterator<Item = &[f32]> {
    let own = |i: usize| buffers[4 + BUFFERS * i..8 + BUFFERS * i].iter();
    own(0).chain(own(1)).map(|buffer| &buffer[..buffer.len() - REST.len()])
}

/// Elements of the weights that are out of their bounds.
fn beyond(found: &[&[f32]], expected: &[Vec<Near>]) -> usize {
    let far = |(found, near): (&f32, &Near)| (f64::from(*found) - near.value).abs() > near.error;
    [0, 4].map(|i| found[i].iter().zip(&expected[i]).filter(|&pair| far(pair)).count()).iter().sum()
}

#[test]
fn steps_are_within_their_bounds() {
    let Some(gpus) = gpus() else { return };
    for gpu in &gpus {
        for rule in [Rule::Sgd, Rule::AdamW] {
            for max_norm in [0.0, 5.0] {
                let hyper = Hyper { clip: max_norm, ..HYPER };
                let buffers = train(gpu, rule, &gradients(), &hyper);
                let found: Vec<&[f32]> = trained(&buffers).collect();
                for (i, expected) in reference(rule, &hyper, [true, false]).iter().enumerate() {
                    let values: Vec<f64> = expected.iter().map(|near| near.value).collect();
                    let errors: Vec<f64> = expected.iter().map(|near| near.error).collect();
                    within(&format!("{rule:?}, norm {max_norm}, buffer {i}"), found[i], &values, &errors);
                }
                let rests = buffers[3..].iter().map(|buffer| &buffer[buffer.len() - REST.len()..]);
                assert!(rests.into_iter().all(|rest| rest == REST), "{rule:?} wrote beyond a parameter");
            }
        }
    }
}

#[test]
fn other_settings_are_out_of_the_bounds() {
    let Some([gpu, _]) = gpus() else { return };
    for rule in [Rule::Sgd, Rule::AdamW] {
        let buffers = train(&gpu, rule, &gradients(), &HYPER);
        let found: Vec<&[f32]> = trained(&buffers).collect();
        assert_eq!(beyond(&found, &reference(rule, &HYPER, [true, false])), 0);
        let others = [
            ("rate", Hyper { rate: 0.02001, ..HYPER }),
            ("momentum", Hyper { beta1: 0.8999, ..HYPER }),
            ("clipping", Hyper { clip: 5.01, ..HYPER }),
            ("decay", Hyper { decay: 0.0499, ..HYPER }),
        ];
        for (name, other) in others {
            // AdamW hardly sees by what all gradients are multiplied.
            if rule == Rule::Sgd || name != "clipping" {
                assert!(beyond(&found, &reference(rule, &other, [true, false])) > 100, "{rule:?}: {name}");
            }
        }
        assert!(beyond(&found, &reference(rule, &HYPER, [true, true])) > 0, "{rule:?}: decay of the second");
    }
}

#[test]
fn a_step_that_is_not_finite_changes_nothing() {
    let Some(gpus) = gpus() else { return };
    for gpu in &gpus {
        for rule in [Rule::Sgd, Rule::AdamW] {
            let good = gradients();
            let mut bad = good.clone();
            bad[3][1][6] = f32::NAN;
            let [before, after] = [&good[..3], &bad].map(|gradients| train(gpu, rule, gradients, &HYPER));
            for (i, (before, after)) in trained(&before).zip(trained(&after)).enumerate() {
                same_bits(&format!("{rule:?}, buffer {i}"), after, before);
            }
            assert_eq!([after[1][2], before[1][2]], [0.0, 1.0], "the state says so");
            let moved = train(gpu, rule, &good, &HYPER);
            assert_ne!(moved[4], before[4], "a finite step changes weights");
        }
    }
}
