"""Makes the zoo: ONNX files of small networks with random weights, and what ONNX Runtime computes with them.

    make.py [--only NAME]

See README.md for what is written and how it is read.
"""

import argparse
import io
import math
import pathlib
import warnings
from dataclasses import dataclass
from typing import Callable

import numpy as np
import onnx
import onnxruntime
import torch
from torch import nn

import classification
import dense
import detection
import multitask

FOLDER = pathlib.Path(__file__).parent
MOST_BYTES = 1_000_000
SAMPLES = 1024


@dataclass
class Network:
    """One file. `folded`: batch norms are folded into convolutions where the exporter can; `other`: rows and columns
    of a second size, for which rows and columns are symbolic."""

    name: str
    build: Callable[[], nn.Module]
    outputs: tuple[str, ...]
    opset: int
    folded: bool
    other: tuple[int, int] | None = None
    size: tuple[int, int] = (64, 64)


ZOO = (
    Network("resnet18", classification.resnet18, ("logits",), 13, False, (96, 80)),
    Network("vgg11", classification.vgg, ("logits",), 11, True),
    Network("densenet", classification.densenet, ("logits",), 12, False, (96, 64)),
    Network("mobilenet_v2", classification.mobilenet_v2, ("logits",), 11, True, (80, 72)),
    Network("mobilenet_v3", classification.mobilenet_v3, ("logits",), 14, False),
    Network("efficientnet_b0", classification.efficientnet_b0, ("logits",), 17, True, (72, 88)),
    Network("shufflenet_v2", classification.shufflenet_v2, ("logits",), 12, True, (96, 64)),
    Network("resnext", classification.resnext, ("logits",), 15, False),
    Network("vit", classification.VisionTransformer, ("logits",), 17, True),
    Network("unet", lambda: dense.UNet(padded=False), ("map",), 16, False, (50, 70)),
    Network("unet_padded", lambda: dense.UNet(padded=True), ("map",), 11, True, None, (60, 52)),
    Network("deeplab_v3", dense.DeepLabV3, ("map",), 13, True, (72, 100)),
    Network("hrnet", dense.HrNetSegmentation, ("map",), 16, False, (64, 96)),
    Network("yolov5n", detection.Yolov5, ("p3", "p4", "p5"), 12, True, (96, 64)),
    Network("yolov8n", detection.Yolov8, ("cells",), 17, True),
    Network("yolox_nano", detection.Yolox, ("cells",), 11, False, (64, 96)),
    Network("cross_stitch", multitask.CrossStitch, ("classes", "depth"), 18, False),
    Network("mtan", multitask.Mtan, multitask.Mtan.tasks, 14, False, (72, 56)),
    Network("pad_net", multitask.PadNet, multitask.PadNet.tasks, 18, True, (80, 64)),
    Network("mti_net", multitask.MtiNet, tuple(multitask.TASKS), 17, False, (64, 96)),
)


def numbers(seed, count):
    """Uniform in -1..1, exact in f32: the generator that the tests have too."""
    state = (seed * 747_796_405 + 2_891_336_453) % 2**32
    found = np.empty(count, np.float32)
    for i in range(count):
        state = (state * 1_664_525 + 1_013_904_223) % 2**32
        found[i] = (state >> 8) / 2**23 - 1.0
    return found


def randomise(module):
    """Statistics and parameters of norms, biases, as a trained network could have them."""
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.normal_(layer.running_mean, 0.0, 0.3)
            nn.init.uniform_(layer.running_var, 0.5, 1.5)
        if isinstance(layer, (nn.BatchNorm2d, nn.LayerNorm)):
            nn.init.uniform_(layer.weight, 0.5, 1.5)
            nn.init.normal_(layer.bias, 0.0, 0.3)
        if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)) and not hasattr(layer, "fixed"):
            nn.init.normal_(layer.weight, 0.0, 1.0)
            if layer.bias is not None:
                nn.init.normal_(layer.bias, 0.0, 0.3)


def calibrate(module, example):
    """Scales the weights of every convolution and linear layer so that what it computes has the deviation 1: no
    network of the zoo explodes or fades, however deep."""
    done = set()

    def scale(layer, inputs, _):
        if layer in done or hasattr(layer, "fixed"):
            return None
        done.add(layer)
        bias = layer.bias
        layer.bias = None
        deviation = layer.forward(*inputs).std()
        layer.weight.data /= deviation.clamp(min=0.05)
        layer.bias = bias
        return layer.forward(*inputs)

    kinds = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)
    hooks = [layer.register_forward_hook(scale) for layer in module.modules() if isinstance(layer, kinds)]
    module(example)
    for hook in hooks:
        hook.remove()


def export(network, module):
    """The ONNX file's bytes, without notes of where it was made."""
    dynamic = {0: "batch", 2: "height", 3: "width"} if network.other else {0: "batch"}
    axes = {"image": dynamic, **{name: {0: "batch"} for name in network.outputs}}
    mode = torch.onnx.TrainingMode.EVAL if network.folded else torch.onnx.TrainingMode.PRESERVE
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module, torch.zeros(2, 3, *network.size), buffer, opset_version=network.opset, dynamo=False, training=mode,
            input_names=["image"], output_names=list(network.outputs), dynamic_axes=axes,
        )
    proto = onnx.load_from_string(buffer.getvalue())
    for node in proto.graph.node:
        node.ClearField("doc_string")
    onnx.checker.check_model(proto, full_check=True)
    kept = sum(node.op_type == "BatchNormalization" for node in proto.graph.node)
    assert kept > 0 or network.folded, f"{network.name} lost its batch norms"
    return proto.SerializeToString()


def samples(y):
    """Some elements of an output in row-major order: every k-th, k having no divisor in common with a dimension."""
    step = max(1, math.ceil(y.size / SAMPLES))
    while step > 1 and any(math.gcd(step, size) > 1 for size in y.shape):
        step += 1
    return step, y.reshape(-1)[::step]


def cases(network):
    """Seed and shape of the inputs that are tried."""
    yield 1, (1, 3, *network.size)
    yield 2, (3, 3, *network.size)
    if network.other:
        yield 3, (2, 3, *network.other)


def check_output(label, y):
    assert np.isfinite(y).all(), f"{label} is not finite"
    assert 1e-2 < y.std() and np.abs(y).max() < 1000, f"{label}: deviation {y.std()}, largest {np.abs(y).max()}"


def golden(network, file):
    """What ONNX Runtime computes: lines of TOML, and the sampled numbers of all cases and outputs in a row."""
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    lines, parts, at, first = [], [], 0, None
    for seed, shape in cases(network):
        found = session.run(list(network.outputs), {"image": numbers(seed, math.prod(shape)).reshape(shape)})
        lines += ["", "[[network.case]]", f"seed = {seed}", f"input = {list(shape)}"]
        for name, y in zip(network.outputs, found):
            check_output(f"{name} of {network.name}", y)
            step, part = samples(y)
            lines += ["", "[[network.case.output]]", f'name = "{name}"', f"shape = {list(y.shape)}"]
            lines += [f"step = {step}", f"first = {at}", f"count = {part.size}", f"largest = {np.abs(y).max():.9e}"]
            parts.append(part)
            at += part.size
        first = first or found
        if shape[0] == 3:
            changed = [np.abs(a - b[:1]).max() / np.abs(a).max() for a, b in zip(first, found)]
            assert min(changed) > 0.02, f"{network.name} hardly depends on its input: {changed}"
    return lines, np.concatenate(parts).astype(np.float32)


def make(network):
    torch.manual_seed(sum(map(ord, network.name)))
    module = network.build().eval()
    example = torch.from_numpy(numbers(0, 4 * 3 * math.prod(network.size)).reshape(4, 3, *network.size))
    with torch.no_grad():
        randomise(module)
        calibrate(module, example)
        file = export(network, module)
    assert len(file) <= MOST_BYTES, f"{network.name} has {len(file)} bytes"
    lines, values = golden(network, file)
    (FOLDER / f"{network.name}.onnx").write_bytes(file)
    np.save(FOLDER / "golden" / f"{network.name}.npy", values)
    nodes = onnx.load_from_string(file).graph.node
    kinds = sorted({node.op_type for node in nodes})
    print(f"{network.name}: {len(file) // 1000} kB, {len(nodes)} nodes, {values.nbytes // 1000} kB of numbers: {' '.join(kinds)}")
    return ["[[network]]", f'name = "{network.name}"', f"opset = {network.opset}", *lines, ""]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", help="try one network; the list of all stays as it is")
    only = parser.parse_args().only
    torch.set_num_threads(1)
    (FOLDER / "golden").mkdir(exist_ok=True)
    chosen = [network for network in ZOO if only in (None, network.name)]
    lines = [line for network in chosen for line in make(network)]
    if only is None:
        head = "# Written by make.py; README.md says what it means.\n\n"
        (FOLDER / "zoo.toml").write_text(head + "\n".join(lines))


if __name__ == "__main__":
    main()
