"""The record of a network in a file, and the protocol of all backbones."""

from dataclasses import dataclass
from math import isfinite
from typing import Protocol

from goldensample.records import Array

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Network:
    """A network as a file stores it.

    Args:
        name: its source, for instance "builtin" or "timm:resnet18".
        graph: an ONNX model. Its only input is (n, 3, H, W) float32: RGB from 0 to 1, from which
            `mean` is subtracted and which is then divided by `std`. Its outputs are the levels.
        levels: names of the outputs, finest first.
        mean, std: of the three channels.
        stride: pixels per cell of the coarsest level; picture sides are best multiples of it.
        source_sha256: hash of the original graph, before it was cut to its levels.
        int8_graph, int8_weights: the same network quantised to 8 bits, as an OpenVINO model and
            its weights; empty where there is none.

    Raises:
        ValueError: no level, or a number out of its range.
    """

    name: str
    graph: bytes
    levels: tuple[str, ...]
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD
    stride: int = 16
    source_sha256: str = ""
    int8_graph: bytes = b""
    int8_weights: bytes = b""

    def __post_init__(self) -> None:
        if not self.levels:
            raise ValueError("levels must name at least one level; got none")
        if not (all(map(isfinite, (*self.mean, *self.std))) and min(self.std) > 0):
            raise ValueError(
                f"mean and std must be finite, std above 0; got {self.mean}, {self.std}"
            )
        if not 1 <= self.stride <= 4096:
            raise ValueError(f"stride must be in 1 to 4096; got {self.stride}")


class Backbone(Protocol):
    """A network that is ready to run."""

    @property
    def network(self) -> Network: ...
    @property
    def precision(self) -> str:
        """Numerical precision: "fp32", "bf16" or "int8"."""
        ...

    def extract(self, pictures: Array) -> tuple[Array, ...]:
        """Compute the feature maps of each picture as it would be computed alone.

        Args:
            pictures: (n, 3, H, W) float32 RGB in [0, 255]; not changed.

        Returns:
            One (n, d_j, h_j, w_j) float32 array per level, finest first.
        """
        ...
