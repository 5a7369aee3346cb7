"""Image AUROC where each part has pictures from several sides: by view, and of whole parts."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from goldensample.evaluation import metrics
from goldensample.records import Array


@dataclass(frozen=True, slots=True)
class View:
    """Which side of which part a picture shows.

    Args:
        name: of the side, for instance "C1"; "" where it is unknown.
        part: a name that all pictures of one part share, and no other.
    """

    name: str
    part: str


def auroc_by_view(
    scores: Array, defects: Array, views: Sequence[View | None]
) -> dict[str, float | None]:
    """Return the image AUROC of each view's pictures, by its name.

    None for a view that has no good, or no defect pictures. Pictures without a view count in none.

    Args:
        scores: (n,) floats.
        defects: (n,) bool.
        views: n of them.
    """
    names = np.asarray([view.name if view else "" for view in views])
    found = {}
    for name in sorted(set(names.tolist()) - {""}):
        of_view = names == name
        found[name] = _auroc(scores[of_view], defects[of_view])
    return found


def auroc_per_part(scores: Array, defects: Array, views: Sequence[View | None]) -> float | None:
    """Return the image AUROC of whole parts; None without parts of both kinds.

    A part's score is the largest of its pictures'; it is a defect where one of them is.

    Args:
        scores, defects, views: as for `auroc_by_view`.
    """
    parts: dict[str, tuple[float, bool]] = {}
    for score, defect, view in zip(scores.tolist(), defects.tolist(), views, strict=True):
        if view:
            largest, is_defect = parts.get(view.part, (score, False))
            parts[view.part] = max(largest, score), is_defect or defect
    values = list(parts.values())
    return _auroc(np.array([v[0] for v in values]), np.array([v[1] for v in values], bool))


def _auroc(scores: Array, defects: Array) -> float | None:
    return metrics.auroc(scores, defects) if set(defects.tolist()) == {True, False} else None
