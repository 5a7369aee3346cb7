"""The two teachers, from their weight files: ResNet-18 and the pre-activation ResNet-50 v2."""

from pathlib import Path

import timm
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

RESNET18 = "resnet18_imagenet_layer1-3.safetensors"
RESNET50 = "resnet50v2_imagenet_stage1-3_fp16.safetensors"
MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)


def normalised(pictures: Tensor) -> Tensor:
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


class ResNet50(nn.Module):
    """The model zoo's resnet50-v2-7, stages 1 to 3, giving 512 channels at 1/8 and 1024 at 1/16.

    Each block: BN, ReLU, 1x1; BN, ReLU, 3x3 with the stride; BN, ReLU, 1x1. The first block of a
    stage has a 1x1 shortcut after its first BN and ReLU. Features are read after the first BN and
    ReLU of the stage that follows.
    """

    def __init__(self, weights: Path) -> None:
        super().__init__()
        loaded = load_file(weights / RESNET50)
        for key, value in loaded.items():
            if not key.startswith(("stage4_batchnorm1", "batchnorm2")):
                self.register_buffer(key, value.float())

    def norm(self, name: str, x: Tensor) -> Tensor:
        """Return a batch normalisation of the graph, with its stored statistics."""
        part = [
            getattr(self, f"{name}_{key}")
            for key in ("running_mean", "running_var", "gamma", "beta")
        ]
        return functional.batch_norm(x, part[0], part[1], part[2], part[3], eps=1e-5)

    def block(self, stage: str, first: int, x: Tensor, stride: int) -> Tensor:
        """Return one block; `first` numbers its first batch normalisation."""
        opening = first == 0
        conv = first if opening else first + 1
        y = functional.relu(self.norm(f"{stage}_batchnorm{first}", x))
        weights = [getattr(self, f"{stage}_conv{conv + k}_weight") for k in range(3)]
        if opening:
            x = functional.conv2d(y, getattr(self, f"{stage}_conv3_weight"), stride=stride)
        y = functional.conv2d(y, weights[0])
        y = functional.relu(self.norm(f"{stage}_batchnorm{first + 1}", y))
        y = functional.conv2d(y, weights[1], stride=stride, padding=1)
        y = functional.relu(self.norm(f"{stage}_batchnorm{first + 2}", y))
        return x + functional.conv2d(y, weights[2])

    def stage(self, name: str, count: int, x: Tensor, stride: int) -> Tensor:
        """Return a stage of `count` blocks."""
        for index in range(count):
            x = self.block(name, 3 * index, x, stride if index == 0 else 1)
        return x

    def forward(self, pictures: Tensor) -> list[Tensor]:
        """Return the features of stages 2 and 3."""
        x = functional.conv2d(
            self.norm("batchnorm0", pictures), self.conv0_weight, stride=2, padding=3
        )
        x = functional.max_pool2d(functional.relu(self.norm("batchnorm1", x)), 3, 2, 1)
        x = self.stage("stage1", 3, x, 1)
        two = self.stage("stage2", 4, x, 2)
        three = self.stage("stage3", 6, two, 2)
        return [
            functional.relu(self.norm("stage3_batchnorm0", two)),
            functional.relu(self.norm("stage4_batchnorm0", three)),
        ]


@torch.no_grad()
def teacher_features(teachers: list[nn.Module], pictures: Tensor) -> tuple[Tensor, Tensor]:
    """Return (n, d2, h, w) and (n, d3, h/2, w/2): the teachers' 3x3 means, joined by channel."""
    with torch.autocast("cpu", torch.bfloat16):
        maps = [teacher(normalised(pictures)) for teacher in teachers]
    two = torch.cat([features[0].float() for features in maps], 1)
    three = torch.cat([features[1].float() for features in maps], 1)
    return mean3(two), mean3(three)


def mean3(features: Tensor) -> Tensor:
    """Return the 3x3 mean, the border counting only what is there."""
    return functional.avg_pool2d(features, 3, 1, 1, count_include_pad=False)
