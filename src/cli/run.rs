//! `run`: a model on pictures or arrays.

use super::args::{DeviceArgs, RunArgs};
use super::model::{Model, check_dtype, open};
use super::{Failure, files, table};
use crate::gpu::Session;
use crate::graph::{ElementType, Graph};
use crate::tasks::{InputFormat, TasksFile, read_npy};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

#[derive(Serialize)]
struct Outputs {
    version: u32,
    images: usize,
    outputs: Vec<OutputInfo>,
}

#[derive(Serialize)]
struct OutputInfo {
    name: String,
    shape: Vec<usize>,
    min: f32,
    max: f32,
    file: PathBuf,
}

/// The values of one graph input, image after image.
struct Batch {
    images: usize,
    values: Vec<f32>,
}

/// Runs the command.
pub fn run(args: &RunArgs, device: &DeviceArgs) -> Result<(), Failure> {
    let single = Model::load(&args.model, 1, &args.sizes)?.stored(args.stored.dtype);
    let batches = read_inputs(args, &single)?;
    let images = batches.first().map_or(0, |batch| batch.images);
    if let Some(other) = batches.iter().find(|batch| batch.images != images) {
        return Err(Failure::input(format!("inputs have {images} and {} images", other.images)));
    }
    files::output_folder(&args.output)?;
    let model = single.at_batch(images)?;
    let gpu = open(device)?;
    check_dtype(&gpu, args.stored.dtype)?;
    let mut session = model.session(&gpu)?;
    let inputs: Vec<&[f32]> = batches.iter().map(|batch| batch.values.as_slice()).collect();
    let outputs = session.run(&inputs).map_err(Failure::work)?;
    let infos = write_outputs(&args.output, (&session, &model.graph), &outputs)?;
    if args.json {
        return files::print_json(&Outputs { version: 1, images, outputs: infos });
    }
    let mut table = table::new(&["output", "shape", "min", "max", "file"]);
    for info in infos {
        let [min, max] = [info.min, info.max].map(|v| format!("{v:.4}"));
        table.add_row([info.name, format!("{:?}", info.shape), min, max, info.file.display().to_string()]);
    }
    println!("{}", table.trim_fmt());
    Ok(())
}

fn write_outputs(
    folder: &Path,
    (session, graph): (&Session, &Graph),
    outputs: &[Vec<f32>],
) -> Result<Vec<OutputInfo>, Failure> {
    let mut infos = Vec::new();
    for ((port, id), values) in session.plan().outputs.iter().zip(&graph.outputs).zip(outputs) {
        let safe = port.name.replace(['/', '\\', ':'], "_");
        let file = folder.join(format!("{safe}.npy"));
        write_typed(&file, &port.shape, (values, graph.element(*id)))?;
        let [min, max] = values
            .iter()
            .fold([f32::INFINITY, f32::NEG_INFINITY], |[low, high], &v| [low.min(v), high.max(v)]);
        infos.push(OutputInfo { name: port.name.clone(), shape: port.shape.clone(), min, max, file });
    }
    Ok(infos)
}

/// Writes values as integers or truths where the model's file has them so, else as `f32`.
fn write_typed(
    path: &Path,
    shape: &[usize],
    (values, element): (&[f32], ElementType),
) -> Result<(), Failure> {
    let values = values.iter().copied();
    match element {
        ElementType::F32 | ElementType::F16 | ElementType::Bf16 | ElementType::F64 => {
            write_npy(path, shape, values)
        }
        ElementType::I8 => write_npy(path, shape, values.map(|v| v as i8)),
        ElementType::I16 => write_npy(path, shape, values.map(|v| v as i16)),
        ElementType::I32 => write_npy(path, shape, values.map(|v| v as i32)),
        ElementType::I64 => write_npy(path, shape, values.map(|v| v as i64)),
        ElementType::U8 => write_npy(path, shape, values.map(|v| v as u8)),
        ElementType::U16 => write_npy(path, shape, values.map(|v| v as u16)),
        ElementType::U32 => write_npy(path, shape, values.map(|v| v as u32)),
        ElementType::U64 => write_npy(path, shape, values.map(|v| v as u64)),
        ElementType::Bool => write_npy(path, shape, values.map(|v| v != 0.0)),
    }
}

fn write_npy<T: npyz::AutoSerialize>(
    path: &Path,
    shape: &[usize],
    values: impl Iterator<Item = T>,
) -> Result<(), Failure> {
    use npyz::WriterBuilder;
    let shape: Vec<u64> = shape.iter().map(|&side| side as u64).collect();
    let mut bytes = Vec::new();
    let file = |e| Failure::file(path, e);
    let mut writer = npyz::WriteOptions::new()
        .default_dtype()
        .shape(&shape)
        .writer(&mut bytes)
        .begin_nd()
        .map_err(file)?;
    writer.extend(values).map_err(file)?;
    writer.finish().map_err(file)?;
    files::write_whole(path, &bytes)
}

/// The batch of every graph input, in graph order.
fn read_inputs(args: &RunArgs, model: &Model) -> Result<Vec<Batch>, Failure> {
    let formats = formats(args)?;
    let names: Vec<&str> = model.graph.inputs.iter().map(|&id| model.graph.value(id).name.as_str()).collect();
    let mut files: BTreeMap<&str, Vec<&Path>> = BTreeMap::new();
    for given in &args.input {
        let (name, file) = match given.split_once('=') {
            Some((name, file)) if names.contains(&name) => (name, file),
            _ if names.len() == 1 => (names[0], given.as_str()),
            _ => {
                let names = names.join(", ");
                return Err(Failure::input(format!(
                    "--input {given}: expected NAME=FILE, NAME one of {names}"
                )));
            }
        };
        files.entry(name).or_default().push(Path::new(file));
    }
    let batch = |(input, name): (usize, &&str)| {
        let files = files.get(*name).ok_or_else(|| Failure::input(format!("input {name} has no --input")))?;
        let shape = &model.shapes[model.graph.inputs[input].0];
        let found = formats.iter().find(|(key, _)| key == name || key.is_empty());
        let format = found.map(|(_, format)| format.clone()).unwrap_or_default();
        read_batch(files, shape, &format)
    };
    names.iter().enumerate().map(batch).collect()
}

fn formats(args: &RunArgs) -> Result<Vec<(String, InputFormat)>, Failure> {
    match &args.tasks {
        Some(path) => Ok(TasksFile::read(path).map_err(Failure::input)?.inputs),
        None => Ok(Vec::new()),
    }
}

fn read_batch(files: &[&Path], shape: &[usize], format: &InputFormat) -> Result<Batch, Failure> {
    let mut batch = Batch { images: 0, values: Vec::new() };
    for &file in files {
        let (images, values) = if file.extension().is_some_and(|e| e == "npy") {
            let (found, values) = read_npy(file).map_err(Failure::input)?;
            (images_in(file, &found, shape)?, values)
        } else {
            let &[_, channels, height, width] = shape else {
                let reason = format!("a picture needs an input [N, C, H, W], the model's is {shape:?}");
                return Err(Failure::file(file, reason));
            };
            (1, format.read(file, [channels, height, width]).map_err(Failure::input)?)
        };
        batch.images += images;
        batch.values.extend(values);
    }
    Ok(batch)
}

/// How many images an array holds: it has the input's shape, or that without the batch dimension.
fn images_in(file: &Path, found: &[usize], shape: &[usize]) -> Result<usize, Failure> {
    let each = shape.get(1..).unwrap_or(&[]);
    match found {
        same if same == each => Ok(1),
        [images @ (1..), rest @ ..] if rest == each => Ok(*images),
        _ => {
            let expected = format!("an array of shape {each:?} with any number in front");
            Err(Failure::file(file, format!("expected {expected}, found {found:?}")))
        }
    }
}
