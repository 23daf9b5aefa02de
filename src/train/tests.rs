//! Networks of the zoo become training networks.

use super::*;
use crate::graph::{LossKind, Sizes};
use crate::onnx;
use std::collections::BTreeSet;
use std::path::PathBuf;

fn zoo() -> Vec<PathBuf> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("models");
    let files = std::fs::read_dir(root.join("zoo")).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> =
        files.filter(|path| path.extension().is_some_and(|ending| ending == "onnx")).collect();
    files.push(root.join("scenes/scenes.onnx"));
    files.sort();
    files
}

fn trained(path: &std::path::Path, normalisation: Normalisation) -> Result<Differentiated, TrainError> {
    let graph = onnx::load(path).unwrap();
    let symbols = ["height", "width"].map(|name| (name.to_owned(), 64));
    let sizes = Sizes::new(2, symbols.into());
    let graph = prepared(&graph, &sizes, normalisation)?;
    let form = forward(&graph, &sizes, normalisation, &BTreeSet::new())?;
    form.graph.check()?;
    let objectives: Vec<Objective> = form
        .graph
        .outputs
        .iter()
        .map(|&output| Objective {
            name: form.graph.value(output).name.clone(),
            output,
            kind: LossKind::Square,
        })
        .collect();
    let done = differentiate(&form.graph, &form.shapes, &form.trained, &objectives)?;
    done.graph.check()?;
    for block in &done.blocks {
        let numbers: usize =
            block.constants.iter().map(|&id| graph.constant(id).expect("it is in the file").len()).sum();
        assert_eq!(numbers, done.shapes[block.gradient.0].iter().product::<usize>());
    }
    Ok(done)
}

/// Networks through which no gradient goes, and the node that says so.
const WITHOUT: &[(&str, &str)] = &[("vit", "LayerNormalization")];

#[test]
fn networks_have_gradients_of_every_weight() {
    let zoo = zoo();
    assert!(zoo.len() > 15, "found {zoo:?}");
    for path in zoo {
        let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
        for normalisation in [Normalisation::Train, Normalisation::Fold] {
            let without = WITHOUT.iter().find(|(name, _)| *name == stem);
            match (trained(&path, normalisation), without) {
                (Ok(done), None) => assert!(done.blocks.len() > 10, "{stem}: {} blocks", done.blocks.len()),
                (Err(error), Some((_, op))) => assert!(error.to_string().contains(op), "{stem}: {error}"),
                (result, _) => panic!("{stem} {normalisation:?}: {:?}", result.err()),
            }
        }
    }
}
