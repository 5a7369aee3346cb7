"""A fit in a process of its own: `python -m goldensample.station.setup.fit_process FOLDER`.

It reads `task.json` in a draft's folder, tells its progress on stdout, a line of JSON each, and
leaves `fitted.golden` and `result.json` there. Whatever becomes of it, the station goes on.
"""

import json
import os
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from goldensample.artifact.store import save
from goldensample.artifact.thumbnails import with_thumbnails
from goldensample.backbones.network import Backbone
from goldensample.calibration import conformal
from goldensample.errors import GoldenError
from goldensample.fitting.audit import METHOD, audit
from goldensample.fitting.calibrate import judges
from goldensample.fitting.fit import fit
from goldensample.fitting.precision import settle
from goldensample.fitting.request import PlanRequest, decide
from goldensample.fitting.resume import spooled
from goldensample.graphs.open_backbone import open_backbone
from goldensample.images.folder import Folder, read_images
from goldensample.inspection.inspector import Inspector
from goldensample.methods.patchcore import PatchCore
from goldensample.preparation.preparation import Preparation, choose_size
from goldensample.records import Notify
from goldensample.station.records import heat_files
from goldensample.station.setup.drafts import FITTED, RESULT
from goldensample.storage.atomic import write_atomic
from goldensample.wording.limits import percent, promise

TOLD_S = 0.2
"""Seconds between two words of progress, at least."""
AUDITED = 1000
"""Pictures that are compared with each other, at most."""
SHOWN = 8
"""First verdicts that are shown with a heat map."""


def main() -> None:
    """Run a fit and say how it ended."""
    if hasattr(os, "nice"):
        os.nice(10)  # the line comes first
    folder = Path(sys.argv[1])
    task = json.loads((folder / "task.json").read_text(encoding="utf-8"))
    try:
        run(folder, task, Progress().notify)
    except (GoldenError, ValueError, OSError) as error:
        say({"error": str(error)})
        sys.exit(2)


class Progress:
    """Tells of the work on stdout, now and then."""

    def __init__(self) -> None:
        self._told, self._stage = 0.0, ""

    def notify(self, stage: str, done: int, total: int) -> None:
        """Take a step; see `records.Notify`."""
        now = time.monotonic()
        if stage != self._stage or done == total or now - self._told >= TOLD_S:
            self._told, self._stage = now, stage
            say({"stage": stage, "done": done, "total": total})


def tell(text: str) -> None:
    """Write a line for the log of the station to stderr."""
    print(text, file=sys.stderr, flush=True)


def say(values: dict[str, Any]) -> None:
    """Write a line."""
    print(json.dumps(values), flush=True)


def run(folder: Path, task: dict[str, Any], notify: Notify) -> None:
    """Fit, look at what came out, and write both down.

    Args:
        folder: of the draft.
        task: "pictures" as (name, path), "false_alarms", "review", "backbone".
        notify: told of all the work.

    Raises:
        ValueError: there are too few pictures for the rate.
    """
    rate, review = task["false_alarms"], task["review"]
    pictures, numbers = opened(task, notify)
    check_enough(len(pictures), rate)
    network = open_backbone(task["backbone"])
    preparation = Preparation(choose_size(list(pictures.shapes()), network.network.stride))
    preparation = replace(preparation, white=pictures.white)
    output = folder / FITTED
    paths = [str(path) for path in pictures.paths]
    request = PlanRequest(paths, output, preparation, False, (rate, "split"), None, False)
    method = decide(request, network, PatchCore(), tell)
    out = len(conformal.way(len(pictures), rate, "split").out)
    with spooled(output, pictures, network, preparation, out, False, tell) as kept:
        inspector = fit(
            pictures,
            backbone=network,
            method=method,
            preparation=preparation,
            false_alarms=rate,
            review=review,
            calibration="split",
            notify=notify,
            kept=kept,
        )
    inspector, _ = settle(inspector, pictures, "auto", notify)
    save(with_thumbnails(inspector, pictures, notify), output)
    found = {
        "pictures": len(pictures),
        "skipped": list(pictures.skipped),
        "promise": promise(inspector.threshold),
        "first": first(folder, inspector, pictures, numbers),
        "audit": audited(pictures, network, preparation, notify, numbers),
    }
    write_atomic(folder / RESULT, json.dumps(found, allow_nan=False).encode())


def opened(task: dict[str, Any], notify: Notify) -> tuple[Folder, list[int]]:
    """Return the pictures that can be read, under their names, and their numbers in the draft."""
    known = {str(Path(path)): (number, name) for number, name, path in task["pictures"]}
    found = read_images(list(known), skip_unreadable=True, notify=notify)
    numbers, names = zip(*(known[str(path)] for path in found.paths), strict=True)
    return replace(found, names=names), list(numbers)


def check_enough(count: int, rate: float) -> None:
    """Refuse, before long work, a rate that so few pictures cannot promise."""
    if conformal.way(count, rate, "split").kind is None:
        raise ValueError(
            f"a rate of {percent(rate)} must rest on {2 * conformal.needed(rate)} good pictures; "
            f"there are {count}; add more, or choose a larger rate"
        )


def first(
    folder: Path, inspector: Inspector, pictures: Folder, numbers: list[int]
) -> list[dict[str, Any]]:
    """Return the verdicts on the pictures kept out, the oddest first; draw the first of them."""
    [(_, out)] = judges(inspector, len(pictures))
    known = inspector.calibrations[inspector.backbone.precision]
    limits = inspector.threshold
    assert limits, "a rate was asked for"
    order = np.argsort(-known.scores, kind="stable").tolist()
    found = []
    for place, index in enumerate(order):
        score, number = float(known.scores[index]), numbers[int(out[index])]
        drawn = place < SHOWN
        if drawn:
            values = inspector.inspect(pictures[int(out[index])]).heat_map
            assert values is not None, "patchcore has a map"
            shown = heat_files.overlay(heat_files.small(values), limits.pixel)
            write_atomic(folder / f"heat-{number:05d}.png", shown)
        p_value = conformal.p_value(known.scores, score)
        found.append(
            {
                "number": number,
                "name": pictures.names[int(out[index])],
                "score": score,
                "verdict": limits.verdict(score),
                "p_value": p_value,
                "drawn": drawn,
            }
        )
    return found


def audited(
    pictures: Folder,
    network: Backbone,
    preparation: Preparation,
    notify: Notify,
    numbers: list[int],
) -> list[dict[str, Any]] | None:
    """Return how odd each picture is among the others, the oddest first; None where too many.

    A picture stands out when its score is more than three times the middle half's width above it.

    Source: Tukey, Exploratory Data Analysis, 1977 ("far out").
    """
    if len(pictures) > AUDITED:
        return None
    everything = fit(
        pictures,
        backbone=network,
        method=METHOD,
        preparation=preparation,
        false_alarms=None,
        notify=lambda stage, done, total: notify(f"audit {stage}", done, total),
    )
    scores = np.array([one.score for one in audit(everything, pictures, notify)])
    low, high = np.quantile(scores, (0.25, 0.75))
    return [
        {
            "number": numbers[index],
            "name": pictures.names[index],
            "score": float(scores[index]),
            "odd": bool(scores[index] > high + 3 * (high - low)),
        }
        for index in np.argsort(-scores, kind="stable").tolist()
    ]


if __name__ == "__main__":
    main()
