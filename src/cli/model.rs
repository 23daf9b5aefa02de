//! A model file with all that commands ask of it.

use super::Failure;
use super::args::{DeviceArgs, SizeArgs};
use crate::gpu::{Gpu, GpuError, Selector, Session};
use crate::graph::{Dim, Graph, GraphError, Shapes, Sizes};
use crate::optimise::optimise;
use crate::plan::{Plan, PlanOptions, build};
use crate::tensor::Dtype;
use crate::units::{Units, analyse};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// A model, its shapes at one batch size, and its units.
#[derive(Debug)]
pub struct Model {
    /// The file.
    pub path: PathBuf,
    /// The imported graph.
    pub graph: Graph,
    /// What shapes follow from.
    pub sizes: Sizes,
    /// The shape of every value.
    pub shapes: Shapes,
    /// The units.
    pub units: Units,
    /// How the device stores values and weights.
    pub dtype: Dtype,
}

impl Model {
    /// Reads a model for runs of `batch` images.
    pub fn load(path: &Path, batch: usize, sizes: &SizeArgs) -> Result<Self, Failure> {
        let graph = crate::onnx::load(path).map_err(Failure::input)?;
        let symbols = symbols(sizes)?;
        check_symbols(path, &graph, &symbols)?;
        Self::new(path, graph, Sizes::new(batch, symbols))
    }

    /// A model from a graph; `path` is for messages.
    pub fn new(path: &Path, graph: Graph, sizes: Sizes) -> Result<Self, Failure> {
        let shapes = graph.infer(&sizes).map_err(|error| match &error {
            GraphError::Symbol { symbol, .. } => {
                Failure::file(path, format!("{error}; --dim {symbol}=N gives it one"))
            }
            _ => Failure::file(path, error),
        })?;
        let units = analyse(&graph, &shapes);
        Ok(Self { path: path.to_owned(), graph, sizes, shapes, units, dtype: Dtype::F32 })
    }

    /// The same model for runs of `batch` images.
    pub fn at_batch(&self, batch: usize) -> Result<Self, Failure> {
        let sizes = Sizes::new(batch, self.sizes.symbols.clone());
        Ok(Self::new(&self.path, self.graph.clone(), sizes)?.stored(self.dtype))
    }

    /// The same model with values and weights stored so.
    pub fn stored(self, dtype: Dtype) -> Self {
        Self { dtype, ..self }
    }

    /// The model on a device, for runs without candidates.
    pub fn session(&self, gpu: &Gpu) -> Result<Session, Failure> {
        let (_, plan) = self.plan(&gpu.plan_options(self.sizes.batch))?;
        Session::new(gpu, plan, 0).map_err(Failure::work)
    }

    /// The optimised graph and its plan.
    pub fn plan(&self, options: &PlanOptions) -> Result<(Graph, Plan), Failure> {
        let graph = self.optimised()?;
        let plan = self.plan_of(&graph, &PlanOptions { dtype: self.dtype, ..*options })?;
        Ok((graph, plan))
    }

    /// The optimised graph.
    pub fn optimised(&self) -> Result<Graph, Failure> {
        Ok(optimise(&self.graph, &self.sizes).map_err(|e| Failure::file(&self.path, e))?.graph)
    }

    /// The plan of an optimised graph.
    pub fn plan_of(&self, graph: &Graph, options: &PlanOptions) -> Result<Plan, Failure> {
        let shapes = graph.infer(&self.sizes).map_err(|e| Failure::file(&self.path, e))?;
        build(graph, &shapes, &self.units, options).map_err(|e| Failure::file(&self.path, e))
    }

    /// The file's name without its folder.
    pub fn name(&self) -> String {
        self.path.file_name().unwrap_or(self.path.as_os_str()).to_string_lossy().into_owned()
    }
}

fn symbols(sizes: &SizeArgs) -> Result<BTreeMap<String, usize>, Failure> {
    let parse = |dim: &String| {
        let (name, number) = dim.split_once('=')?;
        Some((name.to_owned(), number.parse().ok()?))
    };
    let wrong = |dim: &String| Failure::input(format!("--dim {dim}: expected NAME=N with a whole number"));
    sizes.dims.iter().map(|dim| parse(dim).ok_or_else(|| wrong(dim))).collect()
}

/// Every symbol must be a dimension of an input, and not the first one: that is the batch.
fn check_symbols(path: &Path, graph: &Graph, symbols: &BTreeMap<String, usize>) -> Result<(), Failure> {
    let dims = graph.inputs.iter().filter_map(|&id| graph.value(id).dims.as_ref());
    let known: BTreeSet<&str> = dims
        .flat_map(|dims| dims.iter().skip(1))
        .filter_map(|dim| if let Dim::Symbol(name) = dim { Some(name.as_str()) } else { None })
        .collect();
    let Some((name, size)) = symbols.iter().find(|(name, _)| !known.contains(name.as_str())) else {
        return Ok(());
    };
    let known: Vec<&str> = known.into_iter().collect();
    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    let reason = format!(
        "--dim {name}={size}: the inputs have no such dimension to give a size; they have {known} \
         (the first one is the batch, see --batch)"
    );
    Err(Failure::file(path, reason))
}

/// Refuses what the device cannot store.
pub fn check_dtype(gpu: &Gpu, dtype: Dtype) -> Result<(), Failure> {
    if dtype == Dtype::F16 && !gpu.has_f16() {
        return Err(Failure::input(format!("--dtype f16: {} has no 16-bit floats", gpu.info().name)));
    }
    Ok(())
}

/// Opens the device that the user named, or the best one; compiled shaders are kept unless the user does not want it.
pub fn open(device: &DeviceArgs) -> Result<Gpu, Failure> {
    let selector = match &device.name {
        None => Selector::Best,
        Some(text) => text.parse().map_or_else(|_| Selector::Name(text.clone()), Selector::Index),
    };
    let off =
        device.no_cache || std::env::var("PAGCP_NO_CACHE").is_ok_and(|value| !matches!(&*value, "" | "0"));
    let opened = match dirs::cache_dir().filter(|_| !off) {
        Some(folder) => Gpu::open_cached(&selector, &folder.join("wgpu-pagcp")),
        None => Gpu::open(&selector),
    };
    opened.map_err(|error| match error {
        GpuError::NoAdapter | GpuError::NoMatch { .. } => Failure::input(error),
        other => Failure::work(other),
    })
}
