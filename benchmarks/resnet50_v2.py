"""The ONNX model zoo's resnet50-v2-7 up to stage 3, as a graph for `open_backbone("onnx:FILE")`."""

import warnings
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn.functional import batch_norm, conv2d, max_pool2d

BLOCKS = {1: 3, 2: 4, 3: 6}
"""Blocks of each stage."""


class ResNet50V2(nn.Module):
    """A network with activations before its convolutions; its levels are stages 2 and 3.

    Args:
        weights: a .safetensors file with the names of that graph.
    """

    def __init__(self, weights: Path) -> None:
        super().__init__()
        self.values = {name: value.float() for name, value in load_file(weights).items()}

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Return (n, 512, h, w) and (n, 1024, h/2, w/2), after the next stage's activation."""
        x = self._convolve("conv0", self._normalise("batchnorm0", image), 2)
        x = max_pool2d(self._normalise("batchnorm1", x).relu(), 3, 2, 1)
        levels = []
        for stage, blocks in BLOCKS.items():
            for block in range(blocks):
                x = self._block(f"stage{stage}_", block, x, 2 if stage > 1 and block == 0 else 1)
            levels.append(self._normalise(f"stage{stage + 1}_batchnorm0", x).relu())
        return levels[1], levels[2]

    def _block(self, stage: str, block: int, x: Tensor, stride: int) -> Tensor:
        """Add 1x1, 3x3 and 1x1 convolutions; the first block has a 1x1 shortcut as well."""
        conv = 3 * block + (block > 0)
        shortcut = x
        for step in range(3):
            x = self._normalise(f"{stage}batchnorm{3 * block + step}", x).relu()
            if block == 0 and step == 0:
                shortcut = self._convolve(f"{stage}conv3", x, stride)
            x = self._convolve(f"{stage}conv{conv + step}", x, stride if step == 1 else 1)
        return x + shortcut

    def _normalise(self, name: str, x: Tensor) -> Tensor:
        parts = ("running_mean", "running_var", "gamma", "beta")
        return batch_norm(x, *(self.values[f"{name}_{part}"] for part in parts))

    def _convolve(self, name: str, x: Tensor, stride: int) -> Tensor:
        weight = self.values[f"{name}_weight"]
        return conv2d(x, weight, None, stride, weight.shape[2] // 2)


def write_graph(weights: Path, path: Path) -> None:
    """Write the network as ONNX, with the outputs level2 and level3."""
    sizes = {"image": {0: "n", 2: "H", 3: "W"}}
    sizes |= {f"level{k}": {0: "n", 2: f"h{k}", 3: f"w{k}"} for k in (2, 3)}
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            ResNet50V2(weights).eval(),
            (torch.zeros(1, 3, 64, 64),),
            str(path),
            dynamo=False,
            input_names=["image"],
            output_names=["level2", "level3"],
            dynamic_axes=sizes,
            opset_version=17,
        )
