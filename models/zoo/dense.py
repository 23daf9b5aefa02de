"""Small-width networks for maps: U-Net, DeepLabV3, and HRNet with its four resolutions."""

import torch
import torch.nn.functional as F
from torch import nn

from blocks import Basic, Bottleneck, conv_bn, stage


def double(inputs, outputs):
    return nn.Sequential(conv_bn(inputs, outputs), conv_bn(outputs, outputs))


class UNet(nn.Module):
    """Four levels. Where the sizes of an upsampled map and of what skips to it differ, the larger is cropped, or the
    smaller padded on both sides."""

    def __init__(self, padded, classes=5, widths=(8, 16, 24, 32)):
        super().__init__()
        self.padded = padded
        self.down = nn.ModuleList(double(i, o) for i, o in zip((3, *widths[:-1]), widths))
        self.pool = nn.MaxPool2d(2)
        pairs = list(zip(widths[:0:-1], widths[-2::-1]))
        self.up = nn.ModuleList(nn.ConvTranspose2d(i, o, 2, 2) for i, o in pairs)
        self.join = nn.ModuleList(double(2 * o, o) for _, o in pairs)
        self.head = nn.Conv2d(widths[0], classes, 1)

    def forward(self, x):
        skips = []
        for level in self.down:
            x = level(self.pool(x) if skips else x)
            skips.append(x)
        for up, join, skip in zip(self.up, self.join, skips[-2::-1]):
            x = up(x)
            if self.padded:
                rows, columns = skip.shape[2] - x.shape[2], skip.shape[3] - x.shape[3]
                x = F.pad(x, [columns // 2, columns - columns // 2, rows // 2, rows - rows // 2])
            else:
                skip = skip[:, :, : x.shape[2], : x.shape[3]]
            x = join(torch.cat([skip, x], dim=1))
        return self.head(x)


class GlobalBranch(nn.Module):
    """The mean of the whole picture, spread over it again."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.conv = conv_bn(inputs, outputs, 1)

    def forward(self, x):
        size = x.shape[-2:]
        return F.interpolate(self.conv(self.pool(x)), size=size, mode="bilinear", align_corners=False)


class Aspp(nn.Module):
    """Atrous spatial pyramid pooling: a 1x1, dilated 3x3 and a global branch beside each other."""

    def __init__(self, inputs, outputs, rates=(2, 4, 6)):
        super().__init__()
        branches = [conv_bn(inputs, outputs, 1)]
        branches += [conv_bn(inputs, outputs, 3, dilation=rate) for rate in rates]
        self.branches = nn.ModuleList([*branches, GlobalBranch(inputs, outputs)])
        self.project = nn.Sequential(conv_bn(outputs * (len(rates) + 2), outputs, 1), nn.Dropout(0.5))

    def forward(self, x):
        return self.project(torch.cat([branch(x) for branch in self.branches], dim=1))


class DeepLabV3(nn.Module):
    """A dilated residual encoder of stride 8, ASPP, and logits of the size of the input."""

    def __init__(self, classes=5):
        super().__init__()
        self.encoder = nn.Sequential(
            conv_bn(3, 12, 3, 2), nn.MaxPool2d(3, 2, 1), Bottleneck(12, 8, 24), Bottleneck(24, 12, 32, 2),
            Bottleneck(32, 16, 40, dilation=2), Bottleneck(40, 16, 40, dilation=4),
        )
        self.aspp = Aspp(40, 16)
        self.head = nn.Sequential(conv_bn(16, 16), nn.Conv2d(16, classes, 1))

    def forward(self, x):
        y = self.head(self.aspp(self.encoder(x)))
        return F.interpolate(y, size=x.shape[-2:], mode="bilinear", align_corners=False)


class Fuse(nn.Module):
    """Every resolution receives the sum of all, strided or enlarged to its size."""

    def __init__(self, widths, nearest):
        super().__init__()
        self.nearest = nearest
        self.paths = nn.ModuleList(
            nn.ModuleList(self.path(widths, i, j) for j in range(len(widths))) for i in range(len(widths))
        )

    @staticmethod
    def path(widths, i, j):
        """From resolution j to resolution i."""
        if j == i:
            return nn.Identity()
        if j > i:
            return conv_bn(widths[j], widths[i], 1, act=None)
        steps = [conv_bn(widths[j], widths[j], 3, 2) for _ in range(i - j - 1)]
        return nn.Sequential(*steps, conv_bn(widths[j], widths[i], 3, 2, act=None))

    def enlarge(self, x, like, times):
        if self.nearest:
            return F.interpolate(x, scale_factor=times, mode="nearest")
        return F.interpolate(x, size=like.shape[-2:], mode="bilinear", align_corners=True)

    def forward(self, maps):
        fused = []
        for i, paths in enumerate(self.paths):
            total = None
            for j, path in enumerate(paths):
                y = path(maps[j])
                y = self.enlarge(y, maps[i], 2 ** (j - i)) if j > i else y
                total = y if total is None else total + y
            fused.append(torch.relu(total))
        return fused


class HrModule(nn.Module):
    """Residual blocks at every resolution, then a fusion."""

    def __init__(self, widths, blocks, nearest):
        super().__init__()
        self.branches = nn.ModuleList(stage(Basic, width, width, blocks) for width in widths)
        self.fuse = Fuse(widths, nearest)

    def forward(self, maps):
        return self.fuse([branch(x) for branch, x in zip(self.branches, maps)])


class HrNet(nn.Module):
    """The encoder alone: four maps, of a quarter to a thirty-second of the input's size."""

    def __init__(self, widths=(8, 12, 16, 24), blocks=2, modules=(1, 1, 1), nearest=False):
        super().__init__()
        self.stem = nn.Sequential(conv_bn(3, 12, 3, 2), conv_bn(12, 12, 3, 2))
        self.stage1 = nn.Sequential(Bottleneck(12, 8, 24), Bottleneck(24, 8, 24))
        self.transitions, self.stages = nn.ModuleList(), nn.ModuleList()
        for count in (2, 3, 4):
            first = [conv_bn(24, widths[0]), conv_bn(24, widths[1], 3, 2)]
            self.transitions.append(
                nn.ModuleList(first if count == 2 else [conv_bn(widths[count - 2], widths[count - 1], 3, 2)])
            )
            hr_modules = (HrModule(widths[:count], blocks, nearest) for _ in range(modules[count - 2]))
            self.stages.append(nn.Sequential(*hr_modules))

    def forward(self, x):
        x = self.stage1(self.stem(x))
        maps = None
        for transition, stage_modules in zip(self.transitions, self.stages):
            if maps is None:
                maps = [step(x) for step in transition]
            else:
                maps = [*maps, transition[0](maps[-1])]
            maps = stage_modules(maps)
        return maps


class HrNetSegmentation(nn.Module):
    """All four maps at the finest one's size, beside each other, and logits at a quarter of the input's size."""

    def __init__(self, classes=5):
        super().__init__()
        self.encoder = HrNet()
        self.head = nn.Sequential(conv_bn(60, 40, 1), nn.Conv2d(40, classes, 1))

    def forward(self, x):
        maps = self.encoder(x)
        size = maps[0].shape[-2:]
        rest = [F.interpolate(y, size=size, mode="bilinear", align_corners=True) for y in maps[1:]]
        return self.head(torch.cat([maps[0], *rest], 1))
