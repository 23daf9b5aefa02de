"""The bundled multitask network: residual encoder, feature pyramid at 1/4 resolution, five heads."""

import torch
import torch.nn.functional as F
from torch import nn

DENSE = {"seg": 13, "depth": 1, "normals": 3, "edges": 1}
ROOMS = 6


class Block(nn.Module):
    """Basic residual block."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU()
        self.shortcut = None
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x):
        shortcut = x if self.shortcut is None else self.shortcut(x)
        x = self.relu(self.bn1(self.conv1(x)))
        return self.relu(self.bn2(self.conv2(x)) + shortcut)


def conv_bn_relu(inputs, outputs, stride=1):
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    )


class DenseHead(nn.Module):
    """Two 3x3 convolutions at 1/4 resolution, a 1x1, and bilinear upsampling to the input size."""

    def __init__(self, inputs, hidden, outputs):
        super().__init__()
        self.conv1 = conv_bn_relu(inputs, hidden)
        self.conv2 = conv_bn_relu(hidden, hidden)
        self.predict = nn.Conv2d(hidden, outputs, 1)

    def coarse(self, x):
        return self.predict(self.conv2(self.conv1(x)))

    def forward(self, x):
        return F.interpolate(
            self.coarse(x), scale_factor=4.0, mode="bilinear", align_corners=False
        )


class RoomHead(nn.Module):
    """Global average pooling and two fully connected layers."""

    def __init__(self, inputs, hidden, outputs):
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.fc1 = nn.Linear(inputs, hidden)
        self.relu = nn.ReLU()
        self.dropout = nn.Dropout(0.3)
        self.fc2 = nn.Linear(hidden, outputs)

    def forward(self, x):
        x = self.flatten(self.pool(x))
        return self.fc2(self.dropout(self.relu(self.fc1(x))))


class ScenesNet(nn.Module):
    """Residual encoder, feature pyramid at 1/4 resolution, five heads."""

    def __init__(self, stem=24, widths=(24, 56, 128), pyramid=32, hidden=24):
        super().__init__()
        self.stem = conv_bn_relu(3, stem, 2)
        self.pool = nn.MaxPool2d(3, 2, 1)
        self.stage1 = nn.Sequential(Block(stem, widths[0], 1), Block(widths[0], widths[0], 1))
        self.stage2 = nn.Sequential(Block(widths[0], widths[1], 2), Block(widths[1], widths[1], 1))
        self.stage3 = nn.Sequential(Block(widths[1], widths[2], 2), Block(widths[2], widths[2], 1))
        self.lateral1 = nn.Conv2d(widths[0], pyramid, 1)
        self.lateral2 = nn.Conv2d(widths[1], pyramid, 1)
        self.lateral3 = nn.Conv2d(widths[2], pyramid, 1)
        self.smooth = conv_bn_relu(pyramid, pyramid)
        self.seg = DenseHead(pyramid, hidden, DENSE["seg"])
        self.depth = DenseHead(pyramid, hidden, DENSE["depth"])
        self.normals = DenseHead(pyramid, hidden, DENSE["normals"])
        self.edges = DenseHead(pyramid, hidden, DENSE["edges"])
        self.room = RoomHead(widths[2], 64, ROOMS)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        for head in (self.seg, self.depth, self.normals, self.edges):
            nn.init.normal_(head.predict.weight, std=0.05)
        nn.init.constant_(self.depth.predict.bias, 3.0)

    def features(self, image):
        quarter = self.stage1(self.pool(self.stem(image)))
        eighth = self.stage2(quarter)
        sixteenth = self.stage3(eighth)
        top = self.lateral3(sixteenth)
        middle = self.lateral2(eighth) + F.interpolate(top, scale_factor=2.0, mode="nearest")
        x = self.lateral1(quarter) + F.interpolate(middle, scale_factor=2.0, mode="nearest")
        return self.smooth(x), sixteenth

    def forward(self, image):
        x, top = self.features(image)
        return self.seg(x), self.depth(x), self.normals(x), self.edges(x), self.room(top)

    def sampled(self, image, phase):
        """The outputs at every second row and column, from `phase` on: a quarter of the work."""
        x, top = self.features(image)
        rows = upsampling(x.shape[2])[phase[0] :: 2]
        columns = upsampling(x.shape[3])[phase[1] :: 2].T
        heads = (self.seg, self.depth, self.normals, self.edges)
        coarse = [head.coarse(x) for head in heads]
        with torch.autocast("cpu", enabled=False):
            dense = [rows @ (y.float().contiguous() @ columns) for y in coarse]
        return *dense, self.room(top)


def upsampling(size):
    """Bilinear interpolation by four along one axis, as a matrix."""
    identity = torch.eye(size).unsqueeze(0)
    return F.interpolate(identity, scale_factor=4.0, mode="linear")[0].T
