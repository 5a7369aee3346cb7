"""Where training starts: ResNet-18 itself, thinned by least squares, one layer after the other."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.network import Block, Student
from training.targets import Projection

EPSILON = 1e-5
State = dict[str, Tensor]
Layer = tuple[Tensor, Tensor]


def folded(state: State, conv: str, norm: str) -> Layer:
    """Return a convolution's weight and bias with its batch normalisation folded in."""
    spread = (state[f"{norm}.running_var"] + EPSILON).sqrt()
    gain = state[f"{norm}.weight"] / spread
    weight = state[f"{conv}.weight"] * gain.view(-1, 1, 1, 1)
    return weight, state[f"{norm}.bias"] - state[f"{norm}.running_mean"] * gain


def fill(layer: nn.Conv2d, weight: Tensor, bias: Tensor) -> None:
    """Copy a weight and a bias into a layer."""
    layer.weight.copy_(weight)
    layer.bias.copy_(bias)


def solve(layer: nn.Conv2d, rows: Tensor, wanted: Tensor) -> None:
    """Set a stride-1 convolution so that it maps `rows` to `wanted` with the least squared error.

    Args:
        layer: what is set.
        rows: (n, c, h, w) inputs; not changed.
        wanted: (n, d, h, w) outputs; not changed.
    """
    side = layer.kernel_size[0]
    columns = functional.unfold(rows, side, padding=side // 2)  # (n, c·k·k, h·w)
    columns = columns.transpose(1, 2).flatten(0, 1)
    columns = torch.cat([columns, torch.ones(len(columns), 1)], 1)
    square = (columns.T @ columns).double()
    square.diagonal().add_(1e-4 * square.diagonal().mean())
    right = (columns.T @ wanted.flatten(2).transpose(1, 2).flatten(0, 1)).double()
    solved = torch.linalg.solve(square, right).float()
    fill(layer, solved[:-1].T.reshape(layer.weight.shape), solved[-1])


def thin_block(block: Block, state: State, name: str, x: Tensor, wanted: Tensor) -> Tensor:
    """Set a block from a teacher's: its strongest inner channels, the rest by least squares.

    Args:
        block: what is set.
        state, name: of the teacher's block.
        x: the student's stream before the block.
        wanted: the teacher's stream after it, before its last ReLU.

    Returns:
        The student's stream after the block.
    """
    first, bias = folded(state, f"{name}.conv1", f"{name}.bn1")
    second, _ = folded(state, f"{name}.conv2", f"{name}.bn2")
    if isinstance(block.shortcut, nn.Conv2d):
        fill(block.shortcut, *folded(state, f"{name}.downsample.0", f"{name}.downsample.1"))
    stride = block.first.stride
    energy = functional.relu(functional.conv2d(x, first, bias, stride, 1)).square().mean((0, 2, 3))
    strength = energy * second.square().sum((0, 2, 3))
    inner = strength.topk(block.first.out_channels).indices.sort().values
    fill(block.first, first[inner], bias[inner])
    solve(block.second, block.inner(block.first(x)), wanted - block.shortcut(x))
    return block(x)


def teacher_block(state: State, name: str, x: Tensor) -> Tensor:
    """Return the teacher's stream after a block, before its last ReLU."""
    down = f"{name}.downsample.0.weight" in state
    stride = 2 if down else 1
    side = x
    if down:
        weight, bias = folded(state, f"{name}.downsample.0", f"{name}.downsample.1")
        side = functional.conv2d(x, weight, bias, stride)
    weight, bias = folded(state, f"{name}.conv1", f"{name}.bn1")
    inner = functional.relu(functional.conv2d(x, weight, bias, stride, 1))
    weight, bias = folded(state, f"{name}.conv2", f"{name}.bn2")
    return functional.conv2d(inner, weight, bias, 1, 1) + side


def thin_stem(student: Student, state: State) -> None:
    """Set the stem: ResNet-18's filters as a product of two, by singular values."""
    weight, bias = folded(state, "conv1", "bn1")
    left, sizes, right = torch.linalg.svd(weight.flatten(1), full_matrices=False)
    rank = student.filters.out_channels
    # the sizes go to the second factor: all filters then have length one, which suits int8
    fill(student.filters, right[:rank].reshape(rank, 3, 7, 7), torch.zeros(rank))
    fill(student.mixed, (left[:, :rank] * sizes[:rank])[..., None, None], bias)


@torch.no_grad()
def start_from(
    student: Student, state: State, pictures: Tensor, projections: list[Projection]
) -> None:
    """Set the whole student from ResNet-18's weights.

    Args:
        student: what is set.
        state: ResNet-18's weights.
        pictures: (n, 3, H, W) normalised; what least squares are taken over.
        projections: of level 2 and level 3, which the heads start as.
    """
    thin_stem(student, state)
    weight, bias = folded(state, "conv1", "bn1")
    stem = functional.relu(functional.conv2d(pictures, weight, bias, 2, 3))
    teacher, own = functional.max_pool2d(stem, 3, 2, 1), student.stem(pictures)
    heads = (None, student.head2, student.head3)
    for number, level in enumerate((student.near, student.two, student.three)):
        after = []
        for index in range(2):
            after.append(teacher_block(state, f"layer{number + 1}.{index}", teacher))
            teacher = functional.relu(after[-1])
        for index, block in enumerate(level):
            # a single block stands for both of the teacher's
            wanted = after[-1] if len(level) == 1 else after[index]
            own = thin_block(block, state, f"layer{number + 1}.{index}", own, wanted)
        if (head := heads[number]) is not None:
            depth = head.out_channels
            solve(head, own, projections[number - 1].apply(teacher)[:, :depth])
