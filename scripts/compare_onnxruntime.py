"""Compares this program with ONNX Runtime: the bundled network and a pruning of it, on 8 rendered pictures.

    compare_onnxruntime.py PROGRAM

Every output must agree within 1e-4 of its largest value; the pruned file must pass onnx.checker. A control with one
weight changed must fail the same comparison.
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
    return dict(zip(names, session.run(None, {session.get_inputs()[0].name: np.concatenate(inputs)})))


def worst(mine, reference):
    assert mine.keys() == reference.keys() and mine, (mine.keys(), reference.keys())
    errors = {}
    for name, y in reference.items():
        assert mine[name].shape == y.shape, (name, mine[name].shape, y.shape)
        errors[name] = float(np.max(np.abs(mine[name] - y)) / np.max(np.abs(y)))
    return errors


def pictures(program, folder):
    data = folder / "data"
    subprocess.run([program, "scenes", "--out", data, "--train", str(PICTURES), "--val", str(PICTURES)], check=True)
    rule = tomllib.loads((data / "tasks.toml").read_text())["input"]
    mean, std = (np.array(rule[name], np.float32)[:, None, None] for name in ("mean", "std"))
    for path in sorted((data / "val" / "images").glob("*.png")):
        rgb = np.asarray(Image.open(path).convert("RGB"), np.float32).transpose(2, 0, 1)
        yield ((rgb * np.float32(rule["scale"]) - mean) / std)[None]


def broken_copy(model, path):
    proto = onnx.load(model)
    weight = max(proto.graph.initializer, key=lambda w: len(w.raw_data))
    values = np.array(onnx.numpy_helper.to_array(weight))
    values *= 1.1
    weight.CopyFrom(onnx.numpy_helper.from_array(values, weight.name))
    onnx.save(proto, path)


def main(program):
    passed = failed = 0
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        inputs = list(pictures(program, folder))
        assert len(inputs) == PICTURES
        prune = [program, "prune", MODEL, "--tasks", folder / "data" / "tasks.toml", "--out", folder / "pruned"]
        subprocess.run([*prune, "--images", str(PICTURES)], check=True, stdout=subprocess.DEVNULL)
        pruned = str(folder / "pruned" / "pruned.onnx")
        onnx.checker.check_model(pruned, full_check=True)
        passed += 1
        for model in (MODEL, pruned):
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
