"""An ensemble as graph operators: the members' distances, each over its usual distance."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from goldensample.features.patches import resize_matrix
from goldensample.graphs import patchcore
from goldensample.graphs.nodes import Nodes, ScoreNodes
from goldensample.methods.ensemble import EnsembleDetector


def score(
    add: Nodes,
    levels: list[str],
    grids: list[patchcore.Grid],
    valid_cells: Callable[[int], str],
    detector: EnsembleDetector,
) -> ScoreNodes:
    """Combine the members' scores; see `EnsembleDetector.score` and `patchcore.score`."""
    size_hw = grids[0][1:]
    scores, maps, rows, first = [], [], [], 0
    for member, member_detector in enumerate(detector.detectors):
        chosen = detector.settings.levels_of(member) or tuple(range(len(levels)))
        names, shapes = [levels[k] for k in chosen], [grids[k] for k in chosen]
        if shapes[0][1:] != size_hw:
            down, across = (
                resize_matrix(s, g) for s, g in zip(shapes[0][1:], size_hw, strict=True)
            )
            resized = add("MatMul", names[0], add.constant(across.T))
            names[0] = add("MatMul", add.constant(down), resized)
            shapes[0] = (shapes[0][0], *size_hw)
        nodes = patchcore.score(add, names, shapes, valid_cells, member_detector)
        assert nodes.distances, "PatchCore has a map"
        assert nodes.rows, "PatchCore has a bank"
        usual = [add.constant([value]) for value in detector.scales[member]]
        scores.append(add("Div", nodes.score, usual[0]))
        maps.append(add("Div", nodes.distances, usual[1]))
        rows.append(add("Add", nodes.rows, add.constant([first], np.int64)))
        first += len(member_detector.bank)
    count = add.constant([float(len(scores))])
    nearest, largest = rows[0], maps[0]
    for row, distances in zip(rows[1:], maps[1:], strict=True):
        nearest = add("Where", add("Greater", distances, largest), row, nearest)
        largest = add("Max", distances, largest)
    return replace(
        nodes,
        score=add("Div", add("Sum", *scores), count),
        distances=add("Div", add("Sum", *maps), count),
        rows=nearest,
    )
