"""Networks of timm: build them, load weights, export to ONNX, or run in torch on a GPU."""

import io
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from goldensample.backbones.network import Network
from goldensample.backbones.weights import load_weights, missing_weights
from goldensample.errors import WeightsError
from goldensample.records import Array

RANDOM = "random"
TRANSFORMERS = ("timm.models.vision_transformer", "timm.models.eva")
"""Modules of timm's plain vision transformers, DINOv2's and DINOv3's among them."""


def build(name: str, levels: tuple[int, ...], weights: str | None) -> tuple[Any, tuple[str, ...]]:
    """Build a timm network that returns the feature maps of the given levels.

    Args:
        name: a timm name, optionally with the tag of its weights: "wide_resnet50_2.tv_in1k".
        levels: timm's `out_indices`: level j of a convolutional network has a stride of about
            2^(j+1) pixels, () are 2 and 3; of a vision transformer they are blocks, counted from 0,
            and () are those at half and at three quarters of its depth.
        weights: a .safetensors file, or a .pth file of tensors alone; "random" (for tests);
            None takes timm's own, from its cache or by download.

    Returns:
        The network, and a name for each of its levels: "level2" or "block5".

    Raises:
        WeightsError: no such network, level or weights, or weights that do not fit.
    """
    import timm

    plain_name = name.split(".")[0]
    if not timm.is_model(plain_name):
        similar = timm.list_models(f"*{plain_name[:8]}*")[:5]
        advice = ", ".join(similar) if similar else "none like it"
        raise WeightsError(f"timm:{name} must be a network of timm; there is none; near: {advice}")
    if timm.model_entrypoint(plain_name).__module__ in TRANSFORMERS:
        return _build_transformer(name, levels, weights)
    levels = levels or (2, 3)
    network = _create(name, levels, weights, {"features_only": True, "out_indices": levels})
    return network.eval(), tuple(f"level{level}" for level in levels)


def _build_transformer(
    name: str, blocks: tuple[int, ...], weights: str | None
) -> tuple[Any, tuple[str, ...]]:
    """Build a vision transformer; see `build`."""
    from goldensample.backbones.transformer import Blocks

    network = _create(name, blocks, weights, {"num_classes": 0, "dynamic_img_size": True})
    depth = len(network.blocks)
    blocks = blocks or (depth // 2 - 1, depth * 3 // 4 - 1)
    if blocks[-1] >= depth:
        raise WeightsError(
            f"levels of timm:{name} must be of its blocks, 0 to {depth - 1}; "
            f"got {', '.join(map(str, blocks))}"
        )
    return Blocks(network, blocks).eval(), tuple(f"block{block}" for block in blocks)


def _create(
    name: str, levels: tuple[int, ...], weights: str | None, options: dict[str, Any]
) -> Any:
    """Create a timm network with its weights; `options` are those of timm."""
    import timm
    import torch

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with torch.random.fork_rng():
                torch.manual_seed(0)  # random weights are the same every time
                network = timm.create_model(name, pretrained=weights is None, **options)
    except (OSError, RuntimeError, ValueError, ImportError, IndexError, AssertionError) as error:
        if weights is None and not isinstance(error, IndexError | AssertionError):
            raise missing_weights(name, error) from error
        raise WeightsError(
            f"timm:{name} must have the levels {', '.join(map(str, levels))}; it has not ({error})"
        ) from error
    if weights not in (None, RANDOM):
        load_weights(network, name, Path(str(weights)))
    return network


def check_gpu() -> None:
    """Refuse to go on where torch sees no GPU.

    Raises:
        ValueError: there is none.
    """
    import torch

    if not torch.cuda.is_available():
        raise ValueError("device cuda must have a GPU that torch can use; there is none; use cpu")


def export(module: Any, name: str, levels: tuple[str, ...]) -> Network:
    """Export a timm network to ONNX and check the graph against torch.

    Raises:
        WeightsError: the graph's features differ from torch's by more than 1e-3 of their size.
    """
    import torch

    transformer = hasattr(module, "for_export")
    exported = module.for_export() if transformer else module
    side = 4 * module.stride if transformer else 64
    file = io.BytesIO()
    names = {"image": {0: "n", 2: "H", 3: "W"}}
    names |= {level: {0: "n", 2: f"h_{level}", 3: f"w_{level}"} for level in levels}
    try:
        with warnings.catch_warnings():
            # the newer exporter, which the warning recommends, writes machine paths into the graph
            warnings.simplefilter("ignore", DeprecationWarning)
            warnings.simplefilter("ignore", torch.jit.TracerWarning)  # `check_features` tells
            torch.onnx.export(
                exported,
                (torch.zeros(1, 3, side, side),),
                file,
                dynamo=False,
                input_names=["image"],
                output_names=list(levels),
                dynamic_axes=names,
                opset_version=17,
            )
    except (RuntimeError, AssertionError, ValueError) as error:
        reason = str(error).strip().splitlines()[0][:200]
        raise WeightsError(
            f"{name} must take pictures of any size and be exported to ONNX; it cannot ({reason}); "
            "use a convolutional network or a plain vision transformer"
        ) from error
    settings = module.pretrained_cfg if hasattr(module, "pretrained_cfg") else module.default_cfg
    stride = module.stride if transformer else max(module.feature_info.reduction())
    return Network(
        name, file.getvalue(), levels, tuple(settings["mean"]), tuple(settings["std"]), stride
    )


def check_features(
    module: Any, features: tuple[Array, ...], network: Network, pictures: Array
) -> None:
    """Compare an exported network's features with torch's on the same pictures.

    Raises:
        WeightsError: they differ by more than 1e-3 of their largest value.
    """
    expected = TorchBackbone(network, module, "cpu").extract(pictures)
    for level, actual, reference in zip(network.levels, features, expected, strict=True):
        reference = np.asarray(reference)
        largest = np.abs(reference).max() + 1e-12
        difference = float(np.abs(actual - reference).max() / largest)
        if not difference <= 1e-3:
            raise WeightsError(
                f"{network.name} must give the same features after export; {level} differs by "
                f"{difference:.2g} of its largest value"
            )


class TorchBackbone:
    """A network run by torch; its feature maps stay tensors on the device.

    Args:
        network: its record for files; not run here.
        module: the torch module.
        device: such as "cuda" or "cpu".
    """

    def __init__(self, network: Network, module: Any, device: str) -> None:
        self.network, self.precision = network, "fp32"
        self._module = module.to(device)
        self._device = device

    def extract(self, pictures: Array) -> tuple[Array, ...]:
        """Compute feature maps as tensors; see `Backbone.extract`."""
        import torch

        with torch.inference_mode():
            values = torch.from_numpy(pictures).to(self._device) / 255
            mean = torch.tensor(self.network.mean, device=self._device).view(3, 1, 1)
            std = torch.tensor(self.network.std, device=self._device).view(3, 1, 1)
            return tuple(self._module((values - mean) / std))
