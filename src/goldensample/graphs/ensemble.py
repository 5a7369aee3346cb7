"""An ensemble as graph operators: the members' distances, over what is usual for each."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from goldensample.features.patches import resize_matrix
from goldensample.graphs import patchcore
from goldensample.graphs.nodes import Judged, Nodes
from goldensample.methods.ensemble import EnsembleDetector


def judge(
    add: Nodes,
    levels: list[str],
    grids: list[patchcore.Grid],
    inside: Callable[[int], str],
    detector: EnsembleDetector,
) -> Judged:
    """Join what the members judge; see `EnsembleDetector.score` and `patchcore.judge`."""
    size_hw = grids[0][1:]
    scores, maps, rows, first = [], [], [], 0
    for member, own in enumerate(detector.detectors):
        chosen = detector.settings.levels_of(member) or tuple(range(len(levels)))
        names, sizes = [levels[k] for k in chosen], [grids[k] for k in chosen]
        if sizes[0][1:] != size_hw:
            down, across = (resize_matrix(s, g) for s, g in zip(sizes[0][1:], size_hw, strict=True))
            wide = add("MatMul", names[0], add.constant(across.T))
            names[0] = add("MatMul", add.constant(down), wide)
            sizes[0] = (sizes[0][0], *size_hw)
        judged = patchcore.judge(add, names, sizes, inside, own)
        assert judged.apart, "PatchCore has a map"
        assert judged.rows, "PatchCore has a bank"
        usual = [add.constant([value]) for value in detector.usual[member]]
        scores.append(add("Div", judged.score, usual[0]))
        maps.append(add("Div", judged.apart, usual[1]))
        rows.append(add("Add", judged.rows, add.constant([first], np.int64)))
        first += len(own.bank)
    count = add.constant([float(len(scores))])
    nearest, oddest = rows[0], maps[0]
    for row, apart in zip(rows[1:], maps[1:], strict=True):
        nearest = add("Where", add("Greater", apart, oddest), row, nearest)
        oddest = add("Max", apart, oddest)
    return replace(
        judged,
        score=add("Div", add("Sum", *scores), count),
        apart=add("Div", add("Sum", *maps), count),
        rows=nearest,
    )
