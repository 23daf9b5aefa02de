//! Exported nodes and their initialisers.

use super::attributes::{flag, float, int, ints, string};
use super::tensor;
use crate::graph::{
    Activation, Conv2d, ConvTranspose, Epilogue, Extent, Gemm, Graph, Node, Op, Pad, PadMode, Padding, Pool,
    Statistics, ValueId, free_name,
};
use crate::onnx::OnnxError;
use crate::onnx::proto::tensor_proto::DataType;
use crate::onnx::proto::{AttributeProto, NodeProto, TensorProto};
use crate::tensor::{Tensor, TensorError};
use std::collections::{BTreeMap, HashSet};

/// Collects the nodes and initialisers of a file.
pub(super) struct Writer<'a> {
    pub(super) nodes: Vec<NodeProto>,
    pub(super) initialisers: Vec<TensorProto>,
    pub(super) graph: &'a Graph,
    opset: i64,
    written: Vec<bool>,
    value_names: HashSet<String>,
    pub(super) node_names: HashSet<String>,
    /// What the floats are called of inputs and outputs that the file stores as something else.
    pub(super) floats: BTreeMap<ValueId, String>,
}

/// A node apart from its names: operator, attributes, and constants after its data inputs, each with the suffix of
/// its name (`None` leaves an optional input out).
pub(super) struct Form {
    pub(super) op: &'static str,
    pub(super) attributes: Vec<AttributeProto>,
    pub(super) constants: Vec<Option<(&'static str, Tensor)>>,
    /// What takes the place of one of `constants` (by its position) where it depends on the sizes of a run.
    pub(super) computed: BTreeMap<usize, (&'static str, Vec<Extent>)>,
}

impl Form {
    pub(super) fn new(op: &'static str, attributes: Vec<AttributeProto>) -> Self {
        Self { op, attributes, constants: Vec::new(), computed: BTreeMap::new() }
    }

    /// Adds a list of numbers, of which some may depend on the sizes of a run.
    pub(super) fn list(&mut self, suffix: &'static str, extents: &[Extent]) -> Result<(), String> {
        match extents.iter().map(Extent::fixed).collect::<Option<Vec<i64>>>() {
            Some(numbers) => {
                let numbers = Tensor::from_i64(vec![numbers.len()], numbers).map_err(reason)?;
                self.constants.push(Some((suffix, numbers)));
            }
            None => {
                self.computed.insert(self.constants.len(), (suffix, extents.to_vec()));
                self.constants.push(None);
            }
        }
        Ok(())
    }
}

impl<'a> Writer<'a> {
    pub(super) fn new(graph: &'a Graph, opset: i64) -> Self {
        let mut writer = Self {
            nodes: Vec::new(),
            initialisers: Vec::new(),
            graph,
            opset,
            written: vec![false; graph.values.len()],
            value_names: graph.values.iter().map(|value| value.name.clone()).collect(),
            node_names: graph.nodes.iter().map(|node| node.name.clone()).collect(),
            floats: BTreeMap::new(),
        };
        writer.name_floats();
        writer
    }

    /// Writes a constant among the initialisers, once; other values are left as they are.
    pub(super) fn constant(&mut self, id: ValueId) {
        if let (Some(constant), false) = (self.graph.constant(id), self.written[id.0]) {
            self.written[id.0] = true;
            self.initialisers.push(tensor(self.graph.value(id).name.clone(), constant));
        }
    }

    pub(super) fn node(&mut self, node: &Node) -> Result<(), OnnxError> {
        let fail = |reason| OnnxError::Export { node: node.name.clone(), op: node.op.name(), reason };
        for &input in &node.inputs {
            self.constant(input);
        }
        let output = self.name(node.outputs[0]).to_owned();
        let mut input: Vec<String> = node.inputs.iter().map(|&input| self.name(input).to_owned()).collect();
        if node.op == Op::Activation(Activation::Silu) {
            let sigmoid =
                self.helper((&node.name, &output), "sigmoid", Form::new("Sigmoid", Vec::new()), &input);
            input.push(sigmoid);
            self.nodes.push(proto(node.name.clone(), Form::new("Mul", Vec::new()), input, output));
            return Ok(());
        }
        if node.op == Op::Where {
            input[0] = self.helper((&node.name, &output), "condition", cast(DataType::Bool), &input[..1]);
        }
        let mut form = form(&node.op, self.opset).map_err(fail)?;
        let computed = std::mem::take(&mut form.computed);
        for (position, constant) in form.constants.drain(..).enumerate() {
            if let Some((suffix, extents)) = computed.get(&position) {
                input.push(self.sizes(&format!("{}_{suffix}", node.name), extents));
                continue;
            }
            let name = constant.map(|(suffix, constant)| {
                let name = self.new_name(&format!("{}.{suffix}", node.name));
                self.initialisers.push(tensor(name.clone(), &constant));
                name
            });
            input.push(name.unwrap_or_default());
        }
        match node.op.element() {
            Some(own) => self.whole(node, own, form, input),
            None => self.nodes.push(proto(node.name.clone(), form, input, output)),
        }
        Ok(())
    }

    /// Writes a node before one of name `node` and result `output`, and gives the name of its own result.
    pub(super) fn helper(
        &mut self,
        (node, output): (&str, &str),
        role: &str,
        form: Form,
        input: &[String],
    ) -> String {
        let result = self.new_name(&format!("{output}_{role}"));
        let known = &self.node_names;
        let name = free_name(&format!("{node}_{role}"), |name| known.contains(name));
        self.node_names.insert(name.clone());
        self.nodes.push(proto(name, form, input.to_vec(), result.clone()));
        result
    }

    pub(super) fn new_name(&mut self, name: &str) -> String {
        let name = free_name(name, |name| self.value_names.contains(name));
        self.value_names.insert(name.clone());
        name
    }
}

pub(super) fn proto(name: String, form: Form, input: Vec<String>, output: String) -> NodeProto {
    NodeProto {
        name: Some(name),
        op_type: Some(form.op.to_owned()),
        attribute: form.attributes,
        input,
        output: vec![output],
        ..NodeProto::default()
    }
}

/// The type of a condition, or back from it and from indices to the floats that all values are.
pub(super) fn cast(to: DataType) -> Form {
    Form::new("Cast", vec![int("to", to as usize)])
}

fn form(op: &Op, opset: i64) -> Result<Form, String> {
    let name = op.name();
    Ok(match op {
        Op::Conv(conv) => Form::new(name, conv_attributes(conv)?),
        Op::BatchNorm { epsilon } => Form::new(name, vec![float("epsilon", *epsilon)]),
        Op::Activation(Activation::Clip { min, max }) => clip(*min, *max)?,
        Op::Activation(activation) => Form::new(name, function_attributes(*activation)),
        Op::Binary(_) | Op::GlobalAveragePool | Op::Identity => Form::new(name, Vec::new()),
        Op::Concat { axis } | Op::Flatten { axis } | Op::Softmax { axis } => {
            Form::new(name, vec![int("axis", *axis)])
        }
        Op::MaxPool(pool) => {
            let mut attributes = pool_attributes(pool);
            attributes.push(ints("dilations", &pool.dilations));
            Form::new(name, attributes)
        }
        Op::AveragePool(pool) => {
            let mut attributes = pool_attributes(pool);
            attributes.push(flag("count_include_pad", pool.count_include_pad));
            if pool.dilations != [1, 1] {
                attributes.push(ints("dilations", &pool.dilations));
            }
            Form::new(name, attributes)
        }
        Op::Resize(resize) => super::resize::form(resize)?,
        Op::Reshape { shape, allow_zero } => {
            let mut form = Form::new(name, vec![flag("allowzero", *allow_zero)]);
            form.list("shape", shape)?;
            form
        }
        Op::Gemm(gemm) => Form::new(name, gemm_attributes(gemm)?),
        Op::Pad(pad) => pad_form(pad)?,
        Op::LogSoftmax { axis } => Form::new(name, vec![int("axis", *axis)]),
        Op::Where | Op::GlobalMaxPool | Op::MatMul => Form::new(name, Vec::new()),
        Op::ConvTranspose(conv) => Form::new(name, transposed_attributes(conv)?),
        Op::Norm(norm) => {
            let mut attributes = vec![float("epsilon", norm.epsilon)];
            match norm.statistics {
                Statistics::Instance => {}
                Statistics::Group { groups } => attributes.push(int("num_groups", groups)),
                Statistics::Layer { axis } => attributes.push(int("axis", axis)),
            }
            Form::new(name, attributes)
        }
        Op::Reduce(op) => super::reduce::form(name, op, opset)?,
        Op::ArgMax(op) => {
            let last = flag("select_last_index", op.last);
            Form::new(name, vec![int("axis", op.axis), flag("keepdims", op.keep_dims), last])
        }
        Op::Move(kind) => super::moves::form(kind)?,
        Op::Squeeze { axes } | Op::Unsqueeze { axes } => super::moves::with_axes(name, axes)?,
        Op::Training(_) => return Err("only training graphs have it, ONNX does not".to_owned()),
    })
}

pub(super) fn reason(error: TensorError) -> String {
    error.to_string()
}

fn plain(epilogue: Epilogue) -> Result<(), String> {
    match epilogue {
        Epilogue::Plain => Ok(()),
        fused => Err(format!("expected an operator of ONNX, found a fused epilogue {fused:?}")),
    }
}

fn conv_attributes(conv: &Conv2d) -> Result<Vec<AttributeProto>, String> {
    plain(conv.epilogue)?;
    Ok(vec![
        ints("dilations", &conv.dilations),
        int("group", conv.groups),
        ints("kernel_shape", &conv.kernel),
        padding(conv.pads),
        ints("strides", &conv.strides),
    ])
}

fn transposed_attributes(conv: &ConvTranspose) -> Result<Vec<AttributeProto>, String> {
    plain(conv.epilogue)?;
    Ok(vec![
        ints("dilations", &conv.dilations),
        int("group", conv.groups),
        ints("kernel_shape", &conv.kernel),
        ints("output_padding", &conv.output_padding),
        padding(conv.pads),
        ints("strides", &conv.strides),
    ])
}

fn gemm_attributes(gemm: &Gemm) -> Result<Vec<AttributeProto>, String> {
    plain(gemm.epilogue)?;
    Ok(vec![
        float("alpha", gemm.alpha),
        float("beta", gemm.beta),
        flag("transA", gemm.trans_a),
        flag("transB", gemm.trans_b),
    ])
}

fn pool_attributes(pool: &Pool) -> Vec<AttributeProto> {
    vec![
        flag("ceil_mode", pool.ceil_mode),
        ints("kernel_shape", &pool.kernel),
        padding(pool.pads),
        ints("strides", &pool.strides),
    ]
}

fn padding(pads: Padding) -> AttributeProto {
    match pads {
        Padding::Explicit(margins) => ints("pads", &margins),
        Padding::SameUpper => string("auto_pad", "SAME_UPPER"),
        Padding::SameLower => string("auto_pad", "SAME_LOWER"),
    }
}

fn function_attributes(activation: Activation) -> Vec<AttributeProto> {
    match activation {
        Activation::LeakyRelu { alpha } | Activation::Elu { alpha } => vec![float("alpha", alpha)],
        Activation::Selu { alpha, gamma } => vec![float("alpha", alpha), float("gamma", gamma)],
        Activation::HardSigmoid { alpha, beta } => vec![float("alpha", alpha), float("beta", beta)],
        Activation::Gelu { tanh } => vec![string("approximate", if tanh { "tanh" } else { "none" })],
        Activation::None
        | Activation::Relu
        | Activation::Sigmoid
        | Activation::Tanh
        | Activation::Clip { .. }
        | Activation::HardSwish
        | Activation::Silu
        | Activation::Mish
        | Activation::Softplus
        | Activation::Erf
        | Activation::Exp
        | Activation::Log
        | Activation::Sqrt
        | Activation::Abs
        | Activation::Neg
        | Activation::Reciprocal => Vec::new(),
    }
}

fn clip(min: f32, max: f32) -> Result<Form, String> {
    let mut form = Form::new("Clip", Vec::new());
    for (suffix, bound, infinite) in [("min", min, f32::NEG_INFINITY), ("max", max, f32::INFINITY)] {
        let scalar = Tensor::from_f32(Vec::new(), vec![bound]).map_err(reason)?;
        form.constants.push((bound != infinite).then_some((suffix, scalar)));
    }
    while matches!(form.constants.last(), Some(None)) {
        form.constants.pop();
    }
    Ok(form)
}

fn pad_form(pad: &Pad) -> Result<Form, String> {
    let (mode, filling) = match pad.mode {
        PadMode::Constant(filling) => ("constant", Some(filling)),
        PadMode::Reflect => ("reflect", None),
        PadMode::Edge => ("edge", None),
    };
    let [top, left, bottom, right] = pad.margins.map(|margin| margin as i64);
    let pads = Tensor::from_i64(vec![8], vec![0, 0, top, left, 0, 0, bottom, right]).map_err(reason)?;
    let mut form = Form::new("Pad", vec![string("mode", mode)]);
    form.constants.push(Some(("pads", pads)));
    if let Some(filling) = filling {
        form.constants.push(Some(("value", Tensor::from_f32(Vec::new(), vec![filling]).map_err(reason)?)));
    }
    Ok(form)
}
