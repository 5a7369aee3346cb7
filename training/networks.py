"""Networks to be judged, all with the same two outputs: the teacher, and any ONNX file."""

from pathlib import Path

import openvino
import torch
from torch import Tensor

from training.scoring import Network
from training.teachers import normalised, resnet18


def resnet18_network(weights: Path) -> Network:
    """Return ResNet-18, levels 2 and 3, in bfloat16."""
    teacher = resnet18(weights)

    def features(pictures: Tensor) -> tuple[Tensor, Tensor]:
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            two, three = teacher(normalised(pictures))
        return two.float(), three.float()

    return features


def onnx_network(path: Path, precision: str = "f32") -> Network:
    """Return an ONNX file run by OpenVINO."""
    settings = {"INFERENCE_PRECISION_HINT": precision}
    compiled = openvino.Core().compile_model(str(path), "CPU", settings)

    def features(pictures: Tensor) -> tuple[Tensor, Tensor]:
        found = compiled(normalised(pictures).contiguous().numpy())
        two, three = (torch.from_numpy(found[name].copy()) for name in ("level2", "level3"))
        return two, three

    return features
