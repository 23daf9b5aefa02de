//! Damaged and hostile files: an error or another network, never a panic, a hang or gigabytes of memory.
//!
//! `PAGCP_HOSTILE=100000` says how many files are made; `PAGCP_HOSTILE_FIRST=N PAGCP_HOSTILE=1` makes one again.

mod bytes;
mod guard;
#[path = "../../src/onnx/proto.rs"]
mod proto;
mod rng;
mod samples;
mod structure;
#[path = "../text.rs"]
mod text;

use guard::{Counting, MEMORY, TIME, guarded};
use prost::Message;
use proto::ModelProto;
use rng::Rng;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use wgpu_pagcp::graph::{Dim, Graph, Sizes};
use wgpu_pagcp::onnx;
use wgpu_pagcp::optimise::optimise;
use wgpu_pagcp::plan::{PlanOptions, build};
use wgpu_pagcp::units::analyse;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// How many files are made where `PAGCP_HOSTILE` says nothing.
const FILES: u64 = 3_000;

/// Everything that happens to a file before a device is asked for anything. An error says how far it got.
fn prepare(bytes: &[u8]) -> Result<(), String> {
    let graph = onnx::parse(bytes, "m.onnx", None).map_err(|error| format!("import: {error}"))?;
    drop(onnx::encode(&graph));
    let sizes = sizes(&graph);
    let shapes = graph.infer(&sizes).map_err(|error| format!("shapes: {error}"))?;
    let units = analyse(&graph, &shapes);
    let optimised = optimise(&graph, &sizes).map_err(|error| format!("optimise: {error}"))?.graph;
    let shapes = optimised.infer(&sizes).map_err(|error| format!("optimised shapes: {error}"))?;
    build(&optimised, &shapes, &units, &PlanOptions { batch: sizes.batch, ..PlanOptions::default() })
        .map(drop)
        .map_err(|error| format!("plan: {error}"))
}

/// Two images, and 8 for every other name.
fn sizes(graph: &Graph) -> Sizes {
    let mut sizes = Sizes::batch(2);
    for dims in graph.inputs.iter().filter_map(|&id| graph.value(id).dims.as_ref()) {
        for dim in dims.iter().skip(1) {
            if let Dim::Symbol(name) = dim {
                sizes.symbols.insert(name.clone(), 8);
            }
        }
    }
    sizes
}

/// The complaint about one file, if there is one; else how far it got.
fn examine(name: &str, bytes: &[u8]) -> Result<String, String> {
    let work = || catch_unwind(AssertUnwindSafe(|| prepare(bytes)));
    let (result, grown, taken) = guarded(name, work);
    if grown > MEMORY {
        return Err(format!("{name}: {} MiB of memory, {result:?}", grown >> 20));
    }
    if taken > TIME {
        return Err(format!("{name}: {taken:?}, {result:?}"));
    }
    match result {
        Ok(Ok(())) => Ok("planned".to_owned()),
        Ok(Err(error)) => Ok(error.split(':').next().unwrap_or_default().to_owned()),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            Err(format!("{name}: panic: {}", text.unwrap_or_default()))
        }
    }
}

/// File number `number`.
fn damaged(files: &[Vec<u8>], number: u64) -> Vec<u8> {
    let mut rng = Rng::new(number);
    let small = rng.below(16) > 0;
    let chosen = if small { rng.below(samples::SMALL) } else { rng.below(files.len()) };
    let bytes = &files[chosen];
    let structure = rng.below(3) > 0;
    let mut made = bytes.clone();
    if structure {
        let mut model = ModelProto::decode(&bytes[..]).expect("the samples are sound");
        structure::damage(&mut model, &mut rng);
        made = model.encode_to_vec();
    }
    if !structure || rng.below(16) == 0 {
        let other = rng.below(samples::SMALL);
        made = bytes::damage(made, &files[other], &mut rng);
    }
    made
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().expect("the variable is a number"))
}

#[test]
fn hostile_files_are_errors() {
    guard::watch();
    let files = samples::files();
    let first = number("PAGCP_HOSTILE_FIRST").unwrap_or(0);
    let count = number("PAGCP_HOSTILE").unwrap_or(FILES);
    let next = AtomicU64::new(first);
    let (complaints, fates) = (Mutex::new(Vec::new()), Mutex::new(BTreeMap::<String, usize>::new()));
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if std::thread::current().name().is_some() {
            before(info);
        }
    }));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= first + count {
                        break;
                    }
                    match examine(&format!("file {number}"), &damaged(&files, number)) {
                        Ok(fate) => *fates.lock().unwrap().entry(fate).or_default() += 1,
                        Err(complaint) => complaints.lock().unwrap().push(complaint),
                    }
                }
            });
        }
    });
    let fates = fates.into_inner().unwrap();
    println!("{count} files: {fates:?}");
    let complaints = complaints.into_inner().unwrap();
    assert!(complaints.is_empty(), "{} complaints:\n{}", complaints.len(), complaints.join("\n"));
    let planned = fates.get("planned").copied().unwrap_or(0);
    assert!(count < FILES || planned > 0 && fates.len() > 2, "damage must reach every stage: {fates:?}");
}

#[test]
fn a_panic_and_a_waste_of_memory_are_noticed() {
    let (result, grown, _) = guarded("control", || catch_unwind(|| drop(vec![0_u8; MEMORY + 1])));
    assert!(result.is_ok() && grown > MEMORY, "{grown}");
}
