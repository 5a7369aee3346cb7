"""Fit of a draft in a subprocess: `python -m goldensample.station.setup.fit_process FOLDER`.

It reads `task.json` in the draft's folder, writes its progress to stdout as lines of JSON, and
leaves `fitted.golden` and `result.json` in the folder. If it crashes, the station goes on.
"""

import json
import os
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from goldensample.artifact.store import save
from goldensample.artifact.thumbnails import add_thumbnails
from goldensample.backbones.network import Backbone
from goldensample.calibration import conformal
from goldensample.errors import GoldenError
from goldensample.fitting.audit import METHOD, audit, outlier_limit
from goldensample.fitting.calibrate import fold_detectors
from goldensample.fitting.fit import fit
from goldensample.fitting.precision import candidates, choose_precision
from goldensample.fitting.request import PlanRequest, plan_fit
from goldensample.fitting.resume import feature_spool
from goldensample.graphs.open_backbone import open_backbone
from goldensample.images.folder import Folder, read_images
from goldensample.inspection.inspector import Inspector
from goldensample.methods.patchcore import PatchCore
from goldensample.preparation.preparation import Preparation, choose_size
from goldensample.records import Notify
from goldensample.report.entry import Heat
from goldensample.station.records import heat_files
from goldensample.station.setup.drafts import FITTED, RESULT
from goldensample.station.setup.regions import add_regions
from goldensample.storage.atomic import write_atomic
from goldensample.wording.intake import intake_notes, single_value_reason
from goldensample.wording.limits import percent, promise

PROGRESS_INTERVAL_S = 0.2
"""Seconds between two lines of progress, at least."""
MAX_AUDITED = 1000
"""Pictures of an audit, at most: each is scored against all others."""
MAX_ODD = 12
"""Odd pictures with a heat map, at most."""
MAX_HEAT_MAPS = 8
"""Held-out verdicts with a heat map, at most."""


def main() -> None:
    """Run the fit of a draft; write its error, if any."""
    if hasattr(os, "nice"):
        os.nice(10)  # below the line in priority
    folder = Path(sys.argv[1])
    task = json.loads((folder / "task.json").read_text(encoding="utf-8"))
    try:
        run(folder, task, Progress().notify)
    except (GoldenError, ValueError, OSError) as error:
        write_json({"error": str(error)})
        sys.exit(2)


class Progress:
    """Writes progress to stdout, at a limited rate."""

    def __init__(self) -> None:
        self._last_time, self._last_stage = 0.0, ""

    def notify(self, stage: str, done: int, total: int) -> None:
        """Report a step; see `records.Notify`."""
        now = time.monotonic()
        if (
            stage != self._last_stage
            or done == total
            or now - self._last_time >= PROGRESS_INTERVAL_S
        ):
            self._last_time, self._last_stage = now, stage
            write_json({"stage": stage, "done": done, "total": total})


def tell(text: str) -> None:
    """Print to stderr, which is the log of the fit."""
    print(text, file=sys.stderr, flush=True)


def write_json(values: dict[str, Any]) -> None:
    """Write a line of JSON to stdout."""
    print(json.dumps(values), flush=True)


def run(folder: Path, task: dict[str, Any], notify: Notify) -> None:
    """Fit, inspect the held-out pictures, audit all, and write product and results.

    Args:
        folder: of the draft.
        task: "pictures" as (number, name, path), "false_alarms", "review", "backbone", "reference".
        notify: called with the progress.

    Raises:
        ValueError: there are too few pictures for the rate.
    """
    rate, review = task["false_alarms"], task["review"]
    pictures, numbers = read_pictures(task, notify)
    check_enough(pictures, rate)
    backbone = open_backbone(task["backbone"])
    size_hw = choose_size(list(pictures.shapes()), backbone.network.stride)
    preparation = Preparation(size_hw, grey_range=pictures.grey_range)
    output = folder / FITTED
    paths = [str(path) for path in pictures.paths]
    request = PlanRequest(paths, output, preparation, False, (rate, "split"), None, False)
    method = plan_fit(request, backbone, PatchCore(), tell)
    held_out = conformal.choose_scheme(len(pictures), rate, "split").held_out.tolist()
    preparation = add_regions(preparation, (folder, task["reference"]), pictures, held_out, notify)
    spool = feature_spool(output, pictures, backbone, preparation, len(held_out), False, tell)
    with spool as store:
        inspector = fit(
            pictures,
            backbone=backbone,
            method=method,
            preparation=preparation,
            false_alarms=rate,
            review=review,
            calibration="split",
            notify=notify,
            store=store,
            others=candidates(backbone, "auto")[:1],
        )
    inspector, _ = choose_precision(inspector, pictures, "auto", notify)
    save(add_thumbnails(inspector, pictures, notify), output)
    result = {
        "pictures": len(pictures),
        "skipped": list(pictures.skipped),
        "notes": intake_notes(pictures.intake) if pictures.intake else [],
        "promise": promise(inspector.threshold),
        "threshold": inspector.threshold and asdict(inspector.threshold),
        "first": held_out_verdicts(folder, inspector, pictures, numbers),
        "audit": audit_pictures(folder, pictures, backbone, preparation, notify, numbers),
    }
    write_atomic(folder / RESULT, json.dumps(result, allow_nan=False).encode())


def read_pictures(task: dict[str, Any], notify: Notify) -> tuple[Folder, list[int]]:
    """Return the readable pictures, with their names and their numbers in the draft."""
    listed = {str(Path(path)): (number, name) for number, name, path in task["pictures"]}
    pictures = read_images(list(listed), skip_unreadable=True, notify=notify)
    names = tuple(listed[str(path)][1] for path in pictures.paths)
    pictures = replace(pictures, names=names).distinct()
    return pictures, [listed[str(path)][0] for path in pictures.paths]


def check_enough(pictures: Folder, rate: float) -> None:
    """Refuse early a rate that these pictures cannot support.

    Raises:
        ValueError: they are too few without their copies, or one shows nothing.
    """
    if reason := single_value_reason(pictures.intake):
        raise ValueError(reason)
    if conformal.choose_scheme(len(pictures), rate, "split").kind is None:
        required = 2 * conformal.required_count(rate)
        count, copies = len(pictures), pictures.intake.equal.count if pictures.intake else 0
        reason = f"{count}, {copies} equal to another not counted" if copies else f"{count}"
        raise ValueError(
            f"a rate of {percent(rate)} must rest on {required} good pictures; "
            f"there are {reason}; add more, or choose a larger rate"
        )


def held_out_verdicts(
    folder: Path, inspector: Inspector, pictures: Folder, numbers: list[int]
) -> list[dict[str, Any]]:
    """Return the verdicts on the held-out pictures, the highest score first; draw heat maps."""
    [(_, held_out)] = fold_detectors(inspector, len(pictures))
    calibration = inspector.calibrations[inspector.backbone.precision]
    limits = inspector.threshold
    assert limits, "a rate was asked for"
    order = np.argsort(-calibration.scores, kind="stable").tolist()
    verdicts = []
    for rank, index in enumerate(order):
        score, number = float(calibration.scores[index]), numbers[int(held_out[index])]
        has_heat_map = rank < MAX_HEAT_MAPS
        if has_heat_map:
            heat_map = inspector.inspect(pictures[int(held_out[index])]).heat_map
            assert heat_map is not None, "patchcore has a map"
            overlay = heat_files.overlay(heat_files.downsample(heat_map), limits.pixel)
            write_atomic(folder / f"heat-{number:05d}.png", overlay)
        p_value = conformal.p_value(calibration.scores, score)
        verdicts.append(
            {
                "number": number,
                "name": pictures.names[int(held_out[index])],
                "score": score,
                "verdict": limits.verdict(score),
                "p_value": p_value,
                "drawn": has_heat_map,
            }
        )
    return verdicts


def audit_pictures(
    folder: Path,
    pictures: Folder,
    backbone: Backbone,
    preparation: Preparation,
    notify: Notify,
    numbers: list[int],
) -> list[dict[str, Any]] | None:
    """Score each picture against all others, the highest score first; draw the oddest.

    Returns:
        None if there are too many.
    """
    if len(pictures) > MAX_AUDITED:
        return None
    inspector = fit(
        pictures,
        backbone=backbone,
        method=METHOD,
        preparation=preparation,
        false_alarms=None,
        notify=lambda stage, done, total: notify(f"audit {stage}", done, total),
    )
    heats, found = list[Heat](), list[float]()
    for inspection in audit(inspector, pictures, notify):
        assert inspection.heat_map is not None, "patchcore has a map"
        heats.append(heat_files.downsample(inspection.heat_map))
        found.append(inspection.score)
    scores = np.array(found)
    order, limit = np.argsort(-scores, kind="stable").tolist(), outlier_limit(scores)
    usual = float(np.median([heat.largest for heat in heats]))
    for index in order[:MAX_ODD]:  # coloured where it is hotter than half of the pictures ever are
        overlay = heat_files.overlay(heats[index], usual)
        write_atomic(folder / f"odd-{numbers[index]:05d}.png", overlay)
    return [
        {
            "number": numbers[index],
            "name": pictures.names[index],
            "score": float(scores[index]),
            "odd": bool(scores[index] > limit),
            "drawn": rank < MAX_ODD,
        }
        for rank, index in enumerate(order)
    ]


if __name__ == "__main__":
    main()
