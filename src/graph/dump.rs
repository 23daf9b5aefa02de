//! Graphs as text, one line a node: for people, snapshots and differences.

use super::{
    Activation, Conv2d, ConvTranspose, Dim, Epilogue, Gemm, Graph, Interpolation, Move, Norm, Op, Pad,
    PadMode, Padding, Pool, Resize, SliceAxis, Statistics, Target, Training, ValueId,
};
use std::fmt::{Display, Write};

impl Graph {
    /// The graph as text: inputs, then nodes with attributes and inputs in execution order, then outputs. With
    /// `shapes` (of every value, by id), every value carries its dimensions.
    pub fn dump(&self, shapes: Option<&[Vec<usize>]>) -> String {
        let value = |id: ValueId| match shapes {
            Some(shapes) => format!("{} {}", self.value(id).name, bracket(&shapes[id.0])),
            None => self.value(id).name.clone(),
        };
        let list = |ids: &[ValueId]| ids.iter().map(|&id| value(id)).collect::<Vec<_>>().join(", ");
        let mut text = format!("graph {}\n", self.name);
        for &input in &self.inputs {
            let dims = self.value(input).dims.as_deref().unwrap_or_default();
            line(&mut text, &["input", &self.value(input).name, &bracket(dims)]);
        }
        for node in &self.nodes {
            let call = format!("{}({})", node.op.name(), list(&node.inputs));
            let (attributes, output) = (attributes(&node.op), list(&node.outputs));
            line(&mut text, &[&format!("{}:", node.name), &output, "=", &call, &attributes]);
        }
        for &output in &self.outputs {
            line(&mut text, &["output", &value(output)]);
        }
        text
    }
}

fn line(text: &mut String, parts: &[&str]) {
    text.push_str(parts.join(" ").trim_end());
    text.push('\n');
}

fn bracket(items: &[impl Display]) -> String {
    let items: Vec<String> = items.iter().map(ToString::to_string).collect();
    format!("[{}]", items.join(", "))
}

impl Display for Dim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Fixed(size) => write!(f, "{size}"),
            Self::Symbol(name) => f.write_str(name),
        }
    }
}

/// The attributes that are not the usual ones, as `name=value` words.
pub fn attributes(op: &Op) -> String {
    match op {
        Op::Conv(conv) => convolution(conv),
        Op::BatchNorm { epsilon } => format!("epsilon={epsilon}"),
        Op::Activation(activation) => function(*activation),
        Op::Concat { axis } | Op::Flatten { axis } | Op::Softmax { axis } => format!("axis={axis}"),
        Op::MaxPool(pool) | Op::AveragePool(pool) => pooling(pool),
        Op::Resize(resize) => resizing(resize),
        Op::Reshape { shape, allow_zero } => {
            format!("shape={}{}", bracket(shape), if *allow_zero { " allow_zero" } else { "" })
        }
        Op::Gemm(gemm) => product(gemm),
        Op::Pad(pad) => padding(pad),
        Op::LogSoftmax { axis } => format!("axis={axis}"),
        Op::Reduce(reduce) => format!("axes={} keep_dims={}", bracket(&reduce.axes), reduce.keep_dims),
        Op::ArgMax(op) => format!("axis={} keep_dims={} last={}", op.axis, op.keep_dims, op.last),
        Op::Norm(norm) => normalisation(norm),
        Op::ConvTranspose(conv) => transposed(conv),
        Op::Move(kind) => movement(kind),
        Op::Squeeze { axes } | Op::Unsqueeze { axes } => format!("axes={}", bracket(axes)),
        Op::Binary(_) | Op::GlobalAveragePool | Op::Identity | Op::Where | Op::GlobalMaxPool | Op::MatMul => {
            String::new()
        }
        Op::Training(op) => training(op),
    }
}

fn training(op: &Training) -> String {
    match op {
        Training::ConvWeight(conv) => convolution(conv),
        Training::Activation { of, from_output } => {
            format!("of={} from_output={from_output} {}", of.name(), function(*of)).trim_end().to_owned()
        }
        Training::MaxPool(pool) | Training::AveragePool { pool, .. } => pooling(pool),
        Training::Resize { resize, size } => format!("size={} {}", bracket(size), resizing(resize)),
        Training::Move { of, shape } => format!("of={} {} shape={}", of.name(), movement(of), bracket(shape)),
        Training::BatchNorm(op) | Training::BatchNormSums(op) | Training::BatchNormInput(op) => {
            format!("epsilon={} activation={}", op.epsilon, op.activation.name())
        }
        Training::Loss(kind) => format!("kind={kind:?}"),
        Training::GemmWeight | Training::ChannelSum | Training::BatchMoments => String::new(),
    }
}

fn function(activation: Activation) -> String {
    match activation {
        Activation::LeakyRelu { alpha } => format!("alpha={alpha}"),
        Activation::Clip { min, max } => format!("min={min} max={max}"),
        Activation::Elu { alpha } => format!("alpha={alpha}"),
        Activation::Selu { alpha, gamma } => format!("alpha={alpha} gamma={gamma}"),
        Activation::HardSigmoid { alpha, beta } => format!("alpha={alpha} beta={beta}"),
        Activation::Gelu { tanh: true } => "approximate=tanh".to_owned(),
        Activation::None
        | Activation::Relu
        | Activation::Sigmoid
        | Activation::Tanh
        | Activation::HardSwish
        | Activation::Silu
        | Activation::Mish
        | Activation::Softplus
        | Activation::Gelu { tanh: false }
        | Activation::Erf
        | Activation::Exp
        | Activation::Log
        | Activation::Sqrt
        | Activation::Abs
        | Activation::Neg
        | Activation::Reciprocal => String::new(),
    }
}

/// Words of a line of attributes.
#[derive(Default)]
struct Words(String);

impl Words {
    fn add(&mut self, name: &str, value: impl Display) {
        let separator = if self.0.is_empty() { "" } else { " " };
        // Writing to a string cannot fail.
        let _ = write!(self.0, "{separator}{name}={value}");
    }

    fn unless<T: PartialEq + Display>(&mut self, name: &str, value: T, usual: T) {
        if value != usual {
            self.add(name, value);
        }
    }

    fn pair(&mut self, name: &str, [vertical, horizontal]: [usize; 2], usual: [usize; 2]) {
        if [vertical, horizontal] != usual {
            self.add(name, format!("{vertical}x{horizontal}"));
        }
    }

    fn pads(&mut self, pads: Padding) {
        match pads {
            Padding::Explicit([0, 0, 0, 0]) => {}
            Padding::Explicit(margins) => self.add("pads", bracket(&margins)),
            Padding::SameUpper => self.add("pads", "same_upper"),
            Padding::SameLower => self.add("pads", "same_lower"),
        }
    }

    fn epilogue(&mut self, epilogue: Epilogue) {
        let named = |activation: Activation| {
            let attributes = function(activation);
            let name = activation.name();
            if attributes.is_empty() { name.to_owned() } else { format!("{name}({attributes})") }
        };
        match epilogue {
            Epilogue::Plain => {}
            Epilogue::Activation(activation) => self.add("then", named(activation)),
            Epilogue::AddThenActivation(activation) => self.add("then", format!("Add,{}", named(activation))),
            Epilogue::ActivationThenAdd(activation) => self.add("then", format!("{},Add", named(activation))),
        }
    }
}

fn convolution(conv: &Conv2d) -> String {
    let mut words = Words::default();
    words.pair("kernel", conv.kernel, [0, 0]);
    words.pair("strides", conv.strides, [1, 1]);
    words.pads(conv.pads);
    words.pair("dilations", conv.dilations, [1, 1]);
    words.unless("groups", conv.groups, 1);
    words.epilogue(conv.epilogue);
    words.0
}

fn normalisation(norm: &Norm) -> String {
    let mut words = Words::default();
    match norm.statistics {
        Statistics::Instance => {}
        Statistics::Group { groups } => words.add("groups", groups),
        Statistics::Layer { axis } => words.add("axis", axis),
    }
    words.add("epsilon", norm.epsilon);
    words.0
}

fn transposed(conv: &ConvTranspose) -> String {
    let mut words = Words::default();
    words.pair("kernel", conv.kernel, [0, 0]);
    words.pair("strides", conv.strides, [1, 1]);
    words.pads(conv.pads);
    words.pair("output_padding", conv.output_padding, [0, 0]);
    words.pair("dilations", conv.dilations, [1, 1]);
    words.unless("groups", conv.groups, 1);
    words.epilogue(conv.epilogue);
    words.0
}

fn movement(kind: &Move) -> String {
    match kind {
        Move::Transpose { perm } => format!("perm={}", bracket(perm)),
        Move::Slice(axes) => {
            let axis = |a: &SliceAxis| format!("axis {}: {}..{} by {}", a.axis, a.start, a.end, a.step);
            bracket(&axes.iter().map(axis).collect::<Vec<_>>())
        }
        Move::Expand { shape } => format!("shape={}", bracket(shape)),
        Move::Tile { repeats } => format!("repeats={}", bracket(repeats)),
        Move::Gather { axis, indices, shape } => {
            let indices =
                if indices.len() > 16 { format!("{} of them", indices.len()) } else { bracket(indices) };
            format!("axis={axis} indices={indices} shape={}", bracket(shape))
        }
        Move::Pad { amounts, mode } => {
            let amounts: Vec<_> = amounts.iter().map(|pair| bracket(pair)).collect();
            format!("amounts={} mode={mode:?}", bracket(&amounts))
        }
        Move::DepthToSpace { block, order } => format!("block={block} order={order:?}"),
        Move::SpaceToDepth { block } => format!("block={block}"),
    }
}

fn pooling(pool: &Pool) -> String {
    let mut words = Words::default();
    words.pair("kernel", pool.kernel, [0, 0]);
    words.pair("strides", pool.strides, [1, 1]);
    words.pads(pool.pads);
    words.pair("dilations", pool.dilations, [1, 1]);
    words.unless("ceil_mode", pool.ceil_mode, false);
    words.unless("count_include_pad", pool.count_include_pad, false);
    words.0
}

fn resizing(resize: &Resize) -> String {
    let mut words = Words::default();
    match &resize.target {
        Target::Scales([vertical, horizontal]) => words.add("scales", format!("{vertical}x{horizontal}")),
        Target::Sizes(sizes) => words.pair("sizes", *sizes, [0, 0]),
        Target::Computed(sizes) => words.add("sizes", format!("{}x{}", sizes[0], sizes[1])),
        Target::Fit { sizes, cover } => {
            let side = |side: Option<usize>| side.map_or("same".to_owned(), |side| side.to_string());
            let name = if *cover { "cover" } else { "fit" };
            words.add(name, format!("{}x{}", side(sizes[0]), side(sizes[1])));
        }
    }
    words.add("coordinates", format!("{:?}", resize.coordinates));
    match resize.interpolation {
        Interpolation::Linear => words.add("mode", "Linear"),
        Interpolation::Filter(filter) => {
            words.add("mode", filter.cubic.map_or("Linear".to_owned(), |a| format!("Cubic({a})")));
            words.unless("antialias", filter.antialias, false);
            words.unless("exclude_outside", filter.exclude_outside, false);
        }
        Interpolation::Nearest(rounding) => words.add("mode", format!("Nearest({rounding:?})")),
    }
    words.0
}

fn product(gemm: &Gemm) -> String {
    let mut words = Words::default();
    words.unless("alpha", gemm.alpha, 1.0);
    words.unless("beta", gemm.beta, 1.0);
    words.unless("trans_a", gemm.trans_a, false);
    words.unless("trans_b", gemm.trans_b, false);
    words.epilogue(gemm.epilogue);
    words.0
}

fn padding(pad: &Pad) -> String {
    let mut words = Words::default();
    words.add("pads", bracket(&pad.margins));
    match pad.mode {
        PadMode::Constant(filling) => words.unless("value", filling, 0.0),
        PadMode::Reflect => words.add("mode", "Reflect"),
        PadMode::Edge => words.add("mode", "Edge"),
    }
    words.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Builder, Coordinates, Sizes};
    use crate::tensor::Tensor;

    fn ones(shape: &[usize]) -> Tensor {
        Tensor::from_f32(shape.to_vec(), vec![1.0; shape.iter().product()]).unwrap()
    }

    #[test]
    fn one_line_a_node() {
        let mut b = Builder::new("net");
        let x = b.image("x", [2, 8, 8]);
        let epilogue = Epilogue::Activation(Activation::Clip { min: 0.0, max: 6.0 });
        let pads = Padding::Explicit([1, 1, 1, 1]);
        let conv = Conv2d { strides: [2, 1], groups: 2, pads, epilogue, ..Conv2d::new([3, 3]) };
        let y = b.conv(x, conv, ones(&[4, 1, 3, 3]), Some(ones(&[4])));
        let y = b.max_pool(y, Pool { pads: Padding::SameUpper, ceil_mode: true, ..Pool::new([2, 3]) });
        let resize = Resize {
            target: Target::Scales([2.0, 1.5]),
            coordinates: Coordinates::HalfPixel,
            interpolation: Interpolation::Linear,
        };
        let y = b.resize(y, resize);
        let y = b.add(y, y);
        let y = b.pad(y, Pad { margins: [1, 0, 0, 1], mode: PadMode::Constant(0.5) });
        let y = b.reshape(y, &[0, -1]);
        b.output(y, "y");
        let graph = b.finish().unwrap();
        let shapes = graph.infer(&Sizes::batch(1)).unwrap();
        let plain = "\
graph net
input x [N, 2, 8, 8]
conv_0: conv_0_out = Conv(x, conv_0.weight, conv_0.bias) kernel=3x3 strides=2x1 pads=[1, 1, 1, 1] groups=2 \
                     then=Clip(min=0 max=6)
maxpool_1: maxpool_1_out = MaxPool(conv_0_out) kernel=2x3 pads=same_upper ceil_mode=true
resize_2: resize_2_out = Resize(maxpool_1_out) scales=2x1.5 coordinates=HalfPixel mode=Linear
add_3: add_3_out = Add(resize_2_out, resize_2_out)
pad_4: pad_4_out = Pad(add_3_out) pads=[1, 0, 0, 1] value=0.5
reshape_5: y = Reshape(pad_4_out) shape=[0, -1]
output y
";
        assert_eq!(graph.dump(None), plain);
        let shaped = graph.dump(Some(&shapes));
        let pool = "maxpool_1: maxpool_1_out [1, 4, 4, 8] = MaxPool(conv_0_out [1, 4, 4, 8]) kernel=2x3";
        assert!(shaped.lines().any(|line| line.starts_with(pool)), "{shaped}");
        assert!(shaped.ends_with("output y [1, 468]\n"), "{shaped}");
    }

    #[test]
    fn fused_sums_and_products() {
        let add = Epilogue::AddThenActivation(Activation::Relu);
        let fused = Op::Conv(Conv2d { epilogue: add, ..Conv2d::new([1, 1]) });
        assert_eq!(attributes(&fused), "kernel=1x1 then=Add,Relu");
        let add = Epilogue::ActivationThenAdd(Activation::LeakyRelu { alpha: 0.5 });
        let fused = Op::Conv(Conv2d { epilogue: add, ..Conv2d::new([1, 1]) });
        assert_eq!(attributes(&fused), "kernel=1x1 then=LeakyRelu(alpha=0.5),Add");
        let gemm = Op::Gemm(Gemm { alpha: 0.5, trans_b: true, ..Gemm::default() });
        assert_eq!(attributes(&gemm), "alpha=0.5 trans_b=true");
    }
}
