//! Searches with limits that are found for each size, kept in files and shared by all cells that follow from them.

use crate::Fallible;
use crate::cells::{read, write};
use crate::world::{Halves, World};
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::PathBuf;
use std::time::Instant;
use wgpu_pagcp::evaluate::GpuEvaluator;
use wgpu_pagcp::search::saliency::Criterion;
use wgpu_pagcp::search::{Decision, Journal, Options, Record, ScanMode, Silent, search, visiting_order};

/// Limits beyond this decide nothing any more.
const MOST_RATE: f64 = 100.0;

/// What searches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// PAGCP as here: with recovery, ranked by energy, or without, ranked by scales of batch norms.
    Pagcp { recovered: bool },
    /// The reference code's behaviour.
    Faithful,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Pagcp { recovered: true } => "pagcp-recovered",
            Self::Pagcp { recovered: false } => "pagcp-plain",
            Self::Faithful => "faithful",
        }
    }

    /// The least and the most by which limits grow from one search to the next. Top-k can take back what the reference's
    /// search prunes too much, so that its limits may be coarser.
    fn growth(self) -> [f64; 2] {
        match self {
            Self::Pagcp { .. } => [1.2, 1.6],
            Self::Faithful => [1.5, 3.0],
        }
    }
}

/// A finished search.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Searched {
    pub rate: f64,
    pub total: f64,
    /// The share of FLOPs that it removes in all.
    pub removed: f64,
    pub seconds: f64,
    /// Its journal.
    records: Vec<Record>,
}

/// What a size takes from the searches.
#[derive(Clone, Debug)]
pub struct Found {
    pub decisions: Vec<Decision>,
    pub rate: f64,
    /// The searches that it took, and their seconds.
    pub searches: usize,
    pub seconds: f64,
}

/// The total that belongs to a rate: what half of the units could use up undecayed, which are the proportions of the
/// reference's own run (0.06 and 6 for 69 units).
pub fn total(rate: f64, units: usize) -> f64 {
    (1.0 + rate).powf(units as f64 / 2.0).max(1.0 + 1.01 * rate)
}

/// The rate to try next, given the rates that were tried in ascending order with the shares that they removed, none of
/// them `wanted`: where a line through the last two, over the logarithm of the rate, meets it.
pub fn next_rate(tried: &[(f64, f64)], wanted: f64, first: f64, [least, most]: [f64; 2]) -> f64 {
    let Some(&(rate, removed)) = tried.last() else { return first };
    let factor = match tried.len().checked_sub(2).map(|at| tried[at]) {
        Some((before, less)) if removed > less => {
            ((wanted - removed) * (rate / before).ln() / (removed - less)).exp()
        }
        Some(_) => most,
        None => 2.0,
    };
    rate * factor.clamp(least, most)
}

/// The searches of one kind and seed.
pub struct Searches<'a> {
    world: &'a World,
    folder: PathBuf,
    kind: Kind,
    seed: u64,
    /// By ascending rate.
    done: Vec<Searched>,
}

impl<'a> Searches<'a> {
    /// Those that are in the folder.
    pub fn new(world: &'a World, folder: PathBuf, kind: Kind, seed: u64) -> Self {
        let prefix = format!("{}-seed{seed}-", kind.name());
        let files = fs::read_dir(&folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
        let ours = files.filter(|path| {
            path.extension().is_some_and(|e| e == "json")
                && path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&prefix))
        });
        let mut done: Vec<Searched> = ours.filter_map(|path| read(&path)).collect();
        done.sort_by(|a, b| a.rate.total_cmp(&b.rate));
        Self { world, folder, kind, seed, done }
    }

    /// The decisions of the search with the smallest limits that leaves at most the share `left` of the FLOPs; searches
    /// with ever larger limits until one does. `None`, with the share that the best one removes, where none does.
    pub fn find(&mut self, left: f64) -> Fallible<Result<Found, f64>> {
        let wanted = 1.0 - left;
        loop {
            let reaching = self.done.iter().position(|searched| searched.removed >= wanted);
            if let Some(at) = reaching {
                let searched = &self.done[at];
                let decisions = self.decisions(searched, left)?;
                let seconds = self.done[..=at].iter().map(|searched| searched.seconds).sum();
                return Ok(Ok(Found { decisions, rate: searched.rate, searches: at + 1, seconds }));
            }
            let tried: Vec<(f64, f64)> = self.done.iter().map(|s| (s.rate, s.removed)).collect();
            let rate = next_rate(&tried, wanted, self.world.budget.first_rate, self.kind.growth());
            if rate > MOST_RATE {
                return Ok(Err(tried.iter().map(|(_, removed)| *removed).fold(0.0, f64::max)));
            }
            let searched = self.search(rate)?;
            let (seconds, percent) = (searched.seconds, 100.0 * searched.removed);
            eprintln!(
                "  search {}, seed {}: limits {rate:.3} remove {percent:.1} %; {seconds:.0} s",
                self.kind.name(),
                self.seed
            );
            let name = format!("{}-seed{}-{rate:.4}.json", self.kind.name(), self.seed);
            write(&self.folder.join(name), &searched)?;
            self.done.push(searched);
        }
    }

    fn options(&self, rate: f64) -> Options {
        let world = self.world;
        let units = visiting_order(&world.graph, &world.shapes, &world.units, &Options::default()).len();
        let most = world.budget.points.last().copied().unwrap_or(80.0);
        let (recover, faithful) = match self.kind {
            Kind::Pagcp { recovered } => (recovered, false),
            Kind::Faithful => (false, true),
        };
        Options {
            rate,
            total: total(rate, units),
            recover,
            faithful,
            criterion: match self.kind {
                Kind::Pagcp { recovered: true } => Criterion::Energy,
                Kind::Pagcp { recovered: false } => Criterion::Bn,
                Kind::Faithful => Criterion::L1,
            },
            round_to: if faithful { 1 } else { 4 },
            target_flops: (!faithful).then_some(1.0 - most / 100.0),
            scan: if faithful { ScanMode::Exact } else { ScanMode::Bracket },
            seed: self.seed,
            ..Options::default()
        }
    }

    fn search(&self, rate: f64) -> Fallible<Searched> {
        let (start, options) = (Instant::now(), self.options(rate));
        let mut journal = Journal::in_memory();
        let mut evaluator = self.evaluator(&options)?;
        let outcome = search(self.world.problem(), &options, &mut evaluator, &mut journal, &mut Silent)?;
        let removed = 1.0 - self.world.left(&outcome.keeps);
        let records = journal.records().to_vec();
        let seconds = start.elapsed().as_secs_f64();
        Ok(Searched { rate, total: options.total, removed, seconds, records })
    }

    fn evaluator(&self, options: &Options) -> Fallible<GpuEvaluator> {
        let halves = if options.recover { Halves::Apart } else { Halves::Judging };
        self.world.evaluator(self.seed, halves, options.faithful)
    }

    /// What a search decided until at most the share `left` of the FLOPs stayed. Its limits do not depend on where it
    /// stops, so that this is the search with that target.
    fn decisions(&self, searched: &Searched, left: f64) -> Fallible<Vec<Decision>> {
        if self.kind == Kind::Faithful {
            return self.topk(searched, left);
        }
        let mut decisions = Vec::new();
        let mut keep: Vec<usize> = self.world.units.units.iter().map(|unit| unit.channels).collect();
        for record in &searched.records {
            let Record::Visit(visit) = record else { continue };
            if self.world.left_by(&keep) <= left {
                break;
            }
            let Some(decision) = Decision::of(visit, &self.world.units) else { continue };
            keep[decision.unit] = decision.keep;
            decisions.push(decision);
        }
        Ok(decisions)
    }

    /// The reference has no target but top-k, which gives back units after the search: as many as can be.
    fn topk(&self, searched: &Searched, left: f64) -> Fallible<Vec<Decision>> {
        let visits: Vec<&str> = searched
            .records
            .iter()
            .filter_map(|record| if let Record::Visit(visit) = record { Some(&visit.unit[..]) } else { None })
            .collect();
        let mut evaluator = self.evaluator(&self.options(searched.rate))?;
        for stay in 1..=visits.len() {
            let topk = (stay as f64 + 0.5) / visits.len() as f64;
            let options = Options { topk: topk.min(1.0), ..self.options(searched.rate) };
            let mut journal = Journal::in_memory();
            searched.records.iter().try_for_each(|record| journal.append(record.clone()))?;
            let outcome = search(self.world.problem(), &options, &mut evaluator, &mut journal, &mut Silent)?;
            if self.world.left(&outcome.keeps) > left {
                continue;
            }
            return Ok(visits.iter().filter_map(|id| self.world.decision(id, &outcome.keeps)).collect());
        }
        Err("a search does not remove what it removed".into())
    }
}
