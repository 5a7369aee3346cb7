"""A network with an "int8" form that is not what it should be: broken, or as good as exact."""

import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from goldensample.backbones.network import Network

KINDS = ("bf16", "bits", "scale", "zero")


def changed_network(network: Network, kind: str, place: float = 0.75) -> Network:
    """Return the network with an int8 form whose float32 weights are changed.

    Args:
        network: with a graph in float32.
        kind: "bf16" rounds all weights to bfloat16, which is harmless; "bits" to 3 bits; "scale"
            doubles one layer; "zero" silences a quarter of its channels.
        place: of that layer, as a share of all, from the first to the last.
    """
    import openvino as ov

    model = ov.Core().read_model(network.graph)
    layers = [
        op for op in model.get_ops() if op.get_type_name() in ("Convolution", "GroupConvolution")
    ]
    for number, layer in enumerate(layers):
        node = layer.input(1).get_source_output().get_node()
        while node.get_type_name() != "Constant":
            node = node.input(0).get_source_output().get_node()
        weights = node.get_data().astype(np.float32)
        is_the_one = number == int(place * (len(layers) - 1))
        if kind == "bf16":
            weights = ((weights.view(np.uint32) + 0x8000) & 0xFFFF0000).view(np.float32)
        elif kind == "bits":
            step = np.abs(weights).max(axis=tuple(range(1, weights.ndim)), keepdims=True) / 3
            weights = np.rint(weights / np.maximum(step, 1e-12)) * step
        elif kind == "scale" and is_the_one:
            weights = weights * 2
        elif kind == "zero" and is_the_one:
            weights[: len(weights) // 4] = 0
        constant = ov.opset13.constant(weights, dtype=node.get_element_type().to_dtype())
        for target in node.output(0).get_target_inputs():
            target.replace_source_output(constant.output(0))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.xml"
        ov.save_model(model, path, compress_to_fp16=False)
        weights_file = path.with_suffix(".bin")
        return replace(
            network, int8_graph=path.read_bytes(), int8_weights=weights_file.read_bytes()
        )
