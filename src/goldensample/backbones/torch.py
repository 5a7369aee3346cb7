"""Networks of timm: build them, load weights, export to ONNX, or run in torch on a GPU."""

import io
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from goldensample.backbones.network import Network
from goldensample.errors import WeightsError
from goldensample.records import Array

RANDOM = "random"


def build(name: str, levels: tuple[int, ...], weights: str | None) -> Any:
    """Build a timm network that returns the feature maps of the given levels.

    Args:
        name: a timm name, optionally with the tag of its weights: "wide_resnet50_2.tv_in1k".
        levels: timm's `out_indices`; level j has a stride of about 2^(j+1) pixels.
        weights: a .safetensors file, or a .pth file of tensors alone; "random" (for tests);
            None takes timm's own, from its cache or by download.

    Raises:
        WeightsError: no such network, level or weights, or weights that do not fit.
    """
    import timm
    import torch

    if not timm.is_model(name.split(".")[0]):
        similar = ", ".join(timm.list_models(f"*{name.split('.')[0][:8]}*")[:5]) or "none like it"
        raise WeightsError(f"timm:{name} must be a network of timm; there is none; near: {similar}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with torch.random.fork_rng():
                torch.manual_seed(0)  # random weights are the same every time
                network = timm.create_model(
                    name, features_only=True, out_indices=levels, pretrained=weights is None
                )
    except (OSError, RuntimeError, ValueError, ImportError, IndexError, AssertionError) as error:
        if weights is None and not isinstance(error, IndexError | AssertionError):
            raise _no_weights(name, error) from error
        raise WeightsError(
            f"timm:{name} must have the levels {', '.join(map(str, levels))}; it has not ({error})"
        ) from error
    if weights not in (None, RANDOM):
        _load(network, name, Path(str(weights)))
    return network.eval()


def _no_weights(name: str, error: Exception) -> WeightsError:
    """Return an error that names the missing file and where to get it."""
    import timm

    settings = timm.get_pretrained_cfg(name, allow_unregistered=True)
    url = getattr(settings, "url", "") or ""
    hub = getattr(settings, "hf_hub_id", "") or ""
    sources = [f"https://huggingface.co/{hub} (model.safetensors)"] if hub else []
    sources += [url] if url else []
    reason = str(error).strip().splitlines()[0][:200]
    return WeightsError(
        f"the weights of timm:{name} must be at hand or be downloaded; neither worked ({reason}); "
        f"get them from {' or '.join(sources) or 'their author'} on a machine with a network, and "
        "name the file with --weights FILE"
    )


def _load(network: Any, name: str, path: Path) -> None:
    """Load weights from a file; extra keys are ignored, missing ones are an error."""
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    if not path.is_file():
        raise WeightsError(f"{path} must be the weights of timm:{name}; there is no such file")
    try:
        if path.suffix == ".safetensors":
            state = load_file(path)
        else:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # the error below says what is wrong with the file
                state = torch.load(path, map_location="cpu", weights_only=True)
    except (SafetensorError, RuntimeError, EOFError, OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    except Exception as error:  # pickle's refusals have no common root
        if type(error).__name__ != "UnpicklingError":
            raise
        raise _unreadable(path, error) from error
    try:
        missing = network.load_state_dict(_match(network, name, state), strict=False).missing_keys
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[-1].strip()
        raise WeightsError(f"{path} must fit timm:{name}; {reason}") from error
    missing = [key for key in missing if not key.endswith("num_batches_tracked")]
    if missing:
        raise WeightsError(
            f"{path} must hold every weight of timm:{name}; it lacks {len(missing)}, "
            f"first {missing[0]}"
        )


def _unreadable(path: Path, error: Exception) -> WeightsError:
    """Return an error for a file that holds anything else than tensors."""
    return WeightsError(
        f"{path} must be a whole .safetensors file, or a .pth file with nothing in it but tensors; "
        f"it is damaged or holds something else ({type(error).__name__}); save its state_dict anew"
    )


def _match(network: Any, name: str, state: dict[str, Any]) -> dict[str, Any]:
    """Rename tensors as timm does.

    "layer1.0..." becomes "layer1_0..." where timm flattened the network that way. EfficientNet-Lite
    as Google published it has names of its own, in timm's order.
    """
    expected = set(network.state_dict())
    state = state.get("state_dict", state)
    if name.startswith("tf_efficientnet_lite") and "_conv_stem.weight" in state:
        return dict(zip(network.state_dict(), state.values(), strict=False))  # cut to its levels
    if expected & set(state):
        return state
    by_flat_name = {key.replace(".", "_"): key for key in expected}
    return {by_flat_name.get(k.replace(".", "_"), k): value for k, value in state.items()}


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

    file = io.BytesIO()
    names = {"image": {0: "n", 2: "H", 3: "W"}}
    names |= {level: {0: "n", 2: f"h_{level}", 3: f"w_{level}"} for level in levels}
    try:
        with warnings.catch_warnings():
            # the newer exporter, which the warning recommends, writes machine paths into the graph
            warnings.simplefilter("ignore", DeprecationWarning)
            torch.onnx.export(
                module,
                (torch.zeros(1, 3, 64, 64),),
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
            "use a convolutional network"
        ) from error
    settings = module.pretrained_cfg if hasattr(module, "pretrained_cfg") else module.default_cfg
    stride = max(module.feature_info.reduction())
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
