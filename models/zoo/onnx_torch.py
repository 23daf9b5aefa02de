"""Runs ONNX files in PyTorch with gradients: the operators that the zoo's and the bundled network's files need.

Batch norms are `train`ed (they normalise by the moments of each batch) or `fold`ed into the convolution before them.
"""

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from onnx import helper, numpy_helper

ROLES = {
    "Conv": ("weight", "bias"),
    "ConvTranspose": ("weight", "bias"),
    "Gemm": ("weight", "bias"),
    "BatchNormalization": ("scale", "shift"),
    "LayerNormalization": ("scale", "shift"),
}
TYPES = {onnx.TensorProto.FLOAT: torch.float64, onnx.TensorProto.INT64: torch.int64}


def attributes(node):
    return {a.name: helper.get_attribute_value(a) for a in node.attribute}


class Network:
    """An ONNX file. `trained` has its parameters by the name of their node and what they are for it."""

    def __init__(self, file, normalisation, dtype=torch.float64):
        self.model = onnx.load(file)
        self.train = normalisation == "train"
        self.nodes = list(self.model.graph.node)
        self.outputs = [output.name for output in self.model.graph.output]
        self.opset = self.model.opset_import[0].version
        self.measured = None
        self.constants = {}
        for tensor in self.model.graph.initializer:
            value = torch.from_numpy(numpy_helper.to_array(tensor).copy())
            self.constants[tensor.name] = value.to(dtype) if value.is_floating_point() else value
        self.trained = {}
        if normalisation == "fold":
            self.fold()
        for node in self.nodes:
            for role, name in zip(ROLES.get(node.op_type, ()), node.input[1:3]):
                if node.op_type != "BatchNormalization" or self.train:
                    parameter = self.constants[name].requires_grad_()
                    self.trained[f"{node.name} {role}"] = parameter
        self.train_products()

    def train_products(self):
        """Trains the constants of matrix products, and what alone is added to one of those."""
        readers = {}
        for node in self.nodes:
            for name in node.input:
                readers.setdefault(name, []).append(node)
        for node in self.nodes:
            if node.op_type != "MatMul" or node.input[1] not in self.constants:
                continue
            self.trained[f"{node.name} weight"] = self.constants[node.input[1]].requires_grad_()
            after = readers[node.output[0]]
            if [reader.op_type for reader in after] == ["Add"]:
                (other,) = (name for name in after[0].input if name != node.output[0])
                if other in self.constants:
                    self.trained[f"{node.name} bias"] = self.constants[other].requires_grad_()

    def fold(self):
        """Makes every batch norm behind a convolution a part of that."""
        readers = {}
        for node in self.nodes:
            for name in node.input:
                readers.setdefault(name, []).append(node)
        kept = []
        for node in self.nodes:
            before = kept[-1] if kept else node
            follows = before.op_type == "Conv" and before.output[0] in node.input and len(readers[before.output[0]]) == 1
            if node.op_type == "BatchNormalization" and follows:
                scale, shift, mean, variance = (self.constants[name] for name in node.input[1:5])
                factor = scale / (variance + attributes(node).get("epsilon", 1e-5)).sqrt()
                weight = self.constants[before.input[1]]
                bias = self.constants[before.input[2]] if len(before.input) > 2 else torch.zeros_like(mean)
                names = [f"{before.name} folded {role}" for role in ("weight", "bias")]
                self.constants[names[0]] = weight * factor.reshape(-1, *[1] * (weight.dim() - 1))
                self.constants[names[1]] = (bias - mean) * factor + shift
                merged = onnx.NodeProto()
                merged.CopyFrom(before)
                del merged.input[1:]
                merged.input.extend(names)
                merged.output[0] = node.output[0]
                kept[-1] = merged
            else:
                kept.append(node)
        self.nodes = kept

    def run(self, image):
        """The outputs in the file's order."""
        values = {self.model.graph.input[0].name: image, "": None, **self.constants}
        for node in self.nodes:
            inputs = [values[name] for name in node.input]
            values[node.output[0]] = self.apply(node, inputs, attributes(node))
        return [values[name] for name in self.outputs]

    def estimate(self, batches):
        """Gives batch norms the moments of many pictures: the mean of those of batches, which normalise by their own, and
        the variance of their means added to the variance."""
        self.measured = {}
        with torch.no_grad():
            for images in batches:
                self.run(images)
        for names, moments in self.measured.items():
            moments = torch.stack(moments)
            mean, variance = moments.mean(0)
            variance = variance + moments[:, 0].var(0, correction=0)
            for name, value in zip(names, (mean, variance)):
                self.constants[name] = value.to(self.constants[name].dtype)
        self.measured = None

    def save(self, file):
        """Writes the network with the constants of now."""
        model = onnx.ModelProto()
        model.CopyFrom(self.model)
        read = {name for node in self.nodes for name in node.input}
        arrays = {name: value.detach().numpy() for name, value in self.constants.items() if name in read}
        for field, items in (
            (model.graph.node, self.nodes),
            (model.graph.initializer, [numpy_helper.from_array(array, name) for name, array in arrays.items()]),
        ):
            del field[:]
            field.extend(items)
        onnx.checker.check_model(model, full_check=True)
        onnx.save(model, file)

    def apply(self, node, inputs, a):
        x = inputs[0] if inputs else None
        op = node.op_type
        if op == "Constant":
            value = torch.from_numpy(np.array(numpy_helper.to_array(a["value"])))
            dtype = next(iter(self.trained.values())).dtype
            return value.to(dtype) if value.is_floating_point() else value
        if op in ("Conv", "ConvTranspose"):
            return self.convolve(op, inputs, a)
        if op == "Gemm":
            assert a.get("transA", 0) == 0 and a.get("alpha", 1.0) == 1.0 and a.get("beta", 1.0) == 1.0
            return F.linear(x, inputs[1] if a.get("transB", 0) else inputs[1].T, *inputs[2:])
        if op == "BatchNormalization":
            return self.normalise(node, inputs, a.get("epsilon", 1e-5))
        if op in ("MaxPool", "AveragePool", "GlobalAveragePool", "Resize"):
            return resample(op, inputs, a)
        simple = {
            "Relu": lambda: F.relu(x),
            "Sigmoid": lambda: torch.sigmoid(x),
            "Identity": lambda: x,
            "Add": lambda: x + inputs[1],
            "Mul": lambda: x * inputs[1],
            "Clip": lambda: torch.clamp(x, *(float(bound) for bound in inputs[1:])),
            "Flatten": lambda: x.flatten(a.get("axis", 1)),
            "Concat": lambda: torch.cat(inputs, a["axis"]),
            "Shape": lambda: torch.tensor(x.shape),
            "Gather": lambda: x[inputs[1]],
            "Unsqueeze": lambda: x.reshape(1),
            "Cast": lambda: x.to(TYPES[a["to"]]),
            "Div": lambda: torch.div(x, inputs[1], rounding_mode=None if x.is_floating_point() else "trunc"),
            "Erf": lambda: torch.erf(x),
            "LayerNormalization": lambda: normalised(inputs, a),
            "MatMul": lambda: x @ inputs[1],
            "ReduceMean": lambda: x.mean(a["axes"], keepdim=bool(a.get("keepdims", 1))),
            "Reshape": lambda: x.reshape(inputs[1].tolist()),
            "Softmax": lambda: torch.softmax(x, a.get("axis", -1)),
            "Transpose": lambda: x.permute(a["perm"]),
        }
        if op == "Slice":
            return sliced(*inputs)
        if op not in simple:
            raise SystemExit(f"{node.name}: {op} is not known here")
        return simple[op]()

    def convolve(self, op, inputs, a):
        x, weight, *bias = inputs
        top, left, bottom, right = a.get("pads", [0] * 4)
        settings = {"stride": a.get("strides", [1, 1]), "dilation": a.get("dilations", [1, 1]), "groups": a.get("group", 1)}
        if op == "ConvTranspose":
            assert (top, left) == (bottom, right) and "output_padding" not in a
            return F.conv_transpose2d(x, weight, *bias, padding=(top, left), **settings)
        return F.conv2d(F.pad(x, (left, right, top, bottom)), weight, *bias, **settings)

    def normalise(self, node, inputs, epsilon):
        x, scale, shift, mean, variance = inputs
        if self.train:
            if self.measured is not None:
                variance, mean = torch.var_mean(x.double(), (0, 2, 3), correction=0)
                self.measured.setdefault(tuple(node.input[3:5]), []).append(torch.stack([mean, variance]))
            return F.batch_norm(x, None, None, scale, shift, True, 0.0, epsilon)
        return F.batch_norm(x, mean, variance, scale, shift, False, 0.0, epsilon)


def resample(op, inputs, a):
    x = inputs[0]
    if op == "GlobalAveragePool":
        return x.mean((2, 3), keepdim=True)
    if op in ("MaxPool", "AveragePool"):
        top, left, bottom, right = a.get("pads", [0] * 4)
        assert (top, left) == (bottom, right) and not a.get("ceil_mode", 0)
    if op == "AveragePool":
        assert (top, left) == (0, 0)
        return F.avg_pool2d(x, a["kernel_shape"], a["strides"])
    if op == "MaxPool":
        return F.max_pool2d(x, a["kernel_shape"], a["strides"], (top, left), a.get("dilations", [1, 1]))
    scales = [float(scale) for scale in inputs[2][2:]]
    if a["mode"] == b"nearest":
        assert (a["coordinate_transformation_mode"], a["nearest_mode"]) == (b"asymmetric", b"floor")
        return F.interpolate(x, scale_factor=scales, mode="nearest")
    assert (a["mode"], a["coordinate_transformation_mode"]) == (b"linear", b"half_pixel")
    return F.interpolate(x, scale_factor=scales, mode="bilinear", align_corners=False)


def normalised(inputs, a):
    x, scale, shift = inputs
    return F.layer_norm(x, x.shape[a.get("axis", -1):], scale, shift, a.get("epsilon", 1e-5))


def sliced(x, starts, ends, axes, steps=None):
    index = [slice(None)] * x.dim()
    steps = [1] * len(axes) if steps is None else steps.tolist()
    for start, end, axis, step in zip(starts.tolist(), ends.tolist(), axes.tolist(), steps):
        index[axis] = slice(start, end, step)
    return x[tuple(index)]
