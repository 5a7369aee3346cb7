"""An export as a processor with bfloat16 computes it, on processors that lack it."""

import onnx
from onnx import TensorProto, helper

SIGNIFICANT = {"MatMul", "Conv", "Gemm"}
"""What OpenVINO computes in bfloat16, with all before it; what follows the last one stays."""
ELEMENTWISE = {"Abs", "Add", "Clip", "Div", "Max", "Min", "Mul", "Relu", "Sqrt", "Sub"}
"""What OpenVINO joins with the one operator before it, so that nothing is rounded between them."""


def rounded_to_bf16(graph: bytes) -> bytes:
    """Return an ONNX model in which every float32 value is rounded, as OpenVINO's default does.

    Values that reach an output without a convolution or matrix product after them stay float32.
    """
    model = onnx.shape_inference.infer_shapes(onnx.load_model_from_string(graph))
    inner = model.graph
    values = [*inner.value_info, *inner.output]
    floats = {v.name for v in values if v.type.tensor_type.elem_type == TensorProto.FLOAT}
    tail = tail_of(inner) | joined(inner)
    nodes = []
    for tensor in inner.initializer:
        if tensor.data_type == TensorProto.FLOAT and tensor.name not in tail:
            nodes += rounding(inner.node, tensor.name, f"{tensor.name}/bf16", rename_inputs=True)
    for node in inner.node:
        nodes.append(node)
        for k, name in enumerate(node.output):
            if name in floats and name not in tail:
                node.output[k] = f"{name}/exact"
                nodes += rounding(inner.node, f"{name}/exact", name, rename_inputs=False)
    del inner.node[:]
    inner.node.extend(nodes)
    return model.SerializeToString()


def tail_of(graph: onnx.GraphProto) -> set[str]:
    """Return the names of the values that stay float32."""
    producers = {name: node for node in graph.node for name in node.output}
    tail, waiting = set(), [output.name for output in graph.output]
    while waiting:
        name = waiting.pop()
        node = producers.get(name)
        if name in tail or (node is not None and node.op_type in SIGNIFICANT):
            continue
        tail.add(name)
        waiting += list(node.input) if node is not None else []
    return tail


def joined(graph: onnx.GraphProto) -> set[str]:
    """Return the names of the values between two operators that OpenVINO makes one."""
    users: dict[str, list[str]] = {output.name: ["output"] for output in graph.output}
    for node in graph.node:
        for name in node.input:
            users.setdefault(name, []).append(node.op_type)
    return {
        name
        for node in graph.node
        if node.op_type in ELEMENTWISE | SIGNIFICANT
        for name in node.output
        if len(users.get(name, [])) == 1 and users[name][0] in ELEMENTWISE
    }


def rounding(nodes, name: str, rounded: str, rename_inputs: bool) -> list[onnx.NodeProto]:
    """Return the two casts from a value to its rounded form; let nodes take that if asked."""
    if rename_inputs:
        for node in nodes:
            for k, old in enumerate(node.input):
                if old == name:
                    node.input[k] = rounded
    half = f"{rounded}/half"
    return [
        helper.make_node("Cast", [name], [half], to=TensorProto.BFLOAT16),
        helper.make_node("Cast", [half], [rounded], to=TensorProto.FLOAT),
    ]
