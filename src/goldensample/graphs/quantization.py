"""Quantise a network to 8 bits after training, by NNCF (extra [int8])."""

import logging
import os
import sys
import tempfile
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from goldensample.backbones.network import Network
from goldensample.backbones.openvino import import_openvino, normalise
from goldensample.errors import WeightsError
from goldensample.records import Array

MISSING = (
    'int8 must have NNCF; it is not installed; pip install "goldensample[int8]", or take another '
    "precision"
)


def can_quantise() -> bool:
    """Return whether NNCF is installed."""
    return find_spec("nncf") is not None


def quantise(network: Network, pictures: Sequence[Array]) -> Network:
    """Return a network that also has int8 weights.

    Weights get half of int8's range: on processors without VNNI, products of the full range
    overflow, and the network would not be the same everywhere. The convolutions before the first
    pooling stay in float32: a faint surface has few of the 255 steps of a whole picture.

    Args:
        network: not changed.
        pictures: (3, H, W) float32 RGB in [0, 255], all of one size, that the ranges are calibrated
            on; their order matters.

    Raises:
        WeightsError: NNCF is not installed.
    """
    if not can_quantise():
        raise WeightsError(MISSING)
    openvino = import_openvino()
    batches = [normalise(picture, network)[None] for picture in pictures]
    model = openvino.Core().read_model(network.graph)
    model.reshape(list(batches[0].shape))
    with redirect_stdout(sys.stderr):  # NNCF prints its progress
        nncf = _import_nncf()
        quantised = nncf.quantize(
            model,
            nncf.Dataset(batches),
            subset_size=len(batches),
            ignored_scope=nncf.IgnoredScope(names=stem(model)),
            advanced_parameters=nncf.AdvancedQuantizationParameters(
                overflow_fix=nncf.OverflowFix.ENABLE
            ),
        )
    quantised.reshape([1, 3, -1, -1])
    for number, op in enumerate(quantised.get_ordered_ops()):
        op.set_friendly_name(
            f"{op.get_type_name()}{number}"
        )  # else numbered across all models of the process
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.xml"
        openvino.save_model(quantised, path)
        return replace(
            network,
            int8_graph=path.read_bytes(),
            int8_weights=path.with_suffix(".bin").read_bytes(),
        )


def stem(model: Any) -> list[str]:
    """Return the names of the convolutions before the first pooling; else the first one's."""
    kinds = [(op.get_type_name(), op.get_friendly_name()) for op in model.get_ordered_ops()]
    pooled = next((k for k, (kind, _) in enumerate(kinds) if "Pool" in kind), None)
    convolutions = [name for kind, name in kinds[:pooled] if "Convolution" in kind]
    return convolutions if pooled is not None else convolutions[:1]


def _import_nncf() -> Any:
    """Import NNCF without its telemetry, which it switches off in its own CI."""
    before = os.environ.get("NNCF_CI")
    os.environ["NNCF_CI"] = "1"
    try:
        import nncf
    finally:
        del os.environ["NNCF_CI"]
        if before is not None:
            os.environ["NNCF_CI"] = before
    nncf.set_log_level(logging.ERROR)
    return nncf
