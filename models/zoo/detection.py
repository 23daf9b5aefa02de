"""Small-width detectors of three classes on strides 8, 16 and 32: YOLOv5n, YOLOv8n and YOLOX-nano."""

from functools import partial

import torch
from torch import nn

from blocks import conv_bn

CLASSES = 3
WIDTHS = (8, 12, 16, 24, 32)
silu = partial(conv_bn, act=nn.SiLU)


class Residual(nn.Module):
    """A 1x1 (or 3x3) and a 3x3 convolution with an optional residual; the second may be depthwise separable."""

    def __init__(self, channels, residual, first=1, second=silu):
        super().__init__()
        self.body = nn.Sequential(silu(channels, channels, first), second(channels, channels, 3))
        self.residual = residual

    def forward(self, x):
        return x + self.body(x) if self.residual else self.body(x)


class C3(nn.Module):
    """Half of the channels through residual blocks, half past them."""

    def __init__(self, inputs, outputs, count=1, residual=True, second=silu):
        super().__init__()
        half = outputs // 2
        self.through, self.past = silu(inputs, half, 1), silu(inputs, half, 1)
        self.blocks = nn.Sequential(*(Residual(half, residual, second=second) for _ in range(count)))
        self.join = silu(2 * half, outputs, 1)

    def forward(self, x):
        return self.join(torch.cat((self.blocks(self.through(x)), self.past(x)), 1))


class C2f(nn.Module):
    """One convolution cut in two; each block reads the last part and adds one of its own."""

    def __init__(self, inputs, outputs, count=1, residual=False):
        super().__init__()
        half = outputs // 2
        self.enter = silu(inputs, outputs, 1)
        self.blocks = nn.ModuleList(Residual(half, residual, first=3) for _ in range(count))
        self.join = silu((2 + count) * half, outputs, 1)

    def forward(self, x):
        parts = list(self.enter(x).chunk(2, 1))
        for block in self.blocks:
            parts.append(block(parts[-1]))
        return self.join(torch.cat(parts, 1))


class Sppf(nn.Module):
    """A map beside three poolings of it, each of the one before."""

    def __init__(self, channels):
        super().__init__()
        self.enter, self.join = silu(channels, channels // 2, 1), silu(channels * 2, channels, 1)
        self.pool = nn.MaxPool2d(5, 1, 2)

    def forward(self, x):
        parts = [self.enter(x)]
        for _ in range(3):
            parts.append(self.pool(parts[-1]))
        return self.join(torch.cat(parts, 1))


class Spp(nn.Module):
    """A map beside poolings of 5, 9 and 13."""

    def __init__(self, channels):
        super().__init__()
        self.enter, self.join = silu(channels, channels // 2, 1), silu(channels * 2, channels, 1)
        self.pools = nn.ModuleList(nn.MaxPool2d(size, 1, size // 2) for size in (5, 9, 13))

    def forward(self, x):
        x = self.enter(x)
        return self.join(torch.cat([x] + [pool(x) for pool in self.pools], 1))


class Encoder(nn.Module):
    """Stem, four stages that halve the size, and a pyramid pooling; the last three maps are its result."""

    def __init__(self, stem, block, down=silu, pooling=Sppf):
        super().__init__()
        stages = []
        for i, (inputs, outputs) in enumerate(zip(WIDTHS[:-1], WIDTHS[1:])):
            stages.append([down(inputs, outputs, 3, 2), block(outputs, outputs, 1 + (i in (1, 2)), True)])
        stages[-1].append(pooling(WIDTHS[-1]))
        self.stem = stem
        self.stages = nn.ModuleList(nn.Sequential(*layers) for layers in stages)

    def forward(self, x):
        x = self.stem(x)
        maps = []
        for layers in self.stages:
            x = layers(x)
            maps.append(x)
        return maps[1:]


class Pan(nn.Module):
    """Down to the finest map by doubling and concatenation, then up again by strides. `lateral` narrows before."""

    def __init__(self, block, down=silu, lateral=True):
        super().__init__()
        a, b, c = WIDTHS[2:]
        narrow = (lambda i, o: silu(i, o, 1)) if lateral else (lambda i, o: nn.Identity())
        c_up, b_up = (b, a) if lateral else (c, b)
        self.narrow = nn.ModuleList([narrow(c, b), narrow(b, a)])
        self.up = nn.Upsample(scale_factor=2, mode="nearest")
        self.fine = nn.ModuleList([block(c_up + b, b, 1, False), block(b_up + a, a, 1, False)])
        self.down = nn.ModuleList([down(a, a, 3, 2), down(b, b, 3, 2)])
        self.coarse = nn.ModuleList([block(a + b_up, b, 1, False), block(b + c_up, c, 1, False)])

    def forward(self, maps):
        p3, p4, p5 = maps
        p5 = self.narrow[0](p5)
        p4 = self.narrow[1](self.fine[0](torch.cat([self.up(p5), p4], 1)))
        p3 = self.fine[1](torch.cat([self.up(p4), p3], 1))
        p4 = self.coarse[0](torch.cat([self.down[0](p3), p4], 1))
        return p3, p4, self.coarse[1](torch.cat([self.down[1](p4), p5], 1))


class Yolov5(nn.Module):
    """A stem of 6x6, and per level a map of anchor, row, column and 5 + classes raw numbers."""

    def __init__(self, anchors=3):
        super().__init__()
        stem = nn.Sequential(nn.Conv2d(3, 8, 6, 2, 2, bias=False), nn.BatchNorm2d(8), nn.SiLU())
        self.encoder, self.neck = Encoder(stem, C3), Pan(C3)
        self.heads = nn.ModuleList(nn.Conv2d(width, anchors * (5 + CLASSES), 1) for width in WIDTHS[2:])
        self.anchors = anchors

    def forward(self, x):
        raw = []
        for y, head in zip(self.neck(self.encoder(x)), self.heads):
            y = head(y)
            batch, _, rows, columns = y.shape
            y = y.view(batch, self.anchors, 5 + CLASSES, rows, columns)
            raw.append(y.permute(0, 1, 3, 4, 2).contiguous())
        return tuple(raw)


class Distances(nn.Module):
    """Distribution focal loss: every side of a box is the mean of 16 bins under a softmax."""

    def __init__(self, bins=16):
        super().__init__()
        self.bins = bins
        self.conv = nn.Conv2d(bins, 1, 1, bias=False)
        self.conv.weight.data[:] = torch.arange(bins, dtype=torch.float).view(1, bins, 1, 1)
        self.conv.fixed = True

    def forward(self, x):
        batch, _, cells = x.shape
        return self.conv(x.view(batch, 4, self.bins, cells).transpose(2, 1).softmax(1)).view(batch, 4, cells)


class Yolov8(nn.Module):
    """Boxes in pixels (centre and size) above class probabilities, for all cells of all levels, at 64x64."""

    def __init__(self, bins=16, size=64):
        super().__init__()
        self.encoder, self.neck = Encoder(silu(3, 8, 3, 2), C2f), Pan(C2f, lateral=False)

        def head(width, inner, outputs):
            return nn.Sequential(silu(width, inner), silu(inner, inner), nn.Conv2d(inner, outputs, 1))

        self.boxes = nn.ModuleList(head(width, 16, 4 * bins) for width in WIDTHS[2:])
        self.scores = nn.ModuleList(head(width, 16, CLASSES) for width in WIDTHS[2:])
        self.distances = Distances(bins)
        self.bins = bins
        centres, strides = [], []
        for stride in (8, 16, 32):
            at = torch.arange(size // stride) + 0.5
            rows, columns = torch.meshgrid(at, at, indexing="ij")
            centres.append(torch.stack([columns.flatten(), rows.flatten()]))
            strides.append(torch.full((1, at.numel() ** 2), float(stride)))
        self.register_buffer("centres", torch.cat(centres, 1)[None])
        self.register_buffer("strides", torch.cat(strides, 1))

    def forward(self, x):
        maps = self.neck(self.encoder(x))
        joined = [torch.cat((boxes(y), scores(y)), 1) for y, boxes, scores in zip(maps, self.boxes, self.scores)]
        joined = torch.cat([y.view(y.shape[0], 4 * self.bins + CLASSES, -1) for y in joined], 2)
        boxes, scores = joined.split((4 * self.bins, CLASSES), 1)
        near, far = self.distances(boxes).chunk(2, 1)
        low, high = self.centres - near, self.centres + far
        boxes = torch.cat(((low + high) / 2, high - low), 1) * self.strides
        return torch.cat((boxes, scores.sigmoid()), 1)


def separable(inputs, outputs, kernel=3, stride=1):
    """A depthwise convolution and a 1x1."""
    return nn.Sequential(silu(inputs, inputs, kernel, stride, groups=inputs), silu(inputs, outputs, 1))


class Focus(nn.Module):
    """Every other row and column, four times, beside each other, and a convolution."""

    def __init__(self, outputs):
        super().__init__()
        self.conv = silu(12, outputs, 3)

    def forward(self, x):
        top, bottom = x[..., ::2, :], x[..., 1::2, :]
        parts = (top[..., ::2], bottom[..., ::2], top[..., 1::2], bottom[..., 1::2])
        return self.conv(torch.cat(parts, dim=1))


class YoloxHead(nn.Module):
    """Classes and boxes from branches of their own, each of depthwise separable convolutions."""

    def __init__(self, inputs, width=16):
        super().__init__()
        self.stem = silu(inputs, width, 1)
        self.class_branch = nn.Sequential(separable(width, width), separable(width, width))
        self.box_branch = nn.Sequential(separable(width, width), separable(width, width))
        self.classes = nn.Conv2d(width, CLASSES, 1)
        self.box, self.objectness = nn.Conv2d(width, 4, 1), nn.Conv2d(width, 1, 1)

    def forward(self, x):
        x = self.stem(x)
        boxes = self.box_branch(x)
        scores = self.classes(self.class_branch(x)).sigmoid()
        return torch.cat([self.box(boxes), self.objectness(boxes).sigmoid(), scores], 1)


class Yolox(nn.Module):
    """One row for every cell of every level: raw box, objectness, class probabilities."""

    def __init__(self):
        super().__init__()
        block = partial(C3, second=separable)
        self.encoder = Encoder(Focus(8), block, separable, Spp)
        self.neck = Pan(block, separable)
        self.heads = nn.ModuleList(YoloxHead(width) for width in WIDTHS[2:])

    def forward(self, x):
        levels = [head(y) for y, head in zip(self.neck(self.encoder(x)), self.heads)]
        return torch.cat([y.flatten(start_dim=2) for y in levels], dim=2).permute(0, 2, 1)
