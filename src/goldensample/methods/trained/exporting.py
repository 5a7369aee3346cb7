"""Trained networks as an ONNX graph, checked against torch."""

import io
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from goldensample.errors import TrainingError
from goldensample.records import Array

Inputs = tuple[Array, ...]
TOLERANCE = 1e-3
"""Largest difference of an output from torch's, as a share of its largest value."""


def export(
    networks: Any, score: Callable[..., dict[str, Any]], example: Inputs, outputs: list[str]
) -> bytes:
    """Return the ONNX graph of a method for one picture.

    Args:
        networks: trained, on the CPU, in evaluation mode.
        score: see `Recipe`.
        example: inputs of one picture, (1, ...) each.
        outputs: names of what `score` returns.
    """
    import torch

    class Scorer(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.networks = networks

        def forward(self, *inputs: Any) -> tuple[Any, ...]:
            return tuple(score(self.networks, *inputs).values())

    file = io.BytesIO()
    with warnings.catch_warnings():
        # as in backbones/torch.py: the newer exporter writes machine paths into the graph
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Scorer().eval(),
            tuple(map(torch.from_numpy, example)),
            file,
            dynamo=False,
            input_names=[f"level{number}" for number in range(len(example))],
            output_names=outputs,
            opset_version=17,
        )
    return file.getvalue()


def torch_outputs(
    networks: Any, score: Callable[..., dict[str, Any]], example: Inputs
) -> dict[str, Array]:
    """Return what torch computes of an example; see `export`."""
    import torch

    with torch.no_grad():
        outputs = score(networks, *map(torch.from_numpy, example))
    return {name: values.numpy() for name, values in outputs.items()}


def check_export(actual: dict[str, Array], expected: dict[str, Array]) -> None:
    """Raise a TrainingError if the graph's outputs are not those of torch."""
    for name, values in expected.items():
        difference = np.abs(actual[name] - values).max() / (np.abs(values).max() + 1e-12)
        if not difference <= TOLERANCE:
            raise TrainingError(
                f"the {name} must be the same after export; it differs by {difference:.2g} of its "
                "largest value; report it, with the knobs of the fit"
            )


def looped(step: Callable[[Any, Any], Any], start: Any, count: int) -> Callable[[Any], Any]:
    """Return a function of x that sets y to step(y, x) `count` times, at first to step(x, x).

    It is exported as a loop, so that the graph holds its body once.

    Args:
        step: of operations that torch can trace, on the CPU, of weights that need no gradient.
        start: an example of x; the function takes others of its shape.
        count: of the steps.
    """
    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as above
        traced = torch.jit.trace(step, (start, start), check_trace=False)

        @torch.jit.script  # type: ignore[untyped-decorator]
        def run(start: torch.Tensor, count: int) -> torch.Tensor:
            moved = start
            for _ in range(count):
                moved = traced(moved, start)
            return moved

    return lambda values: run(values, count)
