"""Networks and gradients that the tests share."""

import copy
from dataclasses import replace

import torch
from torch import nn

from featviz.network.passes import run_to

LAYERS = {"conv1": "features.0", "conv2": "features.2", "conv3": "features.6"}
CLASSES = ("ant", "bee", "cat", "dog", "elk")


class SmallCNN(nn.Module):
    """In-place ReLUs, a strided first convolution, pooling, batch norm, dropout, a classifier."""

    def __init__(self):
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.features = nn.Sequential(
                nn.Conv2d(3, 8, 5, stride=2, padding=2),
                nn.ReLU(inplace=True),
                nn.Conv2d(8, 12, 3, padding=1),
                nn.BatchNorm2d(12),
                nn.ReLU(inplace=True),
                nn.MaxPool2d(2),
                nn.Conv2d(12, 10, 3, padding=1),
                nn.ReLU(inplace=True),
            )
            self.classifier = nn.Sequential(
                nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.5), nn.Linear(10, len(CLASSES))
            )

    def forward(self, images):
        return self.classifier(self.features(images))


class GrayCNN(nn.Module):
    """One input channel, batch norm, a head that takes 28 px alone: what one trains on MNIST."""

    def __init__(self):
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.conv1 = nn.Conv2d(1, 6, 5, padding=2)
            self.norm = nn.BatchNorm2d(6)
            self.conv2 = nn.Conv2d(6, 8, 3, padding=1)
            self.head = nn.Linear(8 * 7 * 7, len(CLASSES))
            self.norm.weight.data.uniform_(-2, 2)
            self.norm.running_var.uniform_(0.5, 2)

    def forward(self, images):
        values = nn.functional.max_pool2d(torch.relu(self.norm(self.conv1(images))), 2)
        values = nn.functional.max_pool2d(torch.relu(self.conv2(values)), 2)
        return self.head(values.flatten(1))


class Fire(nn.Module):
    """SqueezeNet's module: a 1 x 1 and a 3 x 3 branch, concatenated."""

    def __init__(self):
        super().__init__()
        self.squeeze = nn.Conv2d(4, 3, 1)
        self.expand1x1 = nn.Conv2d(3, 4, 1)
        self.expand3x3 = nn.Conv2d(3, 4, 3, padding=1)

    def forward(self, x):
        x = self.squeeze(x)
        return torch.cat([self.expand1x1(x), self.expand3x3(x)], 1)


class Residual(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.branch = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, channels, 3, padding=1),
        )

    def forward(self, x):
        return torch.relu(x + self.branch(x))


class Branched(nn.Module):
    """A Fire module and a residual block, each read by one more convolution."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, stride=2, padding=1)
        self.fire = Fire()
        self.after_fire = nn.Conv2d(8, 6, 1)
        self.residual = Residual(6)
        self.after_residual = nn.Conv2d(6, 2, 3, stride=2, padding=1)

    def forward(self, x):
        return self.after_residual(self.residual(self.after_fire(self.fire(self.stem(x)))))


def opened(module):
    """A copy through which every path counts: no ReLU, averages for maxima, weights of one."""
    module = copy.deepcopy(module).eval().double()
    for parent in list(module.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.ReLU):
                setattr(parent, name, nn.Identity())
            elif isinstance(child, nn.MaxPool2d):
                shape = child.kernel_size, child.stride, child.padding, child.ceil_mode
                setattr(parent, name, nn.AvgPool2d(*shape))
    with torch.no_grad():
        for module_ in module.modules():
            if isinstance(module_, nn.Conv2d):
                module_.weight.fill_(1 / module_.weight[0].numel())
    return module


def seen(network, layer, size, position=None):
    """What one position of a layer sees, by gradients through `opened`'s copy.

    Returns:
        The position; the first row and the one after the last with a gradient; the same of columns.
    """
    image = torch.full((1, 3, size, size), 0.5, dtype=torch.float64, requires_grad=True)
    ref = replace(network.resolve(layer), source=network.resolve(layer).module)
    value = run_to(opened(network.module), image, [ref])[layer]
    row, column = position or (value.shape[2] // 2, value.shape[3] // 2)
    (gradient,) = torch.autograd.grad(value[0, :, row, column].sum(), image)
    touched = gradient[0].abs().sum(0) > 0
    spans = []
    for axis in (1, 0):
        hits = touched.any(axis).nonzero().flatten()
        spans.append((hits[0].item(), hits[-1].item() + 1))
    return (row, column), *spans


def eight_bit(images):
    return (images * 255).round() / 255
