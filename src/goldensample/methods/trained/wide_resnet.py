"""A wide residual network, 16 layers deep: Zagoruyko & Komodakis, BMVC 2016 (arXiv 1605.07146)."""

from typing import Any

from torch import nn

BLOCKS = 2
"""Residual blocks of each of the three groups: (16 - 4) / 6."""


class Block(nn.Module):  # type: ignore[misc]
    """Batch norm, ReLU and a 3x3 convolution, twice; added to what came in."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.before = nn.Sequential(nn.BatchNorm2d(inputs), nn.ReLU())
        self.residual = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
            nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False),
        )
        changes = inputs != outputs or stride != 1
        self.shortcut = nn.Conv2d(inputs, outputs, 1, stride, bias=False) if changes else None

    def forward(self, values: Any) -> Any:
        active = self.before(values)
        kept = values if self.shortcut is None else self.shortcut(active)
        return kept + self.residual(active)


def wide_resnet(width: int, classes: int) -> Any:
    """Return the network: (n, 3, h, w) to (n, classes), with 16 · width channels at first."""
    layers: list[Any] = [nn.Conv2d(3, 16, 3, 1, 1, bias=False)]
    channels = 16
    for group in range(3):
        wanted = 16 * width << group
        for number in range(BLOCKS):
            layers.append(Block(channels, wanted, 2 if group and not number else 1))
            channels = wanted
    layers += [nn.BatchNorm2d(channels), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(*layers, nn.Linear(channels, classes))
