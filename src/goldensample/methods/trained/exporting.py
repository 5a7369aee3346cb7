"""Trained networks as an ONNX graph, checked against torch."""

import io
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from goldensample.backbones.openvino import GraphRunner
from goldensample.errors import TrainingError

TOLERANCE = 1e-3
"""Largest difference of an output from torch's, as a share of its largest value."""


def export(networks: Any, score: Callable[..., dict[str, Any]], tensors: list[Any]) -> bytes:
    """Return the ONNX graph of a method for one picture, checked on the first one of the fit.

    Args:
        networks: trained, on the CPU, in evaluation mode.
        score: see `Recipe`.
        tensors: all inputs of the fit.

    Raises:
        TrainingError: the graph computes something else than torch.
    """
    import torch

    example = tuple(level[:1] for level in tensors)
    with torch.no_grad():
        expected = {name: value.numpy() for name, value in score(networks, *example).items()}

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
            example,
            file,
            dynamo=False,
            input_names=[f"level{number}" for number in range(len(example))],
            output_names=list(expected),
            opset_version=17,
        )
    graph = file.getvalue()
    actual = GraphRunner(graph).run(*(level[0].numpy() for level in example))
    for name, values in expected.items():
        difference = np.abs(actual[name] - values).max() / (np.abs(values).max() + 1e-12)
        if not difference <= TOLERANCE:
            raise TrainingError(
                f"the {name} must be the same after export; it differs by {difference:.2g} of its "
                "largest value; report it, with the knobs of the fit"
            )
    return graph


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
