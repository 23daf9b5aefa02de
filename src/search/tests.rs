//! The search against a plain implementation of itself, interrupted searches, and limits.

mod energy;
mod latency;

use super::saliency::Criterion;
use super::*;
use crate::compact::compact;
use crate::graph::{Activation, Builder, Conv2d, Op, Sizes, ValueId};
use crate::tensor::Tensor;
use crate::units::{Keeps, analyse};
use std::collections::BTreeMap;

const CHANNELS: [usize; 4] = [20, 33, 7, 40];

/// A chain of convolutions whose weights are whole numbers, so that sums do not depend on their order.
fn chain() -> Graph {
    let mut b = Builder::new("chain");
    let mut x = b.image("x", [3, 8, 8]);
    let mut inputs = 3;
    let mut state = 7u64;
    for channels in CHANNELS {
        x = conv(&mut b, x, [channels, inputs], &mut state);
        x = b.activation(x, Activation::Relu);
        inputs = channels;
    }
    let y = conv(&mut b, x, [2, inputs], &mut state);
    b.output(y, "y");
    b.finish().unwrap()
}

fn conv(b: &mut Builder, x: ValueId, [outputs, inputs]: [usize; 2], state: &mut u64) -> ValueId {
    let weights = (0..outputs * inputs)
        .map(|_| {
            *state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            ((*state >> 33) % 64) as f32
        })
        .collect();
    let weight = Tensor::from_f32(vec![outputs, inputs, 1, 1], weights).unwrap();
    b.conv(x, Conv2d::new([1, 1]), weight, None)
}

/// Losses in closed form: each task pays for the weight that is missing from each convolution.
struct Closed {
    tasks: Vec<TaskLimit>,
    prices: Vec<Vec<f64>>,
    intact: Vec<f64>,
    network: Option<(Graph, Units)>,
    scored: usize,
    poisoned: bool,
    /// How wrong the first pictures are about increases, by this factor or its inverse; `None` where there are none.
    part: Option<f64>,
}

#[derive(Debug, thiserror::Error)]
#[error("no network")]
struct NoNetwork;

impl Closed {
    fn new(graph: &Graph, units: &Units) -> Self {
        let task = |name: &str, limit| TaskLimit { name: name.to_owned(), limit, floor: LEAST_BASE };
        let whole: Vec<usize> = units.units.iter().map(|unit| unit.channels).collect();
        Self {
            tasks: vec![task("a", None), task("b", Some(0.09))],
            prices: vec![vec![0.31, 0.02, 0.5, 0.11], vec![0.05, 0.6, 0.2, 0.02]],
            intact: energies(graph, &whole),
            network: None,
            scored: 0,
            poisoned: false,
            part: None,
        }
    }

    fn losses(&self, graph: &Graph, keep: &[usize]) -> Vec<Loss> {
        let now = energies(graph, keep);
        let price = |prices: &Vec<f64>| {
            let missing = prices
                .iter()
                .zip(&self.intact)
                .zip(&now)
                .map(|((price, all), now)| price * (all - now) / all);
            let sum = 100.0 * (1.0 + missing.sum::<f64>());
            let broken = self.poisoned && keep[1] < 20;
            Loss { sum: if broken { f64::NAN } else { sum }, count: 100.0 }
        };
        self.prices.iter().map(price).collect()
    }
}

/// The summed weight, per input channel, of the first `keep` filters of each convolution but the last, over the input
/// channels that the convolution before keeps.
fn energies(graph: &Graph, keep: &[usize]) -> Vec<f64> {
    let convs = graph.nodes.iter().filter(|node| matches!(node.op, Op::Conv(_)));
    let inputs = std::iter::once(3).chain(keep.iter().copied());
    convs
        .zip(keep)
        .zip(inputs)
        .map(|((node, &keep), inputs)| {
            let weight = graph.constant(node.inputs[1]).unwrap();
            let filters = weight.f32s().unwrap().chunks(weight.shape()[1]).take(keep);
            filters.flat_map(|filter| &filter[..inputs]).map(|&w| f64::from(w)).sum::<f64>() / inputs as f64
        })
        .collect()
}

impl Evaluator for Closed {
    type Error = NoNetwork;

    fn tasks(&self) -> &[TaskLimit] {
        &self.tasks
    }

    fn prepare(&mut self, graph: &Graph, units: &Units, _varying: Option<usize>) -> Result<(), NoNetwork> {
        self.network = Some((graph.clone(), units.clone()));
        Ok(())
    }

    fn score(&mut self, candidates: &[Vec<usize>]) -> Result<Vec<Vec<Loss>>, NoNetwork> {
        self.scored += candidates.len();
        let (graph, _) = self.network.as_ref().ok_or(NoNetwork)?;
        Ok(candidates.iter().map(|keep| self.losses(graph, keep)).collect())
    }

    fn probe(&mut self, candidate: &[usize]) -> Result<Part, NoNetwork> {
        let (graph, _) = self.network.as_ref().ok_or(NoNetwork)?;
        let Some(wrong) = self.part else { return Ok(None) };
        let wrong = if candidate.iter().sum::<usize>() % 3 == 0 { wrong } else { 1.0 / wrong };
        let distorted = |loss: Loss| Loss { sum: 10.0 * (1.0 + wrong * (loss.mean() - 1.0)), count: 10.0 };
        Ok(Some(self.losses(graph, candidate).into_iter().map(|loss| Some(distorted(loss))).collect()))
    }
}

struct Setting {
    graph: Graph,
    shapes: crate::graph::Shapes,
    units: Units,
}

impl Setting {
    fn new() -> Self {
        let graph = chain();
        let shapes = graph.infer(&Sizes::batch(1)).unwrap();
        let units = analyse(&graph, &shapes);
        assert_eq!(units.units.iter().map(|u| u.channels).collect::<Vec<_>>(), CHANNELS);
        Self { graph, shapes, units }
    }

    fn problem(&self) -> Problem<'_> {
        Problem { graph: &self.graph, shapes: &self.shapes, units: &self.units }
    }

    fn evaluator(&self) -> Closed {
        Closed::new(&self.graph, &self.units)
    }

    fn search(&self, options: &Options) -> Outcome {
        self.search_by(&mut self.evaluator(), options)
    }

    fn search_by(&self, evaluator: &mut Closed, options: &Options) -> Outcome {
        search(self.problem(), options, evaluator, &mut Journal::in_memory(), &mut Silent).unwrap()
    }

    fn header(&self, options: &Options) -> Header {
        Header {
            version: 1,
            network: fingerprint(&self.graph),
            data: "none".to_owned(),
            device: "none".to_owned(),
            tasks: vec!["a".to_owned(), "b".to_owned()],
            options: options.clone(),
        }
    }

    /// The same decisions without masks, orders, schedules or journals of the search: every candidate is compacted
    /// and measured as a network of its own.
    fn plain(&self, options: &Options) -> Vec<Vec<usize>> {
        let evaluator = self.evaluator();
        let measure = |keeps: &[Vec<usize>]| {
            let graph = compact(&self.graph, &self.shapes, &self.units, &Keeps(keeps.to_vec())).unwrap();
            let whole: Vec<usize> = keeps.iter().map(Vec::len).collect();
            evaluator.losses(&graph, &whole).iter().map(|loss| loss.mean()).collect::<Vec<f64>>()
        };
        let mut keeps: Vec<Vec<usize>> = CHANNELS.iter().map(|&n| (0..n).collect()).collect();
        let mut base = measure(&keeps);
        let mut accepted = 0;
        for unit in visiting_order(&self.graph, &self.shapes, &self.units, options) {
            let current = compact(&self.graph, &self.shapes, &self.units, &Keeps(keeps.clone())).unwrap();
            let weight = current.constant(current.nodes[2 * unit].inputs[1]).unwrap();
            let inputs = weight.shape()[1];
            let mut ranked: Vec<(u64, usize)> = weight
                .f32s()
                .unwrap()
                .chunks(inputs)
                .map(|f| f.iter().sum::<f32>() as u64)
                .zip(keeps[unit].iter().copied())
                .collect();
            ranked.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
            let order: Vec<usize> = ranked.into_iter().map(|(_, id)| id).collect();
            let mut best = None;
            for keep in counts(order.len(), options) {
                let mut candidate = keeps.clone();
                candidate[unit] = order[..keep].to_vec();
                let losses = measure(&candidate);
                let within =
                    losses.iter().zip(&base).zip([options.rate, 0.09]).all(|((loss, base), rate)| {
                        let limit =
                            schedule::Schedule::solve(rate, options.total, 4).unwrap().limit(accepted);
                        (loss - base) / base <= limit
                    });
                if !within {
                    break;
                }
                best = Some((candidate, losses));
            }
            if let Some((candidate, losses)) = best {
                (keeps, base) = (candidate, losses);
                accepted += 1;
            }
        }
        keeps
            .into_iter()
            .map(|mut list| {
                list.sort_unstable();
                list
            })
            .collect()
    }
}

#[test]
fn decisions_are_those_of_compacting_every_candidate() {
    let setting = Setting::new();
    let mut removed = 0;
    for (rate, total, round_to) in [(0.06, 6.0, 1), (0.06, 1.1, 1), (0.02, 1.1, 4), (0.3, 6.0, 8)] {
        let options = Options { rate, total, round_to, ..Options::default() };
        let outcome = setting.search(&options);
        assert_eq!(outcome.keeps.0, setting.plain(&options), "{options:?}");
        removed += CHANNELS.iter().sum::<usize>() - outcome.keeps.0.iter().map(Vec::len).sum::<usize>();
    }
    assert!(removed > 50, "the settings remove something: {removed}");
}

#[test]
fn trap_32_final_losses_are_within_the_product_of_accepted_limits() {
    let setting = Setting::new();
    let outcome = setting.search(&Options { rate: 0.05, total: 1.2, round_to: 1, ..Options::default() });
    let mut allowed = vec![1.0; 2];
    for visit in outcome.visits.iter().filter(|visit| visit.accepted.is_some()) {
        allowed.iter_mut().zip(&visit.limits).for_each(|(product, limit)| *product *= 1.0 + limit);
    }
    for ((before, after), allowed) in outcome.before.iter().zip(&outcome.after).zip(allowed) {
        assert!(after.mean() <= before.mean() * allowed && allowed <= 1.2, "{after:?} {allowed}");
        assert!(after.mean() > before.mean());
    }
}

#[test]
fn width_changes_no_decision() {
    let setting = Setting::new();
    let one = setting.search(&Options::default());
    for width in [2, 3, 19] {
        let wide = setting.search(&Options { width, ..Options::default() });
        assert_eq!((&wide.keeps, &wide.visits), (&one.keeps, &one.visits));
    }
}

#[test]
fn trap_33_bracketing_agrees_where_losses_only_grow_and_judges_both_sides() {
    let setting = Setting::new();
    let (mut scanned, mut bracketed) = (0, [0, 0]);
    for (rate, total) in [(0.06, 6.0), (0.02, 1.1), (0.3, 6.0)] {
        let options = Options { rate, total, round_to: 1, ..Options::default() };
        let exact = setting.search(&options);
        for part in [None, Some(1.0), Some(4.0)] {
            let mut evaluator = Closed { part, ..setting.evaluator() };
            let bracket =
                setting.search_by(&mut evaluator, &Options { scan: ScanMode::Bracket, ..options.clone() });
            assert_eq!(bracket.keeps, exact.keeps, "{part:?}");
            assert_eq!(bracket.reference_macs, exact.reference_macs);
            for (found, expected) in bracket.visits.iter().zip(&exact.visits) {
                assert_eq!((found.accepted, &found.limited_by), (expected.accepted, &expected.limited_by));
                let judged =
                    |keep: Option<usize>| found.candidates.iter().any(|scored| Some(scored.keep) == keep);
                assert!(found.accepted.is_none() || judged(found.accepted));
                let refused = expected.candidates.last().map(|scored| scored.keep);
                assert!(found.limited_by.is_none() || judged(refused));
            }
            scanned += exact.candidates;
            bracketed[usize::from(part == Some(1.0))] += bracket.candidates;
        }
    }
    let [others, told] = bracketed;
    assert!(2 * told < others, "a right part of the data saves candidates: {told}, {others} in two searches");
    assert!(others + told < scanned, "{others} + {told} candidates, {scanned} scanned");
}

#[test]
fn trap_49_a_bracketing_search_cut_anywhere_resumes_to_the_same_bytes() {
    resumes(&Options { topk: 0.8, round_to: 1, scan: ScanMode::Bracket, ..Options::default() });
}

#[test]
fn trap_49_a_search_cut_anywhere_resumes_to_the_same_bytes() {
    resumes(&Options { topk: 0.8, ..Options::default() });
}

fn resumes(options: &Options) {
    let setting = Setting::new();
    let folder = tempfile::tempdir().unwrap();
    let run = |path: &std::path::Path| {
        let mut journal = Journal::resume(path, setting.header(options)).unwrap();
        let mut evaluator = Closed { part: Some(1.5), ..setting.evaluator() };
        search(setting.problem(), options, &mut evaluator, &mut journal, &mut Silent).unwrap()
    };
    let whole = folder.path().join("whole.jsonl");
    let outcome = run(&whole);
    let bytes = std::fs::read(&whole).unwrap();
    let cut = folder.path().join("cut.jsonl");
    for length in (0..=bytes.len()).step_by(61).chain([bytes.len()]) {
        std::fs::write(&cut, &bytes[..length]).unwrap();
        assert_eq!(run(&cut), outcome, "cut at {length}");
        assert_eq!(std::fs::read(&cut).unwrap(), bytes, "cut at {length}");
    }
}

#[test]
fn a_journal_of_another_search_is_refused() {
    let setting = Setting::new();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.jsonl");
    Journal::create(&path, setting.header(&Options::default())).unwrap();
    assert!(matches!(
        Journal::create(&path, setting.header(&Options::default())),
        Err(JournalError::Exists { .. })
    ));
    let other = setting.header(&Options { rate: 0.07, ..Options::default() });
    let error = Journal::resume(&path, other).unwrap_err().to_string();
    assert!(error.contains("another set of options"), "{error}");
    std::fs::write(&path, "{\"record\":\"nonsense\"}\n").unwrap();
    let error = Journal::resume(&path, setting.header(&Options::default())).unwrap_err().to_string();
    assert!(error.contains("journal.jsonl:1"), "{error}");
}

#[test]
fn a_damaged_journal_is_an_error() {
    let setting = Setting::new();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.jsonl");
    let options = Options::default();
    let run = |journal: &mut Journal| {
        search(setting.problem(), &options, &mut setting.evaluator(), journal, &mut Silent)
    };
    run(&mut Journal::create(&path, setting.header(&options)).unwrap()).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[2]["record"], "visit");
    let damages: [(usize, &str, serde_json::Value); 7] = [
        (1, "losses", vec![serde_json::json!({"sum": 1.0, "count": 1.0})].into()),
        (2, "unit", "other".into()),
        (2, "order", vec![0; CHANNELS[3]].into()),
        (2, "order", Vec::<usize>::new().into()),
        (2, "accepted", 1000.into()),
        (2, "candidates", Vec::<usize>::new().into()),
        (lines.len() - 1, "losses", Vec::<usize>::new().into()),
    ];
    for (line, key, value) in damages {
        let mut damaged = lines.clone();
        assert!(!damaged[line][key].is_null(), "{key} of line {line}");
        damaged[line][key] = value;
        let text: String = damaged.iter().map(|line| format!("{line}\n")).collect();
        std::fs::write(&path, text).unwrap();
        let error = run(&mut Journal::resume(&path, setting.header(&options)).unwrap());
        let error = error.expect_err("the journal is damaged").to_string();
        assert!(error.starts_with("the journal is not of this search: "), "{error}");
    }
}

#[test]
fn a_loss_that_is_not_a_number_stops_the_scan() {
    let setting = Setting::new();
    let mut evaluator = setting.evaluator();
    evaluator.poisoned = true;
    evaluator.prices = vec![vec![0.0; 4]; 2];
    let mut journal = Journal::in_memory();
    let options = Options { round_to: 1, ..Options::default() };
    let outcome = search(setting.problem(), &options, &mut evaluator, &mut journal, &mut Silent).unwrap();
    assert_eq!(outcome.keeps.0[1].len(), 20);
    assert_eq!(outcome.keeps.0[0].len(), 1);
}

#[test]
fn an_unpruned_network_without_a_loss_is_refused() {
    let setting = Setting::new();
    let mut evaluator = setting.evaluator();
    evaluator.prices[0][0] = f64::NAN;
    evaluator.prices[0][1] = f64::INFINITY;
    let result = search(
        setting.problem(),
        &Options::default(),
        &mut evaluator,
        &mut Journal::in_memory(),
        &mut Silent,
    );
    assert!(matches!(result, Err(SearchError::Base { .. })), "{result:?}");
}

#[test]
fn topk_drops_units_and_judges_the_rest_again() {
    let setting = Setting::new();
    let outcome = setting.search(&Options { topk: 0.5, ..Options::default() });
    assert!(outcome.visits.iter().all(|visit| visit.pass == 1));
    assert_eq!(outcome.visits.len(), 2);
    let intact = outcome.keeps.0.iter().zip(CHANNELS).filter(|(keep, n)| keep.len() == *n).count();
    assert!(intact >= 2);
}

#[test]
fn the_search_stops_at_its_target_and_leaves_ignored_units_alone() {
    let setting = Setting::new();
    let all = setting.search(&Options::default());
    let target = setting.search(&Options { target_flops: Some(0.97), ..Options::default() });
    assert!(target.visits.len() < all.visits.len());
    let ignore = [setting.units.units[1].id.clone()].into();
    let ignored = setting.search(&Options { ignore, ..Options::default() });
    assert_eq!(ignored.keeps.0[1].len(), CHANNELS[1]);
    assert_ne!(ignored.keeps.0[0].len(), CHANNELS[0]);
}

#[test]
fn every_criterion_gives_an_order_of_its_own() {
    let setting = Setting::new();
    let orders: BTreeMap<String, Vec<usize>> = [Criterion::L1, Criterion::L2, Criterion::Random]
        .into_iter()
        .map(|criterion| {
            let scores = saliency::scores(&setting.graph, &setting.units.units[1], criterion, 3);
            (format!("{criterion:?}"), saliency::order(&scores))
        })
        .collect();
    assert_ne!(orders["L1"], orders["Random"]);
    assert_ne!(orders["L1"], orders["L2"]);
    for order in orders.values() {
        let mut sorted = order.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..CHANNELS[1]).collect::<Vec<_>>());
    }
}

#[test]
fn faithful_ships_the_second_last_ratio_where_nothing_stopped_a_unit() {
    let setting = Setting::new();
    let mut evaluator = setting.evaluator();
    evaluator.prices = vec![vec![0.0; 4]; 2];
    let options = Options { faithful: true, round_to: 1, ..Options::default() };
    let outcome =
        search(setting.problem(), &options, &mut evaluator, &mut Journal::in_memory(), &mut Silent).unwrap();
    assert!(outcome.visits.iter().all(|visit| visit.accepted.is_none()));
    assert_eq!(outcome.keeps.0[3].len(), 40 - 36);
    assert_eq!(outcome.keeps.0[1].len(), 33 - 29);
}

#[test]
fn faithful_and_default_differ_only_where_the_reference_is_odd() {
    let setting = Setting::new();
    let options = Options { round_to: 1, rate: 0.03, ..Options::default() };
    let default = setting.search(&options);
    let faithful = setting.search(&Options { faithful: true, ..options });
    assert!(faithful.visits.iter().any(|visit| visit.accepted.is_some()));
    assert!(default.visits.iter().all(|visit| visit.accepted.is_some() || visit.limited_by.is_some()));
}
