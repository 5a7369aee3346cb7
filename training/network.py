"""The student: a plain residual network of 3x3 convolutions, cut out of ResNet-18."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

EPSILON = 1e-5


@dataclass(frozen=True)
class Design:
    """Widths of the student. Each number in a tuple is one block's inner width."""

    stem: int = 48
    near: tuple[int, ...] = (48,)
    two: int = 128
    two_blocks: tuple[int, ...] = (128,)
    three: int = 256
    three_blocks: tuple[int, ...] = (256,)
    depths: tuple[int, int] = (48, 80)


DESIGNS = {
    "plain": Design(),
    "wide": Design(stem=64, near=(32,)),
    "late": Design(near=(), three_blocks=(256, 128)),
    "small": Design(stem=32, near=(32,), two=96, two_blocks=(96,), three=192, three_blocks=(192,)),
}


class Block(nn.Module):
    """Two 3x3 convolutions with a shortcut; no batch normalisation."""

    def __init__(self, before: int, after: int, inner: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(before, inner, 3, stride, 1)
        self.second = nn.Conv2d(inner, after, 3, 1, 1)
        same = stride == 1 and before == after
        self.shortcut = nn.Identity() if same else nn.Conv2d(before, after, 1, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's output after its ReLU."""
        inner = functional.relu(self.first(x))
        return functional.relu(self.second(inner) + self.shortcut(x))


def blocks(before: int, after: int, inner: tuple[int, ...], stride: int) -> nn.Sequential:
    """Return a level's blocks; the first one has the stride."""
    made = []
    for width in inner:
        made.append(Block(before, after, width, stride))
        before, stride = after, 1
    return nn.Sequential(*made)


class Student(nn.Module):
    """Normalised pictures (n, 3, H, W) -> level 2 at 1/8 and level 3 at 1/16."""

    def __init__(self, design: Design) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, design.stem, 7, 2, 3)
        self.near = blocks(design.stem, design.stem, design.near, 1)
        self.two = blocks(design.stem, design.two, design.two_blocks, 2)
        self.three = blocks(design.two, design.three, design.three_blocks, 2)
        self.head2 = nn.Conv2d(design.two, design.depths[0], 1)
        self.head3 = nn.Conv2d(design.three, design.depths[1], 1)

    def body(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return both levels before their heads."""
        x = functional.max_pool2d(functional.relu(self.stem(x)), 3, 2, 1)
        two = self.two(self.near(x))
        return two, self.three(two)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return both levels."""
        two, three = self.body(x)
        return self.head2(two), self.head3(three)


def folded(state: dict[str, Tensor], conv: str, norm: str) -> tuple[Tensor, Tensor]:
    """Return a convolution's weight and bias with its batch normalisation folded in."""
    spread = (state[f"{norm}.running_var"] + EPSILON).sqrt()
    gain = state[f"{norm}.weight"] / spread
    weight = state[f"{conv}.weight"] * gain.view(-1, 1, 1, 1)
    return weight, state[f"{norm}.bias"] - state[f"{norm}.running_mean"] * gain


def strongest(strength: Tensor, count: int) -> Tensor:
    """Return the indices of the `count` largest, in their own order."""
    return strength.topk(count).indices.sort().values


def fill(layer: nn.Conv2d, weight: Tensor, bias: Tensor, rows: Tensor, columns: Tensor) -> None:
    """Copy the chosen output rows and input columns of a teacher's convolution into a layer."""
    with torch.no_grad():
        layer.weight.copy_(weight[rows][:, columns])
        layer.bias.copy_(bias[rows])


def fill_block(
    block: Block, state: dict[str, Tensor], name: str, before: Tensor, after: Tensor
) -> None:
    """Copy a teacher's block, keeping given channels before and after, the strongest inside."""
    first, first_bias = folded(state, f"{name}.conv1", f"{name}.bn1")
    second, second_bias = folded(state, f"{name}.conv2", f"{name}.bn2")
    strength = first[:, before].flatten(1).norm(dim=1) * second.flatten(2).norm(dim=(0, 2))
    inner = strongest(strength, block.first.out_channels)
    fill(block.first, first, first_bias, inner, before)
    fill(block.second, second, second_bias, after, inner)
    if isinstance(block.shortcut, nn.Conv2d):
        weight, bias = folded(state, f"{name}.downsample.0", f"{name}.downsample.1")
        fill(block.shortcut, weight, bias, after, before)


def cut_from(student: Student, state: dict[str, Tensor]) -> None:
    """Start the student's body as a piece of ResNet-18: first blocks, strongest channels."""
    weight, bias = folded(state, "conv1", "bn1")
    use = state["layer1.0.conv1.weight"].flatten(2).norm(dim=(0, 2))
    kept = strongest(weight.flatten(1).norm(dim=1) * use, student.stem.out_channels)
    fill(student.stem, weight, bias, kept, torch.arange(3))
    for number, level in ((1, student.near), (2, student.two), (3, student.three)):
        for index, block in enumerate(level):
            after = kept
            if isinstance(block.shortcut, nn.Conv2d):
                second, _ = folded(state, f"layer{number}.0.conv2", f"layer{number}.0.bn2")
                after = strongest(second.flatten(1).norm(dim=1), block.second.out_channels)
            fill_block(block, state, f"layer{number}.{index}", kept, after)
            kept = after
