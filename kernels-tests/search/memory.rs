//! What a search takes of the device does not depend on how many pictures it scores on.

use super::bundled::{Bundled, evaluator};
use crate::harness::gpus;
use wgpu_pagcp::gpu::{Gpu, Selector};
use wgpu_pagcp::search::{Observer, Options, Visit};

/// The most that a device has handed out whenever something was scored or settled.
struct Watch {
    gpu: Gpu,
    most: u64,
}

impl Watch {
    fn look(&mut self) {
        self.most = self.most.max(self.gpu.allocated_bytes().unwrap_or(0));
    }
}

impl Observer for Watch {
    fn visiting(&mut self, _done: usize, _total: usize, _unit: &str) {}

    fn scored(&mut self, _keep: usize, _channels: usize, _worst: f64) {
        self.look();
    }

    fn settled(&mut self, _visit: &Visit) {
        self.look();
    }
}

/// The most bytes of a search over so many pictures, of which half are judged, on a device that no other test uses.
fn most(pictures: usize) -> u64 {
    let bundled = Bundled::new();
    let visited = |id: &&String| !id.contains("stage3.1") && !id.contains("depth");
    let ids: Vec<String> = bundled.units.units.iter().map(|unit| unit.id.clone()).collect();
    let ignore = ids.iter().filter(visited).cloned().collect();
    let gpu = Gpu::open(&Selector::Best).unwrap();
    let mut watch = Watch { gpu: gpu.clone(), most: 0 };
    let mut evaluator = evaluator(&gpu, pictures, None);
    let outcome =
        bundled.search_watched(&mut evaluator, &Options { ignore, ..Options::default() }, &mut watch);
    assert!(outcome.visits.len() > 2, "only {} units are visited", outcome.visits.len());
    watch.most
}

#[test]
fn device_memory_does_not_grow_with_pictures() {
    let Some([gpu, _]) = gpus() else { return };
    if gpu.allocated_bytes().is_none() {
        eprintln!("SKIPPED: this backend does not count its allocations");
        return;
    }
    let [few, many] = [32, 96].map(most);
    eprintln!("{few} bytes for 32 pictures, {many} for 96");
    // Textures are aligned by a few bytes more or less wherever they come to lie.
    assert!(few > 0 && many <= few + few / 100, "{few} bytes for 32 pictures, {many} for 96");
}
