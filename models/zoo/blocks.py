"""What the networks of the zoo share: convolutions with batch norm, residual blocks, gates."""

import torch
from torch import nn


def conv_bn(inputs, outputs, kernel=3, stride=1, groups=1, dilation=1, act=nn.ReLU):
    """Convolution without bias, batch norm, and an activation where there is one; keeps the size at stride 1."""
    pad = dilation * (kernel // 2)
    conv = nn.Conv2d(inputs, outputs, kernel, stride, pad, dilation, groups, bias=False)
    layers = [conv, nn.BatchNorm2d(outputs)]
    return nn.Sequential(*layers, act()) if act else nn.Sequential(*layers)


class Basic(nn.Module):
    """Residual block of two 3x3 convolutions."""

    def __init__(self, inputs, outputs, stride=1, dilation=1):
        super().__init__()
        self.first = conv_bn(inputs, outputs, 3, stride, dilation=dilation)
        self.second = conv_bn(outputs, outputs, 3, dilation=dilation, act=None)
        same = stride == 1 and inputs == outputs
        self.shortcut = nn.Identity() if same else conv_bn(inputs, outputs, 1, stride, act=None)

    def forward(self, x):
        return torch.relu(self.second(self.first(x)) + self.shortcut(x))


class Bottleneck(nn.Module):
    """Residual block of a 1x1, a (grouped) 3x3 and a 1x1 convolution."""

    def __init__(self, inputs, inner, outputs, stride=1, groups=1, dilation=1):
        super().__init__()
        self.body = nn.Sequential(
            conv_bn(inputs, inner, 1),
            conv_bn(inner, inner, 3, stride, groups, dilation),
            conv_bn(inner, outputs, 1, act=None),
        )
        same = stride == 1 and inputs == outputs
        self.shortcut = nn.Identity() if same else conv_bn(inputs, outputs, 1, stride, act=None)

    def forward(self, x):
        return torch.relu(self.body(x) + self.shortcut(x))


class Gate(nn.Module):
    """Squeeze-and-excite: channels scaled by what their means say."""

    def __init__(self, channels, inner, act=nn.ReLU, gate=nn.Sigmoid):
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.reduce = nn.Conv2d(channels, inner, 1)
        self.act = act()
        self.expand = nn.Conv2d(inner, channels, 1)
        self.gate = gate()

    def forward(self, x):
        return x * self.gate(self.expand(self.act(self.reduce(self.pool(x)))))


class LinearGate(nn.Module):
    """Squeeze-and-excite with fully connected layers, as in MTI-Net."""

    def __init__(self, channels, reduction=2):
        super().__init__()
        inner = channels // reduction
        self.fc = nn.Sequential(nn.Linear(channels, inner), nn.ReLU(), nn.Linear(inner, channels), nn.Sigmoid())

    def forward(self, x):
        batch, channels, _, _ = x.shape
        means = nn.functional.adaptive_avg_pool2d(x, 1).view(batch, channels)
        return x * self.fc(means).view(batch, channels, 1, 1)


class SpatialAttention(nn.Module):
    """What another task's features add, each value weighed by a sigmoid of its own convolution."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.attention = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.value = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)

    def forward(self, x):
        return self.value(x) * torch.sigmoid(self.attention(x))


def stage(block, inputs, outputs, count, stride=1, **options):
    """`count` blocks, of which the first strides."""
    first = block(inputs, outputs, stride, **options)
    return nn.Sequential(first, *(block(outputs, outputs, **options) for _ in range(count - 1)))


def classifier(channels, classes=10):
    """Global average pooling, flattening, and one fully connected layer."""
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, classes))
