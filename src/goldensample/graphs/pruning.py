"""Leave out of an ONNX graph what nothing needs."""

from typing import Any


def inputs_of(node: Any) -> set[str]:
    """Return the names that a node takes, those within a branch or loop of its own included."""
    inner = (one for attribute in node.attribute for one in attribute.g.node)
    return set(node.input).union(*map(inputs_of, inner)) - {""}


def reaching(nodes: list[Any], names: set[str]) -> list[Any]:
    """Return the nodes that some names depend on, in their order."""
    wanted, kept = set(names), []
    for node in reversed(nodes):
        if wanted & set(node.output):
            kept.append(node)
            wanted |= inputs_of(node)
    return kept[::-1]


def keep(graph: Any, nodes: list[Any]) -> None:
    """Leave a graph these nodes, and the constants that they use."""
    used = {value.name for value in graph.output}.union(*map(inputs_of, nodes))
    tensors = [tensor for tensor in graph.initializer if tensor.name in used]
    for field, values in ((graph.node, nodes), (graph.initializer, tensors)):
        del field[:]
        field.extend(values)
