"""Compares this program with ONNX Runtime on the zoo: every network as it is, and its prunings that the tests wrote.

    compare_zoo.py PROGRAM PRUNED

`PRUNED` is the folder of the pruned files, `target/zoo`. Every output must agree within 1e-4 of its largest value, at
batch 1 and 3 and, where rows and columns are symbolic, at another size. A control with one weight changed must fail
the same comparison.
"""
import pathlib
import sys
import tempfile
import tomllib

import numpy as np
import onnx
from compare_onnxruntime import BOUND, broken_copy, ours, theirs, worst

ZOO = pathlib.Path("models/zoo")
PRUNINGS = 3


def cases(network, model):
    """Inputs as the list of the zoo has them, as pictures of one each, and the sizes behind symbols."""
    names = {dim.dim_param for dim in onnx.load(model, load_external_data=False).graph.input[0].type.tensor_type.shape.dim}
    for case in network["case"]:
        batch, *shape = case["input"]
        draws = np.random.default_rng(case["seed"])
        images = [draws.uniform(-1, 1, (1, *shape)).astype(np.float32) for _ in range(batch)]
        sizes = {"height": shape[1], "width": shape[2]}
        yield images, [f"--dim={name}={size}" for name, size in sizes.items() if name in names]


def error(program, network, model, reference, folder):
    """The largest over all cases and outputs of `model` here against `reference` there."""
    found = []
    for images, options in cases(network, model):
        mine = ours(program, model, images, folder, options)
        found += worst(mine, theirs(reference, images)).values()
    return max(found)


def main(program, pruned):
    compared = failed = 0
    networks = tomllib.loads((ZOO / "zoo.toml").read_text())["network"]
    assert networks, "the zoo is empty"
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for network in networks:
            original = str(ZOO / f"{network['name']}.onnx")
            files = [original] + [f"{pruned}/{network['name']}-{i}.onnx" for i in range(PRUNINGS)]
            for file in files:
                compared += 1
                onnx.checker.check_model(file, full_check=True)
                found = error(program, network, file, file, folder)
                failed += not found <= BOUND
                print(f"{'ok  ' if found <= BOUND else 'FAIL'} {file} differs by {found:.1e}", flush=True)
            if network is networks[0]:
                broken = str(folder / "broken.onnx")
                broken_copy(original, broken)
                seen = error(program, network, original, broken, folder) > BOUND
                failed += not seen
                print(f"{'ok  ' if seen else 'FAIL'} a changed weight is seen")
    print(f"{compared + 1 - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
