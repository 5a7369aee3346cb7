"""Cut a network down to the requested levels."""

from dataclasses import replace
from hashlib import sha256

import numpy as np

from goldensample.backbones.network import Network
from goldensample.errors import WeightsError


def select_levels(network: Network) -> Network:
    """Cut a graph down to its levels, and store weights in half precision where that is exact.

    Args:
        network: whose `levels` name outputs of the graph; not changed.

    Returns:
        The network with a smaller graph. A weight is stored in 16 bits only where every value of
        its tensor survives the conversion unchanged.

    Raises:
        WeightsError: the graph is no ONNX model, has other inputs than a picture, or lacks a level.
    """
    import onnx

    model = _read(network.name, network.graph)
    stored = {tensor.name for tensor in model.graph.initializer}
    inputs = [value.name for value in model.graph.input if value.name not in stored]
    outputs = [value.name for value in model.graph.output]
    if len(inputs) != 1:
        raise WeightsError(f"{network.name} must have one input, the picture; it has {inputs}")
    missing = [level for level in network.levels if level not in outputs]
    if missing:
        raise WeightsError(
            f"{network.name} must have the levels {', '.join(network.levels)}; it lacks "
            f"{', '.join(missing)}; its outputs are {', '.join(outputs)}"
        )
    cut = onnx.utils.Extractor(model).extract_model(inputs, list(network.levels))
    _halve(cut.graph)
    for field in ("doc_string", "producer_name", "producer_version"):
        cut.ClearField(field)
    return replace(
        network,
        graph=cut.SerializeToString(deterministic=True),
        source_sha256=sha256(network.graph).hexdigest(),
    )


def output_names(name: str, graph: bytes) -> list[str]:
    """Return the names of an ONNX graph's outputs; `name` is for errors, as in `select_levels`."""
    return [value.name for value in _read(name, graph).graph.output]


def _read(name: str, graph: bytes) -> "onnx.ModelProto":  # type: ignore[name-defined]  # noqa: F821
    """Parse and check an ONNX graph."""
    import onnx
    from google.protobuf.message import DecodeError

    try:
        model = onnx.load_model_from_string(graph)
        onnx.checker.check_model(model)
    except (DecodeError, onnx.checker.ValidationError) as error:
        reason = str(error).strip().splitlines()[0]
        raise WeightsError(f"{name} must be an ONNX model; it is not: {reason}") from error
    return model


def _halve(graph: "onnx.GraphProto") -> None:  # type: ignore[name-defined]  # noqa: F821
    """Store the large weights that are exact in half precision as such, followed by a cast."""
    from onnx import TensorProto, helper, numpy_helper

    casts = []
    for tensor in graph.initializer:
        if tensor.data_type != TensorProto.FLOAT or np.prod(tensor.dims) < 256:
            continue
        values = numpy_helper.to_array(tensor)
        with np.errstate(over="ignore"):
            half = values.astype(np.float16)
        if not np.array_equal(half.astype(np.float32), values):
            continue
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(half, f"{name}_half"))
        casts.append(helper.make_node("Cast", [f"{name}_half"], [name], to=TensorProto.FLOAT))
    nodes = casts + list(graph.node)
    del graph.node[:]
    graph.node.extend(nodes)
