"""Networks to be evaluated, with the same two outputs: the teacher, and any ONNX file."""

from pathlib import Path

import openvino
import torch
from torch import Tensor

from training.scoring import Network
from training.teachers import normalise, resnet18


def resnet18_network(weights: Path) -> Network:
    """Return ResNet-18, levels 2 and 3."""
    teacher = resnet18(weights)

    def features(pictures: Tensor) -> tuple[Tensor, Tensor]:
        with torch.no_grad():
            two, three = teacher(normalise(pictures))
        return two, three

    return features


def openvino_network(model: openvino.Model, one_at_a_time: bool = False) -> Network:
    """Return a model with outputs level2 and level3, compiled in float32 or what it holds.

    Args:
        one_at_a_time: use batches of one picture.
    """
    compiled = openvino.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})

    def features(pictures: Tensor) -> tuple[Tensor, Tensor]:
        outputs = []
        for batch in normalise(pictures).split(1 if one_at_a_time else len(pictures)):
            levels = compiled(batch.contiguous().numpy())
            outputs.append([torch.from_numpy(levels[k].copy()) for k in ("level2", "level3")])
        two, three = map(torch.cat, zip(*outputs, strict=True))
        return two, three

    return features


def onnx_network(path: Path) -> Network:
    """Return an ONNX file run by OpenVINO."""
    return openvino_network(openvino.Core().read_model(path))


def int8_network(path: Path) -> Network:
    """Return the int8 network that `training.quantised` wrote next to an ONNX file."""
    graph, weights = (path.with_name(f"{path.stem}_int8.{kind}") for kind in ("xml", "bin"))
    return openvino_network(openvino.Core().read_model(graph, weights), one_at_a_time=True)
