"""Makes `golden/gradients.json`: what PyTorch computes as the gradients of five networks of the zoo, in double precision.

See README.md for what is written and how it is read.
"""

import json
import math
import pathlib

import torch
import torch.nn.functional as F

from make import numbers
from onnx_torch import Network

FOLDER = pathlib.Path(__file__).parent
SHOWN = 3
# Name, what becomes of batch norms, loss, seed and shape of the input.
CASES = (
    ("resnet18", "train", "cross_entropy", 11, (2, 3, 64, 48)),
    ("resnet18", "fold", "cross_entropy", 12, (2, 3, 64, 48)),
    ("mobilenet_v2", "fold", "square", 13, (2, 3, 48, 40)),
    ("densenet", "train", "square", 16, (2, 3, 64, 64)),
    ("unet", "train", "cross_entropy", 14, (2, 3, 26, 38)),
    ("unet", "fold", "cross_entropy", 15, (2, 3, 26, 38)),
    ("vit", "train", "cross_entropy", 17, (2, 3, 64, 64)),
)


def doubles(seed, shape):
    return torch.from_numpy(numbers(seed, math.prod(shape))).double().reshape(shape)


def objective(loss, y, seed):
    """The loss, relative to the number of labels: element `i` has the class `7 i + seed` modulo their number, every
    eleventh none, or the label `numbers(seed + 100)[i]`."""
    if loss == "square":
        return (y - doubles(seed + 100, y.shape)).pow(2).mean()
    shape = (y.shape[0], *y.shape[2:])
    places = torch.arange(math.prod(shape))
    classes = (7 * places + seed) % y.shape[1]
    classes[places % 11 == 10] = -100
    return F.cross_entropy(y, classes.reshape(shape))


def described(name, gradient):
    flat = gradient.flatten()
    weights = doubles(3, flat.shape)
    digits = lambda values: [float(f"{value:.9e}") for value in values.tolist()]  # noqa: E731
    norm, largest, projection = digits(torch.stack([flat.norm(), flat.abs().max(), flat @ weights]))
    return {
        "parameter": name, "shape": list(gradient.shape), "norm": norm, "largest": largest, "projection": projection,
        "first": digits(flat[:SHOWN]), "last": digits(flat[-SHOWN:]),
    }


def case(name, normalisation, loss, seed, shape):
    network = Network(FOLDER / f"{name}.onnx", normalisation)
    (output,) = network.run(doubles(seed, shape))
    value = objective(loss, output, seed)
    gradients = torch.autograd.grad(value, list(network.trained.values()))
    parameters = [described(key, gradient) for key, gradient in zip(network.trained, gradients)]
    print(f"{name}, {normalisation}: loss {value.item():.6f}, {len(parameters)} parameters")
    return {
        "network": name, "normalisation": normalisation, "loss": loss, "seed": seed, "input": list(shape),
        "value": float(f"{value.item():.9e}"), "parameters": parameters,
    }


def main():
    torch.set_num_threads(1)
    cases = [json.dumps(case(*arguments)) for arguments in CASES]
    text = "[\n" + ",\n".join(cases) + "\n]\n"
    (FOLDER / "golden" / "gradients.json").write_text(text)


if __name__ == "__main__":
    main()
