"""The student: a thin residual network of 3x3 convolutions on ResNet-18's residual stream."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

STEM, TWO, THREE = 64, 128, 256
"""Channels of ResNet-18's residual stream at 1/4, 1/8 and 1/16; the student keeps them all."""


@dataclass(frozen=True)
class Design:
    """Widths of the student, relative to ResNet-18.

    Args:
        rank: of the 7x7 convolution, which becomes one to `rank` channels and a 1x1 to 64.
        near, two, three: each block's inner width at 1/4, 1/8 and 1/16 (ResNet-18: two blocks of
            64, of 128 and of 256).
        depths: channels of the two outputs.
    """

    rank: int = 32
    near: tuple[int, ...] = (48,)
    two: tuple[int, ...] = (64, 64)
    three: tuple[int, ...] = (128, 64)
    depths: tuple[int, int] = (48, 80)


DESIGNS = {
    "thin": Design(),
    "small": Design(rank=16, near=(24,), two=(48, 32), three=(96, 48)),
}


def quantise(x: Tensor, step: Tensor) -> Tensor:
    """Return x rounded to multiples of `step`, with a straight-through gradient."""
    return x + ((x / step).round() * step - x).detach()


class Conv(nn.Conv2d):
    """A convolution; when `rounded`, its weights have 7 bits and a sign bit less than int8 has.

    The products of 8-bit values with 8-bit weights overflow on processors without VNNI; with
    weights of half the range they do not, and int8 is the same everywhere.
    """

    rounded = False

    def forward(self, x: Tensor) -> Tensor:
        """Return the convolution of x."""
        weight = self.weight
        if self.rounded:
            weight = quantise(weight, weight.detach().abs().amax((1, 2, 3), keepdim=True) / 63)
        return self._conv_forward(x, weight, self.bias)


class SignedQuantiser(nn.Module):
    """Identity; when `rounded`, quantises signed values to 8 bits."""

    rounded = False

    def forward(self, x: Tensor) -> Tensor:
        """Return x; its range is the mean over pictures of their largest sizes, as NNCF has it."""
        if not self.rounded:
            return x
        largest = x.detach().abs().amax((1, 2, 3)).mean()
        return quantise(x.clamp(-largest, largest), largest / 127)


class ClippedReLU(nn.Module):
    """ReLU with an upper end; when `rounded`, with 8 bits.

    The end is infinite until the int8 stage sets it. Strong edges then saturate, and faint
    textures are left more of the 255 steps.
    """

    rounded = False

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("top", torch.tensor(math.inf))

    def forward(self, x: Tensor) -> Tensor:
        """Return x between 0 and the upper end."""
        x = torch.clamp(x, torch.zeros_like(self.top), self.top)
        return quantise(x, self.top / 255) if self.rounded else x


class Block(nn.Module):
    """Two 3x3 convolutions with a shortcut; no batch normalisation."""

    def __init__(self, before: int, after: int, inner: int, stride: int) -> None:
        super().__init__()
        self.first = Conv(before, inner, 3, stride, 1)
        self.inner = ClippedReLU()
        self.second = Conv(inner, after, 3, 1, 1)
        self.second_signed = SignedQuantiser()
        same = stride == 1 and before == after
        self.shortcut = nn.Identity() if same else Conv(before, after, 1, stride)
        self.shortcut_signed = nn.Identity() if same else SignedQuantiser()
        self.after = ClippedReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's output after its ReLU."""
        second = self.second_signed(self.second(self.inner(self.first(x))))
        return self.after(second + self.shortcut_signed(self.shortcut(x)))


def make_blocks(before: int, after: int, inner: tuple[int, ...], stride: int) -> nn.Sequential:
    """Return a level's blocks; the first one has the stride."""
    layers = []
    for width in inner:
        layers.append(Block(before, after, width, stride))
        before, stride = after, 1
    return nn.Sequential(*layers)


class Student(nn.Module):
    """Normalised pictures (n, 3, H, W) -> level 2 at 1/8 and level 3 at 1/16."""

    def __init__(self, design: Design) -> None:
        super().__init__()
        self.filters = nn.Conv2d(3, design.rank, 7, 2, 3)  # the stem stays in float32, see LOG.md
        self.mixed = nn.Conv2d(design.rank, STEM, 1)
        self.stem_limit = ClippedReLU()
        self.near = make_blocks(STEM, STEM, design.near, 1)
        self.two = make_blocks(STEM, TWO, design.two, 2)
        self.three = make_blocks(TWO, THREE, design.three, 2)
        self.head2 = Conv(TWO, design.depths[0], 1)
        self.head3 = Conv(THREE, design.depths[1], 1)

    def stem(self, x: Tensor) -> Tensor:
        """Return the residual stream at 1/4."""
        x = self.mixed(self.filters(x))
        return functional.max_pool2d(self.stem_limit(x), 3, 2, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return both levels."""
        two = self.two(self.near(self.stem(x)))
        return self.head2(two), self.head3(self.three(two))
