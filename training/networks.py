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


def run_by_openvino(model: openvino.Model) -> Network:
    """Return a model with outputs level2 and level3, compiled in float32 or what it holds."""
    compiled = openvino.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})

    def features(pictures: Tensor) -> tuple[Tensor, Tensor]:
        found = compiled(normalised(pictures).contiguous().numpy())
        two, three = (torch.from_numpy(found[name].copy()) for name in ("level2", "level3"))
        return two, three

    return features


def onnx_network(path: Path) -> Network:
    """Return an ONNX file run by OpenVINO."""
    return run_by_openvino(openvino.Core().read_model(path))


def int8_network(path: Path, pictures: Tensor) -> Network:
    """Return an ONNX file quantised after training by NNCF, calibrated on (n, H, W, 3) pictures.

    Weights get half of int8's range: on processors without VNNI the full range overflows.
    """
    import nncf

    batches = [normalised(one[None]).contiguous().numpy() for one in pictures]
    return run_by_openvino(
        nncf.quantize(
            openvino.Core().read_model(path),
            nncf.Dataset(batches),
            subset_size=len(batches),
            advanced_parameters=nncf.AdvancedQuantizationParameters(
                overflow_fix=nncf.OverflowFix.ENABLE
            ),
        )
    )
