"""Trains the bundled multitask network on rooms drawn by `wgpu-pagcp scenes` and exports it.

    wgpu-pagcp scenes --out data --train 4000 --val 500 --seed 1
    python models/scenes/train.py --data data --out models/scenes/scenes.onnx

README.md beside this file has the commands of the bundled file's two phases. Needs torch, onnx, onnxruntime, numpy and pillow; runs on a CPU.
"""

import argparse
import copy
import csv
import math
import random
import signal
import sys
import time
import tomllib
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
import torch.distributed as dist
import torch.nn.functional as F
from PIL import Image
from torch import nn

from network import DENSE, ROOMS, ScenesNet

HEIGHT, WIDTH = 96, 128
IGNORE = 255
LOSS_WEIGHTS = {"seg": 1.0, "depth": 1.0, "normals": 3.0, "edges": 1.0, "room": 0.5}
OUTPUTS = [*DENSE, "room"]


def read_png(path):
    with Image.open(path) as picture:
        return np.asarray(picture)


class Split:
    """One split, decoded once into memory-mapped arrays."""

    PLANES = {
        "images": ((HEIGHT, WIDTH, 3), np.uint8),
        "seg": ((HEIGHT, WIDTH), np.uint8),
        "depth": ((HEIGHT, WIDTH), np.uint16),
        "normals": ((HEIGHT, WIDTH, 3), np.uint8),
        "edges": ((HEIGHT, WIDTH), np.uint8),
    }

    def __init__(self, data, name):
        folder = data / name
        with open(folder / "room.csv", newline="") as file:
            rows = list(csv.reader(file))
        stems = [row[0] for row in rows]
        self.room = torch.tensor([int(row[1]) for row in rows])
        self.planes = {}
        for plane, (shape, dtype) in self.PLANES.items():
            cache = data / "cache" / f"{name}-{plane}-{len(stems)}.npy"
            if not cache.exists():
                cache.parent.mkdir(exist_ok=True)
                array = np.empty((len(stems), *shape), dtype)
                for index, stem in enumerate(stems):
                    array[index] = read_png(folder / plane / f"{stem}.png")
                part = cache.with_suffix(".part.npy")
                np.save(part, array)
                part.rename(cache)
            self.planes[plane] = np.load(cache, mmap_mode="r")

    def __len__(self):
        return len(self.room)

    def batch(self, indices, tasks):
        """Normalised images and labels of some pictures."""
        order = np.asarray(indices)
        take = {plane: torch.from_numpy(array[order]) for plane, array in self.planes.items()}
        images = take["images"].permute(0, 3, 1, 2).float() / 255.0
        normals = take["normals"].permute(0, 3, 1, 2).float()
        labels = {
            "seg": take["seg"].long(),
            "depth": take["depth"].float().unsqueeze(1) * tasks["depth"]["unit"],
            "normals": normals / 127.5 - 1.0,
            "normals_mask": (normals.sum(1) > 0).float(),
            "edges": (take["edges"] > 127).float().unsqueeze(1),
            "room": self.room[order],
        }
        return images, labels


def augment(images, labels, generator):
    """Mirrors half of the pictures and changes exposure, contrast and white balance a little."""
    count = len(images)
    flip = torch.rand(count, generator=generator) < 0.5
    images[flip] = images[flip].flip(-1)
    for name in ("seg", "depth", "normals", "normals_mask", "edges"):
        labels[name][flip] = labels[name][flip].flip(-1)
    mirrored = labels["normals"][flip]
    mirrored[:, 0] = -mirrored[:, 0]
    labels["normals"][flip] = mirrored
    uniform = torch.rand(count, 5, 1, 1, generator=generator) * 2.0 - 1.0
    gain = 1.0 + 0.15 * uniform[:, 0:1] + 0.06 * uniform[:, 1:4]
    contrast = 1.0 + 0.15 * uniform[:, 4:5]
    mean = images.mean((1, 2, 3), keepdim=True)
    return (((images - mean) * contrast + mean) * gain).clamp(0.0, 1.0)


def normalise(images, tasks):
    mean = torch.tensor(tasks["input"]["mean"]).view(1, 3, 1, 1)
    std = torch.tensor(tasks["input"]["std"]).view(1, 3, 1, 1)
    return ((images - mean) / std).contiguous(memory_format=torch.channels_last)


def sample(label, phase):
    """Every second row and column of a map; a class stays as it is."""
    return label if label.ndim == 1 else label[..., phase[0] :: 2, phase[1] :: 2]


def losses(outputs, labels, tasks, smoothing=0.0):
    seg, depth, normals, edges, room = (output.float() for output in outputs)
    known = (labels["depth"] > 0).float()
    mask = labels["normals_mask"]
    cosine = F.cosine_similarity(normals, labels["normals"], dim=1, eps=1e-6)
    positive = torch.tensor(tasks["edges"]["positive_weight"])
    return {
        "seg": F.cross_entropy(seg, labels["seg"], ignore_index=IGNORE),
        "depth": ((depth - labels["depth"]).abs() * known).sum() / known.sum(),
        "normals": ((1.0 - cosine) * mask).sum() / mask.sum(),
        "edges": F.binary_cross_entropy_with_logits(edges, labels["edges"], pos_weight=positive),
        "room": F.cross_entropy(room, labels["room"], label_smoothing=smoothing),
    }


class Metrics:
    """Sums over a whole split."""

    def __init__(self):
        classes = DENSE["seg"]
        self.confusion = torch.zeros(classes, classes, dtype=torch.float64)
        self.sums = {}

    def add(self, name, value):
        self.sums[name] = self.sums.get(name, 0.0) + float(value)

    def update(self, outputs, labels):
        seg, depth, normals, edges, room = outputs
        classes = DENSE["seg"]
        valid = labels["seg"] != IGNORE
        pairs = labels["seg"][valid] * classes + seg.argmax(1)[valid]
        counts = torch.bincount(pairs, minlength=classes * classes)
        self.confusion += counts.view(classes, classes)
        known = labels["depth"] > 0
        error = (depth - labels["depth"])[known]
        self.add("depth_count", known.sum())
        self.add("depth_square", (error**2).sum())
        self.add("depth_relative", (error.abs() / labels["depth"][known]).sum())
        mask = labels["normals_mask"] > 0
        cosine = F.cosine_similarity(normals, labels["normals"], dim=1, eps=1e-6)[mask]
        angle = torch.rad2deg(torch.acos(cosine.clamp(-1.0, 1.0)))
        self.add("normals_count", mask.sum())
        self.add("normals_angle", angle.sum())
        self.add("normals_close", (angle < 11.25).sum())
        found, true = edges > 0, labels["edges"] > 0.5
        self.add("edges_hits", (found & true).sum())
        self.add("edges_all", found.sum() + true.sum())
        self.add("room_hits", (room.argmax(1) == labels["room"]).sum())
        self.add("room_count", len(room))

    def result(self):
        hits = self.confusion.diagonal()
        union = self.confusion.sum(0) + self.confusion.sum(1) - hits
        present = self.confusion.sum(1) > 0
        s = self.sums
        return {
            "segmentation mIoU": (hits / union.clamp(min=1))[present].mean().item(),
            "segmentation pixel accuracy": (hits.sum() / self.confusion.sum()).item(),
            "depth RMSE (m)": math.sqrt(s["depth_square"] / s["depth_count"]),
            "depth abs-rel": s["depth_relative"] / s["depth_count"],
            "normals mean angle (deg)": s["normals_angle"] / s["normals_count"],
            "normals under 11.25 deg": s["normals_close"] / s["normals_count"],
            "edges F at 0.5": 2.0 * s["edges_hits"] / max(s["edges_all"], 1.0),
            "room top-1": s["room_hits"] / s["room_count"],
        }


def evaluate(predict, split, tasks, batch=50):
    metrics, sums = Metrics(), dict.fromkeys(OUTPUTS, 0.0)
    with torch.no_grad():
        for start in range(0, len(split), batch):
            images, labels = split.batch(range(start, min(start + batch, len(split))), tasks)
            outputs = predict(normalise(images, tasks))
            metrics.update(outputs, labels)
            for name, loss in losses(outputs, labels, tasks).items():
                sums[name] += loss.item() * len(images) / len(split)
    return metrics.result(), sums


def baseline(train, tasks):
    """A predictor that answers the most frequent class and the mean, and an edge everywhere."""
    seg = torch.zeros(DENSE["seg"], dtype=torch.long)
    depth, normals, known = 0.0, torch.zeros(3, dtype=torch.float64), 0.0
    for start in range(0, len(train), 100):
        _, labels = train.batch(range(start, min(start + 100, len(train))), tasks)
        seg += torch.bincount(labels["seg"].flatten(), minlength=256)[: DENSE["seg"]]
        mask = labels["normals_mask"].unsqueeze(1)
        depth += labels["depth"].double().sum().item()
        normals += (labels["normals"] * mask).double().sum((0, 2, 3))
        known += mask.sum().item()
    room = torch.bincount(train.room, minlength=ROOMS).float()

    def predict(images):
        shape = (len(images), 1, HEIGHT, WIDTH)
        return (
            seg.float().view(1, -1, 1, 1).expand(len(images), -1, HEIGHT, WIDTH),
            torch.full(shape, depth / known),
            normals.float().view(1, 3, 1, 1).expand(len(images), 3, HEIGHT, WIDTH),
            torch.ones(shape),
            room.view(1, -1).expand(len(images), -1),
        )

    return predict


def share_gradients(model, workers):
    """Averages the gradients of all workers, so that they take the same step."""
    if workers == 1:
        return
    gradients = [p.grad for p in model.parameters()]
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    dist.all_reduce(flat)
    flat /= workers
    for gradient, part in zip(gradients, flat.split([g.numel() for g in gradients])):
        gradient.copy_(part.view_as(gradient))


def train(args, rank, model, data):
    """Trains with `args.workers` processes, each on its part of every batch."""
    split, val, tasks = data
    scales = [p for m in model.modules() if isinstance(m, nn.BatchNorm2d) for p in (m.weight, m.bias)]
    generator = torch.Generator().manual_seed(args.seed)
    steps_per_epoch = len(split) // args.batch
    total = args.epochs * steps_per_epoch
    decayed = [p for p in model.parameters() if p.ndim > 1]
    plain = [p for p in model.parameters() if p.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": 0.03}, {"params": plain, "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(groups, lr=args.rate)
    average = copy.deepcopy(model).eval()
    checkpoint = args.work / "checkpoint.pt"
    step = first = 0
    if args.resume and checkpoint.exists():
        state = torch.load(checkpoint)
        model.load_state_dict(state["model"])
        average.load_state_dict(state["average"])
        optimiser.load_state_dict(state["optimiser"])
        first = state["epoch"] + 1
        step = first * steps_per_epoch
    begun = time.time()
    for epoch in range(first, args.epochs):
        model.train()
        shown = dict.fromkeys(OUTPUTS, 0.0)
        generator.manual_seed(args.seed * 100_003 + epoch)
        order = torch.randperm(len(split), generator=generator).numpy()
        generator.manual_seed((args.seed * 100_003 + epoch) * 64 + rank)
        for index in range(steps_per_epoch):
            warm = min(1.0, (step + 1) / 300)
            rate = args.rate * warm * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * step / total)))
            for group in optimiser.param_groups:
                group["lr"] = rate
            picked = order[index * args.batch : (index + 1) * args.batch]
            images, labels = split.batch(picked[rank :: args.workers], tasks)
            images = normalise(augment(images, labels, generator), tasks)
            phase = torch.randint(2, (2,), generator=generator).tolist()
            with torch.autocast("cpu", torch.bfloat16, enabled=args.bf16):
                outputs = model.sampled(images, phase)
            labels = {name: sample(label, phase) for name, label in labels.items()}
            parts = losses(outputs, labels, tasks, smoothing=0.1)
            loss = sum(LOSS_WEIGHTS[name] * part for name, part in parts.items())
            loss = loss + args.sparsity * sum(p.abs().sum() for p in scales)
            optimiser.zero_grad()
            loss.backward()
            share_gradients(model, args.workers)
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimiser.step()
            step += 1
            decay = min(0.998, step / (step + 50))
            with torch.no_grad():
                current = model.state_dict()
                for name, value in average.state_dict().items():
                    if value.is_floating_point():
                        value.lerp_(current[name], 1.0 - decay)
            for name, part in parts.items():
                shown[name] += part.item() / steps_per_epoch
        if rank > 0:
            continue
        text = " ".join(f"{name} {value:.3f}" for name, value in shown.items())
        print(f"epoch {epoch} {time.time() - begun:.0f}s {text}", flush=True)
        part = checkpoint.with_suffix(".part")
        state = {"model": model.state_dict(), "average": average.state_dict()}
        torch.save({**state, "optimiser": optimiser.state_dict(), "epoch": epoch}, part)
        part.rename(checkpoint)
        if epoch % 5 == 4 or epoch + 1 == args.epochs:
            result, _ = evaluate(average, val, tasks)
            print("  val", " ".join(f"{k} {v:.3f};" for k, v in result.items()), flush=True)
    return average


def tidy(model):
    """Resize gets constant scales and only the attributes that apply; dead nodes go."""
    graph = model.graph
    # The exporter replaces equal tensors (of fresh batch norms) by Identity nodes.
    tensors = {tensor.name: tensor for tensor in graph.initializer}
    for node in [n for n in graph.node if n.op_type == "Identity" and n.input[0] in tensors]:
        twin = onnx.TensorProto()
        twin.CopyFrom(tensors[node.input[0]])
        twin.name = node.output[0]
        graph.initializer.append(twin)
        graph.node.remove(node)
    for node in graph.node:
        if node.op_type != "Resize":
            continue
        mode = next(a.s for a in node.attribute if a.name == "mode").decode()
        linear = mode == "linear"
        factor = 4.0 if linear else 2.0
        name = node.name.strip("/").replace("/", ".") + ".scales"
        scales = np.array([1.0, 1.0, factor, factor], np.float32)
        graph.initializer.append(onnx.numpy_helper.from_array(scales, name))
        node.input[:] = [node.input[0], "", name]
        kind = "half_pixel" if linear else "asymmetric"
        attributes = {"mode": mode, "coordinate_transformation_mode": kind}
        if not linear:
            attributes["nearest_mode"] = "floor"
        del node.attribute[:]
        for key, value in attributes.items():
            node.attribute.append(onnx.helper.make_attribute(key, value))
    dead = True
    while dead:
        used = {name for node in graph.node for name in node.input}
        used.update(output.name for output in graph.output)
        dead = [node for node in graph.node if not used.intersection(node.output)]
        for node in dead:
            graph.node.remove(node)
    for tensor in [t for t in graph.initializer if t.name not in used]:
        graph.initializer.remove(tensor)


def multiply_adds(model):
    """Multiply-adds of Conv and Gemm for one picture."""
    shaped = onnx.shape_inference.infer_shapes(model)
    shapes = {v.name: v.type.tensor_type.shape.dim for v in shaped.graph.value_info}
    shapes.update({v.name: v.type.tensor_type.shape.dim for v in shaped.graph.output})
    weights = {t.name: list(t.dims) for t in model.graph.initializer}
    total = 0
    for node in model.graph.node:
        if node.op_type in ("Conv", "Gemm"):
            pixels = math.prod(d.dim_value for d in shapes[node.output[0]][2:])
            total += math.prod(weights[node.input[1]]) * pixels
    return total


def export(model, path):
    """Writes the ONNX file and checks it against torch."""
    model = copy.deepcopy(model).eval().to(memory_format=torch.contiguous_format)
    example = torch.rand(1, 3, HEIGHT, WIDTH)
    part = path.with_suffix(".part")
    torch.onnx.export(
        model,
        (example,),
        str(part),
        dynamo=False,
        opset_version=17,
        training=torch.onnx.TrainingMode.PRESERVE,
        do_constant_folding=False,
        input_names=["image"],
        output_names=OUTPUTS,
        dynamic_axes={name: {0: "batch"} for name in ["image", *OUTPUTS]},
    )
    proto = onnx.load(part)
    tidy(proto)
    proto.producer_name, proto.producer_version = "wgpu-pagcp models/scenes/train.py", ""
    onnx.checker.check_model(proto, full_check=True)
    onnx.save(proto, part)
    session = onnxruntime.InferenceSession(str(part), providers=["CPUExecutionProvider"])
    worst = 0.0
    for batch in (1, 3):
        images = torch.randn(batch, 3, HEIGHT, WIDTH)
        with torch.no_grad():
            expected = model(images)
        for got, want in zip(session.run(OUTPUTS, {"image": images.numpy()}), expected):
            assert got.shape == tuple(want.shape), (got.shape, want.shape)
            scale = want.abs().max().item()
            worst = max(worst, float(np.abs(got - want.numpy()).max()) / scale)
    assert worst < 1e-4, worst
    part.rename(path)
    kinds = sorted({node.op_type for node in proto.graph.node})
    parameters = sum(math.prod(t.dims) for t in proto.graph.initializer)
    print(f"{path}: {path.stat().st_size} bytes, {multiply_adds(proto) / 1e6:.1f} M multiply-adds,")
    print(f"{parameters} parameters, operators {', '.join(kinds)}, difference {worst:.1e}")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with tasks.toml")
    parser.add_argument("--out", type=Path, required=True, help="the ONNX file")
    parser.add_argument("--work", type=Path, help="folder for checkpoints (default: the data)")
    parser.add_argument("--val", type=Path, help="data to evaluate on (default: the same)")
    parser.add_argument("--start", type=Path, help="a checkpoint whose averaged weights to start from")
    parser.add_argument(
        "--sparsity", type=float, default=0.0, help="L1 penalty on the scales and shifts of batch norms"
    )
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2, help="processes of one thread each")
    parser.add_argument("--bf16", action="store_true", help="bfloat16 where the CPU has it")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint")
    parser.add_argument("--export-only", action="store_true", help="export the checkpoint")
    return parser.parse_args()


def run(rank, args):
    """One worker; the first one also evaluates and exports."""
    torch.set_num_threads(1)
    random.seed(args.seed)
    torch.manual_seed(args.seed)
    if args.workers > 1:
        meeting = f"file://{(args.work / 'meeting').resolve()}"
        dist.init_process_group("gloo", meeting, rank=rank, world_size=args.workers)
    tasks = tomllib.loads((args.data / "tasks.toml").read_text())
    tasks = {"input": tasks["input"], **{task["output"]: task for task in tasks["task"]}}
    model = ScenesNet().to(memory_format=torch.channels_last)
    split, val = Split(args.data, "train"), Split(args.val, "val")
    if args.export_only:
        model.load_state_dict(torch.load(args.work / "checkpoint.pt")["average"])
    elif args.epochs:
        torch.manual_seed(args.seed + rank)
        if args.start:
            model.load_state_dict(torch.load(args.start)["average"])
        model = train(args, rank, model, (split, val, tasks))
    if rank > 0:
        return
    model.eval()
    export(model, args.out)
    result, sums = evaluate(model, val, tasks)
    plain, _ = evaluate(baseline(split, tasks), val, tasks)
    print("\n| metric on val | network | baseline |\n|---|---|---|")
    for name, value in result.items():
        print(f"| {name} | {value:.4f} | {plain[name]:.4f} |")
    print("\nlosses on val: " + ", ".join(f"{name} {value:.4f}" for name, value in sums.items()))


def main():
    args = arguments()
    args.work = args.work or args.data
    args.val = args.val or args.data
    args.work.mkdir(parents=True, exist_ok=True)
    if args.export_only or not args.epochs:
        args.workers = 1
    (args.work / "meeting").unlink(missing_ok=True)
    Split(args.data, "train")
    Split(args.val, "val")
    if args.workers > 1:
        # Without this the workers would outlive a main process that is terminated.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        torch.multiprocessing.spawn(run, (args,), nprocs=args.workers, daemon=True)
    else:
        run(0, args)


if __name__ == "__main__":
    main()
