"""Compares this program with ONNX Runtime: the bundled network, the same with inputs and outputs of other types, and a
pruning of that, on 8 rendered pictures.

    compare_onnxruntime.py PROGRAM

Every output must agree within 1e-4 of its largest value, 16-bit ones within their rounding more; of indices, 1e-4 may
differ. The pruned file must pass onnx.checker and have the inputs and outputs of the file it was made from. A control with
one weight changed must fail the same comparison.
"""
import pathlib
import shutil
import subprocess
import sys
import tempfile
import tomllib

import numpy as np
import onnx
import onnxruntime
from PIL import Image

MODEL = "models/scenes/scenes.onnx"
BOUND = 1e-4
PICTURES = 8


def ours(program, model, inputs, folder, options=()):
    files = []
    for i, x in enumerate(inputs):
        files.append(str(folder / f"{i}.npy"))
        np.save(files[-1], x)
    out = folder / "out"
    shutil.rmtree(out, ignore_errors=True)
    command = [program, "run", model, *options, "--input", *files, "--output", out]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return {path.stem: np.load(path) for path in out.glob("*.npy")}


def theirs(model, inputs):
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    names = [o.name for o in session.get_outputs()]
    x = np.concatenate(inputs)
    given = session.get_inputs()[0]
    if given.type == "tensor(float16)":
        x = x.astype(np.float16)
    return dict(zip(names, session.run(None, {given.name: x})))


def worst(mine, reference):
    assert mine.keys() == reference.keys() and mine, (mine.keys(), reference.keys())
    errors = {}
    for name, y in reference.items():
        assert mine[name].shape == y.shape, (name, mine[name].shape, y.shape)
        if np.issubdtype(y.dtype, np.integer):
            assert mine[name].dtype == y.dtype, (name, mine[name].dtype, y.dtype)
            errors[name] = float(np.mean(mine[name] != y))
        else:
            wide = y.astype(np.float32)
            rounding = float(np.finfo(y.dtype).eps) / 2 if y.dtype == np.float16 else 0.0
            error = float(np.max(np.abs(mine[name] - wide)) / np.max(np.abs(wide)))
            errors[name] = max(error - rounding, 0.0)
    return errors


def pictures(program, folder):
    data = folder / "data"
    subprocess.run([program, "scenes", "--out", data, "--train", str(PICTURES), "--val", str(PICTURES)], check=True)
    rule = tomllib.loads((data / "tasks.toml").read_text())["input"]
    mean, std = (np.array(rule[name], np.float32)[:, None, None] for name in ("mean", "std"))
    for path in sorted((data / "val" / "images").glob("*.png")):
        rgb = np.asarray(Image.open(path).convert("RGB"), np.float32).transpose(2, 0, 1)
        # What 16 bits hold, for all models.
        yield ((rgb * np.float32(rule["scale"]) - mean) / std)[None].astype(np.float16).astype(np.float32)


def broken_copy(model, path):
    proto = onnx.load(model)
    weight = max(proto.graph.initializer, key=lambda w: len(w.raw_data))
    values = np.array(onnx.numpy_helper.to_array(weight))
    values *= 1.1
    weight.CopyFrom(onnx.numpy_helper.from_array(values, weight.name))
    onnx.save(proto, path)


def typed_copy(model, path):
    """The model with a 16-bit input, a 16-bit output, and classes as two types of integers."""
    proto = onnx.load(model)
    graph = proto.graph
    types, make = onnx.TensorProto, onnx.helper.make_node
    image = graph.input[0]
    for node in graph.node:
        node.input[:] = ["image32" if name == image.name else name for name in node.input]
    graph.node.insert(0, make("Cast", [image.name], ["image32"], to=types.FLOAT))
    image.type.tensor_type.elem_type = types.FLOAT16
    graph.node.extend([
        make("Cast", ["depth"], ["depth16"], to=types.FLOAT16),
        make("ArgMax", ["seg"], ["classes"], axis=1, keepdims=0),
        make("ArgMax", ["seg"], ["kept"], axis=1, keepdims=1),
        make("Squeeze", ["kept", "one"], ["flat"]),
        make("Cast", ["flat"], ["small"], to=types.UINT8),
    ])
    graph.initializer.append(onnx.numpy_helper.from_array(np.array([1]), "one"))
    map_shape = ["batch", 96, 128]
    graph.output.extend([
        onnx.helper.make_tensor_value_info("depth16", types.FLOAT16, ["batch", 1, 96, 128]),
        onnx.helper.make_tensor_value_info("classes", types.INT64, map_shape),
        onnx.helper.make_tensor_value_info("small", types.UINT8, map_shape),
    ])
    onnx.checker.check_model(proto, full_check=True)
    onnx.save(proto, path)


def edges(model):
    graph = onnx.load(model).graph
    return [(value.name, value.type.tensor_type.elem_type) for value in [*graph.input, *graph.output]]


def main(program):
    passed = failed = 0
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        inputs = list(pictures(program, folder))
        assert len(inputs) == PICTURES
        typed = str(folder / "typed.onnx")
        typed_copy(MODEL, typed)
        prune = [program, "prune", typed, "--tasks", folder / "data" / "tasks.toml", "--out", folder / "pruned"]
        subprocess.run([*prune, "--images", str(PICTURES)], check=True, stdout=subprocess.DEVNULL)
        pruned = str(folder / "pruned" / "pruned.onnx")
        onnx.checker.check_model(pruned, full_check=True)
        assert edges(pruned) == edges(typed), (edges(pruned), edges(typed))
        passed += 2
        for model in (MODEL, typed, pruned):
            errors = worst(ours(program, model, inputs, folder), theirs(model, inputs))
            for output, error in errors.items():
                ok = error <= BOUND
                passed, failed = passed + ok, failed + (not ok)
                print(f"{'ok  ' if ok else 'FAIL'} {model}: {output} differs by {error:.1e} of its largest value")
        broken = str(folder / "broken.onnx")
        broken_copy(MODEL, broken)
        seen = max(worst(ours(program, MODEL, inputs, folder), theirs(broken, inputs)).values()) > BOUND
        passed, failed = passed + seen, failed + (not seen)
        print(f"{'ok  ' if seen else 'FAIL'} a changed weight is seen")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
