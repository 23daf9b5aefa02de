"""Small-width classifiers: a vector of ten logits each."""

import torch
import torch.nn.functional as F
from torch import nn

from blocks import Basic, Bottleneck, Gate, classifier, conv_bn, stage


def resnet18():
    widths = (12, 16, 24, 40)
    layers = [conv_bn(3, 12, 7, 2), nn.MaxPool2d(3, 2, 1)]
    for i, width in enumerate(widths):
        layers.append(stage(Basic, widths[max(i - 1, 0)], width, 2, 1 if i == 0 else 2))
    return nn.Sequential(*layers, classifier(40))


def resnext():
    layers = [conv_bn(3, 16, 7, 2), nn.MaxPool2d(3, 2, 1)]
    inputs = 16
    for inner, outputs, count, stride in ((16, 32, 2, 1), (32, 48, 2, 2), (48, 64, 2, 2)):
        for i in range(count):
            layers.append(Bottleneck(inputs, inner, outputs, stride if i == 0 else 1, groups=8))
            inputs = outputs
    return nn.Sequential(*layers, classifier(inputs))


def vgg():
    """VGG-11 in small: biased convolutions, and a flattened map of 2x2 read by three fully connected layers."""
    layers, inputs = [], 3
    for width in (16, "pool", 24, "pool", 32, 32, "pool", 32, 32, "pool", 32, 32, "pool"):
        if width == "pool":
            layers.append(nn.MaxPool2d(2))
        else:
            layers += [nn.Conv2d(inputs, width, 3, padding=1), nn.ReLU()]
            inputs = width
    dense = [nn.Linear(32 * 4, 64), nn.ReLU(), nn.Dropout(), nn.Linear(64, 48), nn.ReLU(), nn.Dropout()]
    return nn.Sequential(*layers, nn.Flatten(), *dense, nn.Linear(48, 10))


class DenseLayer(nn.Module):
    """Batch norm before each convolution; what it computes is appended to what it read."""

    def __init__(self, inputs, growth):
        super().__init__()
        self.body = nn.Sequential(
            nn.BatchNorm2d(inputs), nn.ReLU(), nn.Conv2d(inputs, 4 * growth, 1, bias=False),
            nn.BatchNorm2d(4 * growth), nn.ReLU(), nn.Conv2d(4 * growth, growth, 3, padding=1, bias=False),
        )

    def forward(self, x):
        return torch.cat([x, self.body(x)], 1)


def densenet():
    growth, channels = 6, 16
    layers = [conv_bn(3, channels, 7, 2), nn.MaxPool2d(3, 2, 1)]
    for count in (3, 4, 4, 3):
        if len(layers) > 2:
            layers += [nn.BatchNorm2d(channels), nn.ReLU(), nn.Conv2d(channels, channels // 2, 1, bias=False)]
            layers.append(nn.AvgPool2d(2))
            channels //= 2
        for _ in range(count):
            layers.append(DenseLayer(channels, growth))
            channels += growth
    return nn.Sequential(*layers, nn.BatchNorm2d(channels), nn.ReLU(), classifier(channels))


class Inverted(nn.Module):
    """Expansion, depthwise convolution, an optional gate, and a linear projection, with a residual where it fits."""

    def __init__(self, inputs, inner, outputs, kernel, stride, act, gate=None):
        super().__init__()
        layers = [conv_bn(inputs, inner, 1, act=act)] if inner != inputs else []
        layers.append(conv_bn(inner, inner, kernel, stride, groups=inner, act=act))
        if gate:
            layers.append(gate(inner))
        self.body = nn.Sequential(*layers, conv_bn(inner, outputs, 1, act=None))
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x):
        return x + self.body(x) if self.residual else self.body(x)


def mobilenet_v2():
    layers, inputs = [conv_bn(3, 12, 3, 2, act=nn.ReLU6)], 12
    rows = ((1, 8, 1, 1), (4, 12, 2, 2), (4, 16, 3, 2), (4, 24, 2, 2), (4, 32, 2, 1))
    for expand, outputs, count, stride in rows:
        for i in range(count):
            layers.append(Inverted(inputs, inputs * expand, outputs, 3, stride if i == 0 else 1, nn.ReLU6))
            inputs = outputs
    return nn.Sequential(*layers, conv_bn(inputs, 64, 1, act=nn.ReLU6), classifier(64))


def mobilenet_v3():
    """The small variant: gates by hard sigmoid, hard swish in the deeper half and before the last layer."""
    rows = (
        (3, 8, 8, True, nn.ReLU, 2), (3, 24, 12, False, nn.ReLU, 2), (3, 32, 12, False, nn.ReLU, 1),
        (5, 40, 16, True, nn.Hardswish, 2), (5, 48, 16, True, nn.Hardswish, 1), (5, 48, 24, True, nn.Hardswish, 1),
        (5, 64, 32, True, nn.Hardswish, 2), (5, 64, 32, True, nn.Hardswish, 1),
    )
    layers, inputs = [conv_bn(3, 8, 3, 2, act=nn.Hardswish)], 8
    for kernel, inner, outputs, gated, act, stride in rows:
        gate = (lambda c: Gate(c, max(c // 4, 4), nn.ReLU, nn.Hardsigmoid)) if gated else None
        layers.append(Inverted(inputs, inner, outputs, kernel, stride, act, gate))
        inputs = outputs
    layers += [conv_bn(inputs, 64, 1, act=nn.Hardswish), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(*layers, nn.Linear(64, 72), nn.Hardswish(), nn.Dropout(), nn.Linear(72, 10))


def efficientnet_b0():
    rows = (
        (1, 8, 1, 1, 3), (6, 8, 2, 2, 3), (6, 12, 2, 2, 5), (6, 16, 3, 2, 3), (6, 20, 2, 1, 5), (6, 24, 2, 2, 5),
        (6, 32, 1, 1, 3),
    )
    layers, inputs = [conv_bn(3, 8, 3, 2, act=nn.SiLU)], 8
    for expand, outputs, count, stride, kernel in rows:
        for i in range(count):
            squeezed = max(inputs // 4, 2)
            gate = lambda c, squeezed=squeezed: Gate(c, squeezed, nn.SiLU)  # noqa: E731
            step = stride if i == 0 else 1
            layers.append(Inverted(inputs, inputs * expand, outputs, kernel, step, nn.SiLU, gate))
            inputs = outputs
    return nn.Sequential(*layers, conv_bn(inputs, 96, 1, act=nn.SiLU), classifier(96))


def shuffle(x, groups):
    """Channels of all groups in turn."""
    batch, channels, height, width = x.size()
    x = x.view(batch, groups, channels // groups, height, width)
    return torch.transpose(x, 1, 2).contiguous().view(batch, -1, height, width)


class Shuffle(nn.Module):
    """ShuffleNetV2's unit: half of the channels pass, or both halves come from all of them at stride 2."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        half = outputs // 2
        self.stride = stride
        if stride == 2:
            self.passing = nn.Sequential(
                conv_bn(inputs, inputs, 3, 2, groups=inputs, act=None), conv_bn(inputs, half, 1)
            )
        self.body = nn.Sequential(
            conv_bn(inputs if stride == 2 else half, half, 1),
            conv_bn(half, half, 3, stride, groups=half, act=None),
            conv_bn(half, half, 1),
        )

    def forward(self, x):
        if self.stride == 1:
            passing, rest = x.chunk(2, dim=1)
            return shuffle(torch.cat((passing, self.body(rest)), dim=1), 2)
        return shuffle(torch.cat((self.passing(x), self.body(x)), dim=1), 2)


def shufflenet_v2():
    layers, inputs = [conv_bn(3, 12, 3, 2), nn.MaxPool2d(3, 2, 1)], 12
    for outputs, count in ((24, 3), (48, 4), (96, 3)):
        layers.append(Shuffle(inputs, outputs, 2))
        layers += [Shuffle(outputs, outputs, 1) for _ in range(count - 1)]
        inputs = outputs
    return nn.Sequential(*layers, conv_bn(inputs, 96, 1), MeanHead(96))


class MeanHead(nn.Module):
    """The mean over rows and columns by a reduction, then one fully connected layer."""

    def __init__(self, channels):
        super().__init__()
        self.fc = nn.Linear(channels, 10)

    def forward(self, x):
        return self.fc(x.mean([2, 3]))


class Attention(nn.Module):
    """Multi-head self-attention with layers of its own for queries, keys and values."""

    def __init__(self, width, heads):
        super().__init__()
        self.heads, self.scale = heads, (width // heads) ** -0.5
        self.q, self.k, self.v = (nn.Linear(width, width) for _ in range(3))
        self.project = nn.Linear(width, width)

    def forward(self, x):
        batch, tokens, width = x.shape
        split = lambda y: y.view(batch, tokens, self.heads, width // self.heads).transpose(1, 2)  # noqa: E731
        q, k, v = split(self.q(x)), split(self.k(x)), split(self.v(x))
        scores = q @ k.transpose(-2, -1) * self.scale
        mixed = F.softmax(scores, dim=-1) @ v
        return self.project(mixed.transpose(1, 2).reshape(batch, tokens, width))


class Encoder(nn.Module):
    """A transformer's block: attention and two fully connected layers, each after a layer norm, each residual."""

    def __init__(self, width, heads):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = Attention(width, heads)
        self.mlp = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class VisionTransformer(nn.Module):
    """Patches of 8x8 as tokens with learnt positions, two blocks of four heads, the mean of the tokens."""

    def __init__(self, width=48, heads=4):
        super().__init__()
        self.patches = nn.Conv2d(3, width, 8, 8)
        self.positions = nn.Parameter(torch.randn(1, 64, width) * 0.5)
        self.blocks = nn.Sequential(Encoder(width, heads), Encoder(width, heads))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, 10)

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2) + self.positions
        return self.head(self.norm(self.blocks(x)).mean(1))
