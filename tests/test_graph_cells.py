"""Cells in the graph find the nearest rows that a comparison with all rows finds."""

import numpy as np
import onnx
import onnxruntime
import pytest
from bf16_reference import rounded_to_bf16
from conftest import fit, part
from onnx import TensorProto, helper

from goldensample import PatchCore, Preparation
from goldensample.graphs import cells
from goldensample.graphs.graph import to_onnx
from goldensample.graphs.nodes import Nodes
from goldensample.graphs.patchcore import Bank, nearest_rows
from goldensample.graphs.static_size import fix_size
from test_graphs import agree

FIT = Preparation((48, 64))


def clustered(rows: int, rng: np.random.Generator) -> np.ndarray:
    """A bank of depth 8 in 40 clusters."""
    centres = rng.normal(0, 3, (40, 8))
    return (centres[rng.integers(0, 40, rows)] + rng.normal(0, 0.3, (rows, 8))).astype(np.float32)


def searched(bank: np.ndarray) -> bytes:
    """A graph from (n, 50, 8) patches to their distances and nearest rows; and its operators."""
    add = Nodes()
    constants = Bank(add, bank)
    distances, places = nearest_rows(add, constants, "patches")
    add.rename(distances, "distances")
    add.rename(constants.numbers(places), "rows")
    patches = helper.make_tensor_value_info("patches", TensorProto.FLOAT, ["n", 50, 8])
    outputs = [helper.make_empty_tensor_value_info(name) for name in ("distances", "rows")]
    graph = helper.make_graph(add.nodes, "search", [patches], outputs, add.constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    return model.SerializeToString()


def operators(graph: bytes) -> set[str]:
    return {node.op_type for node in onnx.load_model_from_string(graph).graph.node}


@pytest.mark.parametrize("shift", [0, 1000])
def test_nearest_rows_are_those_of_all_rows(shift):
    rng = np.random.default_rng(0)
    bank = clustered(5000, rng) + np.float32(shift)
    bank[4000:4010] = bank[:10]  # of equal rows the distance counts
    graph = searched(bank)
    assert "NonZero" in operators(graph)
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    for spread in (0, 0.1, 1, 10, 1000):  # in the bank, near it, and far beyond
        picked = bank[rng.integers(0, len(bank), 100)]
        patches = (picked + rng.normal(0, 1, picked.shape) * spread).astype(np.float32)
        found, rows = session.run(None, {"patches": patches.reshape(2, 50, 8)})
        wanted = np.linalg.norm(patches[:, None].astype(np.float64) - bank, axis=2)
        # where the product in float32 cannot tell rows apart, either one may be found
        size = np.abs(patches - bank.mean(axis=0)).max() + 10
        np.testing.assert_allclose(found.ravel(), wanted.min(axis=1), rtol=1e-5, atol=1e-5 * size)
        itself = np.take_along_axis(wanted, rows.reshape(-1, 1), 1)
        np.testing.assert_allclose(found.reshape(-1, 1), itself, rtol=1e-5, atol=1e-5 * size)


def test_few_rows_or_scattered_ones_are_compared_at_once():
    rng = np.random.default_rng(0)
    assert cells.plan(clustered(cells.LEAST - 1, rng)) is None
    assert cells.plan(rng.normal(size=(5000, 64))) is None


@pytest.fixture
def few_rows(monkeypatch):
    """Cells for small banks too."""
    for name, value in {"LEAST": 1, "CELLS": 8, "FIRST": 16, "BLOCK": 4, "WORTH": 2}.items():
        monkeypatch.setattr(cells, name, value)


@pytest.fixture
def fitted(few_rows, tiny, good_parts):
    method = PatchCore(coreset=0.5)
    return fit(good_parts[:6], backbone=tiny, method=method, preparation=FIT, false_alarms=None)


def test_an_export_with_cells_is_the_inspector(fitted):
    assert "NonZero" in operators(to_onnx(fitted))
    agree(fitted, [part(300, defect=True, shape=(50, 70)), part(301)])


def test_bfloat16_rules_out_no_better_row(fitted):
    picture = part(7, defect=True)
    rounded = rounded_to_bf16(to_onnx(fitted))
    session = onnxruntime.InferenceSession(rounded, providers=["CPUExecutionProvider"])
    (score,) = session.run(["score"], {"image": picture[None]})
    assert score[0] == pytest.approx(fitted.inspect(picture).score, rel=0.03)


def test_of_one_size_no_shape_hangs_on_the_picture(fitted):
    fixed = fix_size(to_onnx(fitted, one_size=True), (50, 70))
    assert not {"NonZero", "Split", "Shape"} & operators(fixed)
