"""Networks to be judged, all with the same two outputs: the teacher, and any ONNX file."""

from pathlib import Path

import openvino
import torch
from torch import Tensor

from training.scoring import Network
from training.teachers import normalised, resnet18


def resnet18_network(weights: Path) -> Network:
    """Return ResNet-18, levels 2 and 3."""
    teacher = resnet18(weights)

    def features(pictures: Tensor) -> tuple[Tensor, Tensor]:
        with torch.no_grad():
            two, three = teacher(normalised(pictures))
        return two, three

    return features


def run_by_openvino(model: openvino.Model, alone: bool = False) -> Network:
    """Return a model with outputs level2 and level3, compiled in float32 or what it holds.

    Args:
        alone: it takes one picture at a time.
    """
    compiled = openvino.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})

    def features(pictures: Tensor) -> tuple[Tensor, Tensor]:
        found = []
        for part in normalised(pictures).split(1 if alone else len(pictures)):
            levels = compiled(part.contiguous().numpy())
            found.append([torch.from_numpy(levels[k].copy()) for k in ("level2", "level3")])
        two, three = map(torch.cat, zip(*found, strict=True))
        return two, three

    return features


def onnx_network(path: Path) -> Network:
    """Return an ONNX file run by OpenVINO."""
    return run_by_openvino(openvino.Core().read_model(path))


def int8_network(path: Path) -> Network:
    """Return the int8 form that `training.quantised` wrote beside an ONNX file."""
    graph, weights = (path.with_name(f"{path.stem}_int8.{kind}") for kind in ("xml", "bin"))
    return run_by_openvino(openvino.Core().read_model(graph, weights), alone=True)
