"""Fine-tunes a network for the rooms of `wgpu-pagcp scenes` in PyTorch, step by step as `wgpu-pagcp finetune` does.

    python models/scenes/finetune.py pruned.onnx --data data --out tuned.onnx --epochs 5

The same pictures in the same order, losses, optimiser, schedule and batch norms: what both end with can be compared with
`wgpu-pagcp eval`. Needs torch, onnx, numpy and pillow; runs on a CPU.
"""

import argparse
import math
import sys
import time
import tomllib
from pathlib import Path

import torch
import torch.nn.functional as F

sys.path.insert(0, str(Path(__file__).parent.parent / "zoo"))
from onnx_torch import Network  # noqa: E402
from train import IGNORE, Split, normalise  # noqa: E402

MASK = 2**64 - 1
GOLDEN = 0x9E3779B97F4A7C15
FINAL_SHARE = 0.01
MOMENT_IMAGES = 512
SHORTEST = 1e-6


def split_mix(state):
    """The next state of the generator, and its number."""
    state = (state + GOLDEN) & MASK
    z = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return state, z ^ (z >> 31)


def order(images, seed, epoch):
    """The pictures of an epoch, shuffled."""
    state = seed ^ (epoch * GOLDEN & MASK)
    found = list(range(images))
    for place in range(images - 1, 0, -1):
        state, number = split_mix(state)
        other = number % (place + 1)
        found[place], found[other] = found[other], found[place]
    return found


def losses(outputs, labels, tasks, every):
    """The mean loss of every task over all that is labelled, of maps at every so many rows and columns."""
    outputs, labels = (
        {name: x if name == "room" else x[..., ::every, ::every] for name, x in given.items()}
        for given in (outputs, labels)
    )
    known, mask = labels["depth"] > 0, labels["normals_mask"] > 0
    normals = outputs["normals"]
    length = normals.pow(2).sum(1).sqrt().clamp(min=SHORTEST)
    cosine = (normals * labels["normals"]).sum(1) / length
    positive = torch.tensor(float(tasks["edges"]["positive_weight"]))
    return {
        "seg": F.cross_entropy(outputs["seg"], labels["seg"], ignore_index=IGNORE),
        "depth": (outputs["depth"] - labels["depth"]).abs()[known].mean(),
        "normals": (1.0 - cosine)[mask].mean(),
        "edges": F.binary_cross_entropy_with_logits(outputs["edges"], labels["edges"], pos_weight=positive),
        "room": F.cross_entropy(outputs["room"], labels["room"]),
    }


def rate_at(epochs, args):
    """The learning rate after some epochs: a rise, then half a cosine."""
    if epochs < args.warm_up:
        return args.learning_rate * max(epochs / args.warm_up, 1e-3)
    done = min((epochs - args.warm_up) / max(args.epochs - args.warm_up, 1e-300), 1.0)
    share = 0.5 * (1.0 + math.cos(math.pi * done))
    return args.learning_rate * (FINAL_SHARE + (1.0 - FINAL_SHARE) * share)


def optimiser(network, args):
    parameters = network.trained.values()
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": args.decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    if args.optimiser == "sgd":
        return torch.optim.SGD(groups, lr=args.learning_rate, momentum=0.937, nesterov=True)
    return torch.optim.AdamW(groups, lr=args.learning_rate)


def fine_tune(network, split, tasks, args):
    """Trains, and leaves the moving average of the weights in the network."""
    parameters = list(network.trained.values())
    average = [p.detach().clone() for p in parameters]
    optimise = optimiser(network, args)
    weights = {tasks_output(tasks, name): float(weight) for name, weight in (text.rsplit("=", 1) for text in args.weight)}
    steps, step = len(split) // args.batch, 0
    for epoch in range(args.epochs):
        begun, sums = time.time(), {}
        chosen = order(len(split), args.seed, epoch)
        for at in range(steps):
            images, labels = split.batch(chosen[at * args.batch : (at + 1) * args.batch], tasks)
            outputs = dict(zip(network.outputs, network.run(normalise(images, tasks))))
            found = losses(outputs, labels, tasks, args.every)
            total = sum(weights.get(name, 1.0) * loss for name, loss in found.items())
            optimise.zero_grad()
            total.backward()
            if args.clip > 0:
                torch.nn.utils.clip_grad_norm_(parameters, args.clip)
            for group in optimise.param_groups:
                group["lr"] = rate_at(epoch + at / steps, args)
            optimise.step()
            step += 1
            keep = min(args.average, (1 + step) / (10 + step))
            with torch.no_grad():
                for mean, p in zip(average, parameters):
                    mean.lerp_(p, 1.0 - keep)
            for name, loss in found.items():
                sums[name] = sums.get(name, 0.0) + loss.item() / steps
        shown = ", ".join(f"{tasks[name]['name']} {loss:.4f}" for name, loss in sums.items())
        print(f"epoch {epoch + 1} of {args.epochs}: {shown}; {time.time() - begun:.0f} s", flush=True)
    if args.average > 0:
        with torch.no_grad():
            for mean, p in zip(average, parameters):
                p.copy_(mean)


def tasks_output(tasks, name):
    return next(task["output"] for key, task in tasks.items() if key != "input" and task["name"] == name)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--data", type=Path, required=True, help="folder with tasks.toml")
    parser.add_argument("--out", type=Path, required=True, help="the ONNX file that is written")
    parser.add_argument("--epochs", type=int, required=True)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--optimiser", choices=("adamw", "sgd"), default="adamw")
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--warm-up", type=float, default=0.5)
    parser.add_argument("--decay", type=float, default=0.01)
    parser.add_argument("--clip", type=float, default=10.0)
    parser.add_argument("--average", type=float, default=0.998)
    parser.add_argument("--every", type=int, default=2)
    parser.add_argument("--batch-norm", choices=("train", "fold"), default="train")
    parser.add_argument("--weight", action="append", default=[], metavar="TASK=WEIGHT")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args()


def main():
    args = arguments()
    torch.set_num_threads(args.threads)
    tasks = tomllib.loads((args.data / "tasks.toml").read_text())
    tasks = {"input": tasks["input"], **{task["output"]: task for task in tasks["task"]}}
    split = Split(args.data, "train")
    network = Network(args.model, args.batch_norm, torch.float32)
    fine_tune(network, split, tasks, args)
    images = min(MOMENT_IMAGES, len(split)) // args.batch * args.batch
    starts = range(0, images, args.batch)
    network.estimate(normalise(split.batch(range(s, s + args.batch), tasks)[0], tasks) for s in starts)
    network.save(args.out)


if __name__ == "__main__":
    main()
