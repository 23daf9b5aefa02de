"""Small-width multitask networks: cross-stitch, MTAN, PAD-Net, and MTI-Net on HRNet-18."""

import torch
import torch.nn.functional as F
from torch import nn

from blocks import Basic, LinearGate, SpatialAttention, conv_bn
from dense import HrNet

TASKS = {"segmentation": 5, "depth": 1, "normals": 3, "edges": 1}


def enlarge(x, size):
    return F.interpolate(x, size=size, mode="bilinear", align_corners=False)


class CrossStitch(nn.Module):
    """An encoder for each of two tasks; after every stage each goes on with a mixture, channel by channel, of both."""

    def __init__(self, widths=(12, 20, 28, 40)):
        super().__init__()
        self.stages = nn.ModuleList()
        self.alphas = nn.ParameterList()
        for i, width in enumerate(widths):
            inputs = 3 if i == 0 else widths[i - 1]
            both = [nn.Sequential(conv_bn(inputs, width, 3, 2), Basic(width, width)) for _ in range(2)]
            self.stages.append(nn.ModuleList(both))
            own = torch.eye(2).view(2, 2, 1, 1, 1, 1) * 0.6 + 0.2
            self.alphas.append(nn.Parameter(own + 0.1 * torch.randn(2, 2, 1, width, 1, 1)))
        self.classes = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(widths[-1], 10))
        self.depth = nn.Sequential(conv_bn(widths[-1], 24), nn.Conv2d(24, 1, 1))

    def forward(self, x):
        maps = [x, x]
        for both, alpha in zip(self.stages, self.alphas):
            a, b = (stage(y) for stage, y in zip(both, maps))
            maps = [alpha[t, 0] * a + alpha[t, 1] * b for t in range(2)]
        return self.classes(maps[0]), self.depth(maps[1])


class Mtan(nn.Module):
    """A shared encoder; each task masks each stage by its own attention. What refines the masked maps is one and the
    same convolution for all tasks."""

    tasks = ("segmentation", "depth", "normals")

    def __init__(self, widths=(12, 20, 32)):
        super().__init__()
        self.stem = conv_bn(3, widths[0], 3, 2)
        self.first, self.last, self.refine = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        self.attention = nn.ModuleDict({task: nn.ModuleList() for task in self.tasks})
        for i, width in enumerate(widths):
            inputs = widths[max(i - 1, 0)]
            self.first.append(Basic(inputs, width, 1 if i == 0 else 2))
            self.last.append(Basic(width, width))
            if i + 1 < len(widths):
                self.refine.append(conv_bn(width, widths[i + 1]))
            for task in self.tasks:
                reads = width if i == 0 else 2 * width
                mask = nn.Sequential(conv_bn(reads, width // 2, 1), conv_bn(width // 2, width, 1, act=nn.Sigmoid))
                self.attention[task].append(mask)
        self.heads = nn.ModuleDict(
            {task: nn.Sequential(conv_bn(widths[-1], 16), nn.Conv2d(16, TASKS[task], 1)) for task in self.tasks}
        )

    def forward(self, x):
        size = x.shape[-2:]
        x = self.stem(x)
        masked = {task: None for task in self.tasks}
        for i, (first, last) in enumerate(zip(self.first, self.last)):
            entry = first(x)
            x = last(entry)
            for task in self.tasks:
                before = masked[task]
                reads = entry if before is None else torch.cat((entry, before), 1)
                masked[task] = self.attention[task][i](reads) * x
                if i < len(self.refine):
                    masked[task] = F.max_pool2d(self.refine[i](masked[task]), 2, 2)
        return tuple(enlarge(self.heads[task](masked[task]), size) for task in self.tasks)


class Distillation(nn.Module):
    """Every task's features plus what spatial attention takes from the others'."""

    def __init__(self, tasks, channels):
        super().__init__()
        self.blocks = nn.ModuleDict({
            task: nn.ModuleDict({other: SpatialAttention(channels, channels) for other in tasks if other != task})
            for task in tasks
        })

    def forward(self, features):
        found = {}
        for task, blocks in self.blocks.items():
            messages = [block(features[other]) for other, block in blocks.items()]
            found[task] = features[task] + torch.sum(torch.stack(messages), dim=0)
        return found


class PadNet(nn.Module):
    """Features of each task from a shared encoder, distilled between tasks, and a decoder for each."""

    tasks = ("segmentation", "depth", "edges")

    def __init__(self, widths=(12, 20, 28), channels=16):
        super().__init__()
        self.encoder = nn.Sequential(
            conv_bn(3, widths[0], 3, 2), Basic(widths[0], widths[1], 2), Basic(widths[1], widths[2], 2),
            Basic(widths[2], widths[2], dilation=2),
        )
        self.initial = nn.ModuleDict(
            {task: nn.Sequential(Basic(widths[2], channels), Basic(channels, channels)) for task in self.tasks}
        )
        self.distillation = Distillation(self.tasks, channels)
        self.heads = nn.ModuleDict(
            {task: nn.Sequential(Basic(channels, channels), nn.Conv2d(channels, TASKS[task], 1)) for task in self.tasks}
        )

    def forward(self, x):
        shared = self.encoder(x)
        features = self.distillation({task: head(shared) for task, head in self.initial.items()})
        return tuple(enlarge(self.heads[task](features[task]), x.shape[-2:]) for task in self.tasks)


class Propagation(nn.Module):
    """MTI-Net's way from a coarse scale to the next finer one: the features of all tasks, weighed by a softmax over as
    many neighbouring channels as there are tasks, become one map, which a gate for each task adds to its features."""

    def __init__(self, channels):
        super().__init__()
        joined = channels * len(TASKS)
        self.attention = nn.Sequential(conv_bn(joined, joined // 4, 1), conv_bn(joined // 4, joined, 1, act=None))
        self.reduce = conv_bn(joined, channels, 1)
        self.gates = nn.ModuleDict({task: LinearGate(channels) for task in TASKS})

    def forward(self, features):
        joined = torch.cat([features[task] for task in TASKS], 1)
        batch, channels, rows, columns = joined.shape
        count = len(TASKS)
        mask = F.softmax(self.attention(joined).view(batch, channels // count, count, rows, columns), dim=2)
        shared = self.reduce(mask.view(batch, channels, rows, columns) * joined)
        return {task: gate(shared) + features[task] for task, gate in self.gates.items()}


class MtiNet(nn.Module):
    """Four tasks on four scales of an HRNet: from the coarsest scale to the finest, each task's features from the
    encoder and the scale before; distillation between tasks at every scale; all scales joined for each task."""

    def __init__(self, widths=(8, 8, 8, 12)):
        super().__init__()
        self.encoder = HrNet(widths, blocks=1, nearest=True)
        wider = (*widths[1:], 0)
        self.initial = nn.ModuleList(
            nn.ModuleDict({task: Basic(width + before, width) for task in TASKS})
            for width, before in zip(widths, wider)
        )
        self.propagation = nn.ModuleList(Propagation(width) for width in widths[1:])
        self.distillation = nn.ModuleList(Distillation(TASKS, width) for width in widths)
        joined = sum(widths)
        self.heads = nn.ModuleDict(
            {task: nn.Sequential(conv_bn(joined, 24, 1), nn.Conv2d(24, TASKS[task], 1)) for task in TASKS}
        )

    def forward(self, x):
        maps = self.encoder(x)
        scales, before = [None] * 4, None
        for i in (3, 2, 1, 0):
            features = {}
            for task in TASKS:
                reads = maps[i]
                if before is not None:
                    doubled = F.interpolate(before[task], scale_factor=2, mode="bilinear", align_corners=False)
                    reads = torch.cat((reads, doubled), 1)
                features[task] = self.initial[i][task](reads)
            scales[i] = self.distillation[i](features)
            before = self.propagation[i - 1](features) if i > 0 else None
        found = []
        for task in TASKS:
            size = scales[0][task].shape[-2:]
            joined = torch.cat([scales[0][task], *(enlarge(scale[task], size) for scale in scales[1:])], 1)
            found.append(enlarge(self.heads[task](joined), x.shape[-2:]))
        return tuple(found)
