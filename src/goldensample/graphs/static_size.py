"""Fix the picture size of an exported graph: what followed from the size becomes constants.

For runtimes and chips that must know all shapes beforehand: LiteRT, tract, many NPUs.
"""

import json
from typing import Any

import numpy as np

from goldensample.graphs.graph import INPUT, PROPERTY
from goldensample.graphs.pruning import inputs_of, keep, reaching

SIZE = "picture_size_hw"
"""The contract's key for the height and width in pixels of the pictures that a model takes."""


def fix_size(graph: bytes, size_hw: tuple[int, int]) -> bytes:
    """Return an exported ONNX model as one that takes one picture at a time, of one size.

    Args:
        graph: from `to_onnx`.
        size_hw: height and width of the pictures, in pixels; at least 1.
    """
    import onnx

    model = onnx.load_model_from_string(graph)
    lengths = (1, *size_hw, 3)
    (image,) = (value for value in model.graph.input if value.name == INPUT)
    for dim, length in zip(image.type.tensor_type.shape.dim, lengths, strict=True):
        dim.dim_value = length
    folded = True
    while folded:  # shapes inside the network are known once those before it are constants
        del model.graph.value_info[:]
        for value in model.graph.output:
            value.type.tensor_type.ClearField("shape")
        model = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
        folded = _fold(model)
    (entry,) = (entry for entry in model.metadata_props if entry.key == PROPERTY)
    contract = json.loads(entry.value)
    contract["input"][INPUT] = contract["input"][INPUT].replace("(n, H, W, 3)", str(lengths))
    entry.value = json.dumps(contract | {SIZE: list(size_hw)}, sort_keys=True)
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString(deterministic=True)


def _fold(model: Any) -> bool:
    """Replace what hangs on constants and known shapes; return whether there was such a shape."""
    graph = model.graph
    if not _shapes_to_constants(graph):
        return False
    stored = {tensor.name for tensor in graph.initializer}
    constants, computed, rest = set(stored), [], []
    for node in graph.node:
        inputs = inputs_of(node)
        if inputs and inputs <= constants:
            computed.append(node)
            constants.update(node.output)
        else:
            rest.append(node)
    # tensors in half precision stay so
    casts = [node for node in computed if node.op_type == "Cast" and node.input[0] in stored]
    kept = {name for node in casts for name in node.output} | stored
    results = {value.name for value in graph.output}
    used = results.union(*map(inputs_of, rest))
    _evaluate(model, computed, sorted(used & constants - kept))
    keep(graph, reaching([*casts, *rest], results))
    return True


def _shapes_to_constants(graph: Any) -> bool:
    """Replace nodes that give a known shape by constants; return whether there were any."""
    from onnx import numpy_helper

    shapes = {}
    for value in (*graph.input, *graph.value_info):
        dims = value.type.tensor_type.shape.dim
        if value.type.tensor_type.HasField("shape") and all(
            dim.HasField("dim_value") for dim in dims
        ):
            shapes[value.name] = np.array([dim.dim_value for dim in dims], np.int64)
    known = [node for node in graph.node if node.op_type == "Shape" and node.input[0] in shapes]
    for node in known:
        bounds = {attribute.name: attribute.i for attribute in node.attribute}
        shape = shapes[node.input[0]][bounds.get("start") : bounds.get("end")]
        graph.initializer.append(numpy_helper.from_array(shape, node.output[0]))
    keep(graph, [node for node in graph.node if node not in known])
    return bool(known)


def _evaluate(model: Any, nodes: list[Any], names: list[str]) -> None:
    """Add the values of some names to the constants; `nodes` give them, from constants alone."""
    from onnx import helper, numpy_helper
    from onnx.reference import ReferenceEvaluator

    graph = model.graph
    nodes = reaching(nodes, set(names))
    used = set().union(*map(inputs_of, nodes))
    tensors = [tensor for tensor in graph.initializer if tensor.name in used]
    outputs = [helper.make_empty_tensor_value_info(name) for name in names]
    part = helper.make_graph(nodes, "constants", [], outputs, tensors)
    part_model = helper.make_model(part, opset_imports=model.opset_import)
    values = ReferenceEvaluator(part_model).run(None, {})
    for output, value in zip(outputs, values, strict=True):
        graph.initializer.append(numpy_helper.from_array(np.asarray(value), output.name))
