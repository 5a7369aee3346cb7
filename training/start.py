"""Initialisation of the student: ResNet-18, pruned by least squares layer by layer."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.network import Block, Student
from training.targets import Projection

EPSILON = 1e-5
State = dict[str, Tensor]
Layer = tuple[Tensor, Tensor]


def fold_batch_norm(state: State, conv: str, norm: str) -> Layer:
    """Return a convolution's weight and bias with its batch normalisation folded in."""
    std = (state[f"{norm}.running_var"] + EPSILON).sqrt()
    gain = state[f"{norm}.weight"] / std
    weight = state[f"{conv}.weight"] * gain.view(-1, 1, 1, 1)
    return weight, state[f"{norm}.bias"] - state[f"{norm}.running_mean"] * gain


def set_parameters(layer: nn.Conv2d, weight: Tensor, bias: Tensor) -> None:
    """Copy a weight and a bias into a layer."""
    layer.weight.copy_(weight)
    layer.bias.copy_(bias)


def fit_least_squares(layer: nn.Conv2d, rows: Tensor, target: Tensor) -> None:
    """Set a stride-1 convolution so that it maps `rows` to `target` with the least squared error.

    Args:
        layer: changed in place.
        rows: (n, c, h, w) inputs; not changed.
        target: (n, d, h, w) outputs; not changed.
    """
    side = layer.kernel_size[0]
    columns = functional.unfold(rows, side, padding=side // 2)  # (n, c·k·k, h·w)
    columns = columns.transpose(1, 2).flatten(0, 1)
    columns = torch.cat([columns, torch.ones(len(columns), 1)], 1)
    gram = (columns.T @ columns).double()
    gram.diagonal().add_(1e-4 * gram.diagonal().mean())
    moment = (columns.T @ target.flatten(2).transpose(1, 2).flatten(0, 1)).double()
    solution = torch.linalg.solve(gram, moment).float()
    set_parameters(layer, solution[:-1].T.reshape(layer.weight.shape), solution[-1])


def initialise_block(block: Block, state: State, name: str, x: Tensor, target: Tensor) -> Tensor:
    """Initialise a block from a teacher's: its most important inner channels, then least squares.

    Args:
        block: changed in place.
        state, name: of the teacher's block.
        x: the student's stream before the block.
        target: the teacher's stream after it, before its last ReLU.

    Returns:
        The student's stream after the block.
    """
    first, bias = fold_batch_norm(state, f"{name}.conv1", f"{name}.bn1")
    second, _ = fold_batch_norm(state, f"{name}.conv2", f"{name}.bn2")
    if isinstance(block.shortcut, nn.Conv2d):
        set_parameters(
            block.shortcut, *fold_batch_norm(state, f"{name}.downsample.0", f"{name}.downsample.1")
        )
    stride = block.first.stride
    energy = functional.relu(functional.conv2d(x, first, bias, stride, 1)).square().mean((0, 2, 3))
    importance = energy * second.square().sum((0, 2, 3))
    channels = importance.topk(block.first.out_channels).indices.sort().values
    set_parameters(block.first, first[channels], bias[channels])
    fit_least_squares(block.second, block.inner(block.first(x)), target - block.shortcut(x))
    return block(x)


def teacher_block(state: State, name: str, x: Tensor) -> Tensor:
    """Return the teacher's stream after a block, before its last ReLU."""
    downsampled = f"{name}.downsample.0.weight" in state
    stride = 2 if downsampled else 1
    shortcut = x
    if downsampled:
        weight, bias = fold_batch_norm(state, f"{name}.downsample.0", f"{name}.downsample.1")
        shortcut = functional.conv2d(x, weight, bias, stride)
    weight, bias = fold_batch_norm(state, f"{name}.conv1", f"{name}.bn1")
    inner = functional.relu(functional.conv2d(x, weight, bias, stride, 1))
    weight, bias = fold_batch_norm(state, f"{name}.conv2", f"{name}.bn2")
    return functional.conv2d(inner, weight, bias, 1, 1) + shortcut


def initialise_stem(student: Student, state: State) -> None:
    """Initialise the stem: ResNet-18's filters factorised by SVD."""
    weight, bias = fold_batch_norm(state, "conv1", "bn1")
    u, singular_values, v = torch.linalg.svd(weight.flatten(1), full_matrices=False)
    rank = student.filters.out_channels
    # singular values go to the second factor: all filters then have norm one, which suits int8
    set_parameters(student.filters, v[:rank].reshape(rank, 3, 7, 7), torch.zeros(rank))
    set_parameters(student.mixed, (u[:, :rank] * singular_values[:rank])[..., None, None], bias)


@torch.no_grad()
def initialise_from_teacher(
    student: Student, state: State, pictures: Tensor, projections: list[Projection]
) -> None:
    """Initialise the student from ResNet-18's weights.

    Args:
        student: changed in place.
        state: ResNet-18's weights.
        pictures: (n, 3, H, W) normalised; the data of the least squares fits.
        projections: of level 2 and level 3, the initial heads.
    """
    initialise_stem(student, state)
    weight, bias = fold_batch_norm(state, "conv1", "bn1")
    stem = functional.relu(functional.conv2d(pictures, weight, bias, 2, 3))
    teacher_stream, student_stream = functional.max_pool2d(stem, 3, 2, 1), student.stem(pictures)
    heads = (None, student.head2, student.head3)
    for number, level in enumerate((student.near, student.two, student.three)):
        block_outputs = []
        for index in range(2):
            block_outputs.append(teacher_block(state, f"layer{number + 1}.{index}", teacher_stream))
            teacher_stream = functional.relu(block_outputs[-1])
        for index, block in enumerate(level):
            # a single block stands for both of the teacher's
            target = block_outputs[-1] if len(level) == 1 else block_outputs[index]
            student_stream = initialise_block(
                block, state, f"layer{number + 1}.{index}", student_stream, target
            )
        if (head := heads[number]) is not None:
            depth = head.out_channels
            fit_least_squares(
                head, student_stream, projections[number - 1].apply(teacher_stream)[:, :depth]
            )
