//! Computes cells.

use crate::Fallible;
use crate::cells::{Cell, Key, Method, Seconds, Store};
use crate::controls::{Control, decisions};
use crate::scratch::forget;
use crate::searches::{Found, Kind, Searches};
use crate::world::{Halves, World};
use std::time::Instant;
use wgpu_pagcp::compact::compact;
use wgpu_pagcp::search::{Decision, apply};

/// Computes cells one after another.
pub struct Work<'a> {
    world: &'a World,
    store: &'a Store,
}

/// What is to go, and what it took to find out.
struct Chosen {
    decisions: Vec<Decision>,
    halves: Halves,
    rate: Option<f64>,
    searches: usize,
    seconds: f64,
}

impl<'a> Work<'a> {
    pub fn new(world: &'a World, store: &'a Store) -> Self {
        Self { world, store }
    }

    /// Prunes, measures, trains and measures again.
    pub fn cell(&mut self, key: &Key) -> Fallible<Cell> {
        let chosen = match self.chosen(key)? {
            Ok(chosen) => chosen,
            Err(removed) => return Ok(short(key, removed)),
        };
        let world = self.world;
        let scratch = key.row.method == Method::Scratch;
        let mut clock = Clock(Instant::now());
        let mut seconds = Seconds { search: chosen.seconds, ..Seconds::default() };
        let mut evaluator = world.evaluator(key.seed, chosen.halves, false)?;
        let (keeps, graph) = apply(world.problem(), &chosen.decisions, &mut evaluator)?;
        drop(evaluator);
        let mut graph = compact(&graph, &world.shapes, &world.units, &keeps)?;
        seconds.fit = clock.lap();
        if scratch {
            forget(&mut graph, key.seed);
        }
        let pruned = if scratch { Vec::new() } else { world.measure(&graph)? };
        seconds.evaluate = clock.lap();
        let graph = world.train(&graph, key.seed)?;
        seconds.train = clock.lap();
        let trained = world.measure(&graph)?;
        seconds.evaluate += clock.lap();
        let (flops, params) = (world.left(&keeps), Some(world.params_left(&keeps)));
        let reached = flops <= key.left();
        let (rate, searches) = (chosen.rate, chosen.searches);
        Ok(Cell { key: key.clone(), flops, params, reached, rate, searches, pruned, trained, seconds })
    }

    /// What goes; the share of FLOPs that a search removes at most where that is too little.
    fn chosen(&self, key: &Key) -> Fallible<Result<Chosen, f64>> {
        let recovered = key.row.recovered;
        let control = match key.row.method {
            Method::Random => Control::Random(key.seed),
            Method::Uniform => Control::Uniform,
            Method::Global => Control::Global,
            Method::Pagcp => return self.searched(key, Kind::Pagcp { recovered }, recovered),
            Method::Faithful => return self.searched(key, Kind::Faithful, recovered),
            // The shape alone, without the weights.
            Method::Scratch => return self.searched(key, Kind::Pagcp { recovered: true }, false),
        };
        let decisions = decisions(&self.world.problem(), control, key.left(), recovered);
        Ok(Ok(Chosen { decisions, halves: Halves::Fitting, rate: None, searches: 0, seconds: 0.0 }))
    }

    fn searched(&self, key: &Key, kind: Kind, recovered: bool) -> Fallible<Result<Chosen, f64>> {
        let mut searches = Searches::new(self.world, self.store.searches(), kind, key.seed);
        let Found { mut decisions, rate, searches, seconds } = match searches.find(key.left())? {
            Ok(found) => found,
            Err(removed) => return Ok(Err(removed)),
        };
        // The search has decided per unit what recovers; the reference's has not.
        for decision in &mut decisions {
            decision.recovered = recovered && (decision.recovered || kind == Kind::Faithful);
        }
        let halves = if kind == Kind::Faithful { Halves::Fitting } else { Halves::Apart };
        Ok(Ok(Chosen { decisions, halves, rate: Some(rate), searches, seconds }))
    }
}

/// A search that ended too early.
fn short(key: &Key, removed: f64) -> Cell {
    Cell {
        key: key.clone(),
        flops: 1.0 - removed,
        params: None,
        reached: false,
        rate: None,
        searches: 0,
        pruned: Vec::new(),
        trained: Vec::new(),
        seconds: Seconds::default(),
    }
}

/// Seconds from one event to the next.
struct Clock(Instant);

impl Clock {
    fn lap(&mut self) -> f64 {
        std::mem::replace(&mut self.0, Instant::now()).elapsed().as_secs_f64()
    }
}
