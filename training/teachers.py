"""The teacher network: ResNet-18 from its weight file."""

from pathlib import Path

import timm
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

RESNET18 = "resnet18_imagenet_layer1-3.safetensors"
MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)


def normalise(pictures: Tensor) -> Tensor:
    """Return (n, 3, H, W) float32 for the networks. Args: pictures, (n, H, W, 3) uint8."""
    values = pictures.permute(0, 3, 1, 2).float().div(255)
    mean = torch.tensor(MEAN).view(1, 3, 1, 1)
    std = torch.tensor(STD).view(1, 3, 1, 1)
    return ((values - mean) / std).contiguous(memory_format=torch.channels_last)


def resnet18(weights: Path) -> nn.Module:
    """Return ResNet-18 giving levels 2 and 3 (128 channels at 1/8, 256 at 1/16)."""
    network = timm.create_model("resnet18", features_only=True, out_indices=(2, 3))
    network.load_state_dict(load_file(weights / RESNET18), strict=True)
    return network.eval().to(memory_format=torch.channels_last)


@torch.no_grad()
def teacher_features(teacher: nn.Module, pictures: Tensor) -> tuple[Tensor, Tensor]:
    """Return (n, 128, h, w) and (n, 256, h/2, w/2): the 3x3 means of levels 2 and 3."""
    two, three = teacher(normalise(pictures))
    return mean3(two), mean3(three)


def mean3(features: Tensor) -> Tensor:
    """Return the 3x3 mean; at the border, the mean of the existing cells."""
    return functional.avg_pool2d(features, 3, 1, 1, count_include_pad=False)
