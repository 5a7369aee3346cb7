"""Weights of timm's networks: read from files, and asked for where they are missing."""

import warnings
from pathlib import Path
from typing import Any

from goldensample.errors import WeightsError


def missing_weights(name: str, error: Exception) -> WeightsError:
    """Return an error that names the missing file and where to get it."""
    import timm

    settings = timm.get_pretrained_cfg(name, allow_unregistered=True)
    url = getattr(settings, "url", "") or ""
    hub = getattr(settings, "hf_hub_id", "") or ""
    sources = [f"https://huggingface.co/{hub} (model.safetensors)"] if hub else []
    sources += [url] if url else []
    advice = ", ".join(sources) if sources else "their author"
    reason = str(error).strip().splitlines()[0][:200]
    return WeightsError(
        f"the weights of timm:{name} must be at hand or be downloaded; neither worked ({reason}); "
        f"get them from {advice} on a machine with a network, and "
        "name the file with --weights FILE"
    )


def load_weights(network: Any, name: str, path: Path) -> None:
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
