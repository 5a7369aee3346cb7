"""Several networks as one: the same picture in, the levels of all of them out."""

from dataclasses import replace
from hashlib import sha256
from itertools import zip_longest
from math import lcm
from typing import Any

import numpy as np

from goldensample.backbones.network import Network

PICTURE = "picture"
"""The joined network's input."""


def join(networks: list[Network]) -> tuple[Network, tuple[int, ...]]:
    """Join networks that take pictures of one size.

    Args:
        networks: at least one; not changed.

    Returns:
        A network whose levels are the first of each, then the second of each, and so on, named
        "0/level2", "1/level2", …; and for each level the number of its network. It has no int8
        form.
    """
    import onnx
    from onnx import TensorProto, helper

    models = [onnx.load_model_from_string(network.graph) for network in networks]
    opset = max(entry.version for model in models for entry in model.opset_import)
    nodes, constants = [], []
    outputs: dict[str, Any] = {}
    for number, (network, model) in enumerate(zip(networks, models, strict=True)):
        if all(entry.version != opset for entry in model.opset_import):
            model = onnx.version_converter.convert_version(model, opset)
        graph = onnx.compose.add_prefix(model, f"{number}/").graph
        stored = {tensor.name for tensor in graph.initializer}
        input_name = next(v.name for v in graph.input if v.name not in stored)
        scaling, factors = _renormalise(networks[0], network, number, input_name)
        nodes += [*scaling, *graph.node]
        constants += [*factors, *graph.initializer]
        outputs |= {value.name: value for value in graph.output}
    ordered = zip_longest(*([(k, level) for level in n.levels] for k, n in enumerate(networks)))
    levels = [pair for group in ordered for pair in group if pair]
    names = tuple(f"{number}/{level}" for number, level in levels)
    picture = helper.make_tensor_value_info(PICTURE, TensorProto.FLOAT, ["n", 3, "H", "W"])
    graph = helper.make_graph(nodes, "joined", [picture], [outputs[n] for n in names], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    model.ir_version = max(model.ir_version for model in models)
    onnx.checker.check_model(model)
    joined = replace(
        networks[0],
        name=" + ".join(network.name for network in networks),
        graph=model.SerializeToString(deterministic=True),
        levels=names,
        stride=lcm(*(network.stride for network in networks)),
        source_sha256=sha256("".join(n.source_sha256 for n in networks).encode()).hexdigest(),
        int8_graph=b"",
        int8_weights=b"",
    )
    return joined, tuple(number for number, _ in levels)


def _renormalise(
    first: Network, network: Network, number: int, input_name: str
) -> tuple[list, list]:  # type: ignore[type-arg]
    """Return nodes and constants from a picture normalised for `first` to `network`'s input."""
    from onnx import helper, numpy_helper

    (mean, std), (new_mean, new_std) = (np.asarray([n.mean, n.std]) for n in (first, network))
    values = {"scale": std / new_std, "shift": (mean - new_mean) / new_std}
    constants = [
        numpy_helper.from_array(array.astype(np.float32).reshape(1, 3, 1, 1), f"{number}/{name}")
        for name, array in values.items()
    ]
    scaled = f"{number}/scaled"
    nodes = [
        helper.make_node("Mul", [PICTURE, f"{number}/scale"], [scaled]),
        helper.make_node("Add", [scaled, f"{number}/shift"], [input_name]),
    ]
    return nodes, constants
