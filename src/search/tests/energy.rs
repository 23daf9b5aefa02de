//! Searches that rank by energy: the evaluator's products decide the order, and where it has none the journal says so.

use super::{CHANNELS, Closed, NoNetwork, Setting};
use crate::graph::{Graph, Op, ValueId};
use crate::recover::{self, readers};
use crate::search::saliency::Criterion;
use crate::search::{Evaluator, Grams, Journal, Loss, Options, Outcome, Silent, TaskLimit, saliency, search};
use crate::units::Units;

/// Also knows the products of channels: those of filters whose inputs are alike.
struct Fitted(Closed);

impl Evaluator for Fitted {
    type Error = NoNetwork;

    fn tasks(&self) -> &[TaskLimit] {
        self.0.tasks()
    }

    fn prepare(&mut self, graph: &Graph, units: &Units, varying: Option<usize>) -> Result<(), NoNetwork> {
        self.0.prepare(graph, units, varying)
    }

    fn score(&mut self, candidates: &[Vec<usize>]) -> Result<Vec<Vec<Loss>>, NoNetwork> {
        self.0.score(candidates)
    }

    fn grams(&mut self, graph: &Graph, _: &Units, values: &[ValueId]) -> Result<Grams, NoNetwork> {
        self.0.network = None;
        Ok(values.iter().map(|&value| Some(products(graph, value))).collect())
    }
}

/// The products of the filters of the convolution behind an activation.
fn products(graph: &Graph, value: ValueId) -> Vec<f64> {
    let by = |value: ValueId| graph.nodes.iter().find(|node| node.outputs[0] == value).unwrap();
    let conv = by(by(value).inputs[0]);
    assert!(matches!(conv.op, Op::Conv(_)));
    let weight = graph.constant(conv.inputs[1]).unwrap();
    let filters: Vec<&[f32]> = weight.f32s().unwrap().chunks(weight.shape()[1]).collect();
    let product = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum();
    filters.iter().flat_map(|a| filters.iter().map(move |b| product(a, b))).collect()
}

fn options() -> Options {
    Options { criterion: Criterion::Energy, recover: false, round_to: 1, topk: 0.8, ..Options::default() }
}

fn run(setting: &Setting, options: &Options, journal: &mut Journal) -> Outcome {
    search(setting.problem(), options, &mut Fitted(setting.evaluator()), journal, &mut Silent).unwrap()
}

#[test]
fn the_evaluators_products_decide_the_order() {
    let setting = Setting::new();
    let outcome = run(&setting, &options(), &mut Journal::in_memory());
    let visit = &outcome.visits[0];
    let unit = setting.units.units.iter().position(|unit| unit.id == visit.unit).unwrap();
    let read = readers(&setting.graph, &setting.shapes, &setting.units, unit);
    let read: Vec<_> = read
        .into_iter()
        .map(|reader| {
            let gram = products(&setting.graph, reader.value);
            (reader, gram)
        })
        .collect();
    assert_eq!(visit.order, recover::energy(&setting.graph, &read).unwrap().order);
    let scores = saliency::scores(&setting.graph, &setting.units.units[unit], Criterion::L2, 0);
    assert_ne!(visit.order, saliency::order(&scores), "the order of L2 is another one");
    assert_eq!(visit.order.len(), CHANNELS[unit]);
    assert!(outcome.visits.iter().all(|visit| visit.ranked_by.is_none()));
}

#[test]
fn a_unit_without_products_is_ranked_by_l2_and_the_journal_says_so() {
    let setting = Setting::new();
    let energy = setting.search(&options());
    let l2 = setting.search(&Options { criterion: Criterion::L2, ..options() });
    assert_eq!(energy.keeps, l2.keeps);
    for (found, expected) in energy.visits.iter().zip(&l2.visits) {
        assert_eq!(found.order, expected.order);
        assert_eq!((found.ranked_by, expected.ranked_by), (Some(Criterion::L2), None));
        let [found, expected] = [found, expected].map(|visit| serde_json::to_value(visit).unwrap());
        assert_eq!(found["ranked_by"], "l2");
        assert!(expected.get("ranked_by").is_none(), "{expected}");
    }
    // The reference code has no such criterion, and its behaviour no note.
    let faithful = setting.search(&Options { faithful: true, ..options() });
    assert!(faithful.visits.iter().all(|visit| visit.ranked_by.is_none()));
}

#[test]
fn a_search_by_energy_cut_anywhere_resumes_to_the_same_bytes() {
    let (setting, options) = (Setting::new(), options());
    let folder = tempfile::tempdir().unwrap();
    let resumed = |path: &std::path::Path| {
        run(&setting, &options, &mut Journal::resume(path, setting.header(&options)).unwrap())
    };
    let whole = folder.path().join("whole.jsonl");
    let outcome = resumed(&whole);
    let bytes = std::fs::read(&whole).unwrap();
    let cut = folder.path().join("cut.jsonl");
    for length in (0..bytes.len()).step_by(199).chain([bytes.len()]) {
        std::fs::write(&cut, &bytes[..length]).unwrap();
        assert_eq!(resumed(&cut), outcome, "cut at {length}");
        assert!(std::fs::read(&cut).unwrap() == bytes, "cut at {length}");
    }
}
