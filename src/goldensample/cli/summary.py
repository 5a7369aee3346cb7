"""What was fitted, for machines and in words."""

from dataclasses import asdict
from typing import Any

from goldensample.inspector import Inspector


def summary(inspector: Inspector) -> dict[str, Any]:
    """Return what was fitted, for machines."""
    bank = inspector.detector.arrays()["bank"]
    limit = inspector.threshold
    return {
        "network": inspector.backbone.network.name,
        "network_sha256": inspector.backbone.network.source_sha256,
        "levels": inspector.backbone.network.levels,
        "size_hw": inspector.preparation.canvas_hw,
        "pictures": len(inspector.pictures),
        "held_out": limit.held_out if limit else 0,
        "bank_rows": len(bank),
        "depth": bank.shape[1],
        "chosen_by": chosen_by(inspector),
        "radius": float(inspector.detector.arrays()["radius"][0]),
        "precision": inspector.backbone.precision,
        "threshold": limit.score if limit else None,
        "pixel_threshold": limit.pixel if limit else None,
        "false_alarms": limit.false_alarms if limit else None,
    }


def describe(inspector: Inspector) -> str:
    """Return what was fitted, in words."""
    values = summary(inspector)
    left = ", but for those left out as dirt," if asdict(inspector.method)["denoise"] else ""
    height, width = values["size_hw"]
    return (
        f"{values['bank_rows']:,} bank rows of depth {values['depth']} from {values['pictures']} "
        f"pictures at {height}x{width}, network {values['network']}, {values['chosen_by']}; "
        f"no good patch{left} is farther than {values['radius']:.4g} from the bank"
    )


def chosen_by(inspector: Inspector) -> str:
    """Return in words how the bank was chosen."""
    knobs = asdict(inspector.method)
    if knobs["coreset"] == 1:
        return "all patches"
    chosen = knobs["subsampler"]
    return f"{knobs['greedy']} greedy coreset" if chosen == "greedy" else f"{chosen} choice"
