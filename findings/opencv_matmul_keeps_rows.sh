#!/bin/sh
# OpenCV 5.0.0.93 (dnn): a MatMul keeps to the number of rows of the first run where a later one has more.
# A good guess: a network that loads and is right for the first picture is right for the next one of
# the same size. Where the number of rows follows from values inside the graph (NonZero), and the right
# side is the output of a node, MatMul computes no more rows than in its first run, and the others hold
# what was in memory; Gemm computes them all.
# Guard in the product: graphs/cells.py multiplies by Gemm there.
set -eu
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
"${PYTHON:-python3.11}" -m venv "$here/env"
"$here/env/bin/pip" install --quiet opencv-python-headless==5.0.0.93 onnx==1.19.1 numpy==2.2.6
"$here/env/bin/python" - <<'EOF'
import cv2
import numpy as np
from onnx import TensorProto, helper, numpy_helper

WEIGHTS = np.arange(1, 129, dtype=np.float32).reshape(8, 16)


def network(kind):
    """Return a network that multiplies those rows of (64, 8) whose first value is above zero."""
    nodes = [
        helper.make_node("Gather", ["rows", "zero"], ["first"], axis=1),
        helper.make_node("Greater", ["first", "limit"], ["chosen"]),
        helper.make_node("NonZero", ["chosen"], ["places"]),
        helper.make_node("Gather", ["places", "zero"], ["numbers"], axis=0),
        helper.make_node("Gather", ["rows", "numbers"], ["left"], axis=0),
        helper.make_node("Split", ["weights", "sizes"], ["front", "back"], axis=1),
        helper.make_node(kind, ["left", "front"], ["products"]),
    ]
    constants = {
        "zero": np.array(0, np.int64),
        "limit": np.float32(0),
        "weights": np.hstack([WEIGHTS, WEIGHTS]),
        "sizes": np.array([16, 16]),
    }
    graph = helper.make_graph(
        nodes,
        "chosen_rows",
        [helper.make_tensor_value_info("rows", TensorProto.FLOAT, [64, 8])],
        [helper.make_tensor_value_info("products", TensorProto.FLOAT, ["k", 16])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return cv2.dnn.readNetFromONNX(np.frombuffer(model.SerializeToString(), np.uint8))


def right_rows(kind, counts=(3, 40)):
    """Return how many rows of the products are right, run after run."""
    reader, found = network(kind), []
    for count in counts:
        rows = np.random.default_rng(count).uniform(1, 2, (64, 8)).astype(np.float32)
        rows[count:] = -1
        reader.setInput(rows)
        products = reader.forward().reshape(-1, 16)
        found.append(int(np.isclose(products[:count], rows[:count] @ WEIGHTS).all(axis=1).sum()))
    return found


print("OpenCV", cv2.__version__)
found = {kind: right_rows(kind) for kind in ("MatMul", "Gemm")}
for kind, right in found.items():
    print(f"{kind}: {right[0]} of 3 rows are right, then {right[1]} of 40")
assert found["Gemm"] == [3, 40], "Gemm is no longer right"
assert found["MatMul"][0] == 3 and found["MatMul"][1] < 40, "MatMul is right now"
EOF
