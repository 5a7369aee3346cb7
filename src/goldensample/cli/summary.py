"""What was fitted, for machines and in words."""

from typing import Any

from goldensample.inspection.inspector import Inspector
from goldensample.inspection.journal import Journal
from goldensample.methods.patchcore import PatchCore


def summary(inspector: Inspector) -> dict[str, Any]:
    """Return what was fitted, for machines."""
    limit, method, journal = inspector.threshold, inspector.method, inspector.journal
    how = {"chosen_by": chosen_by(method)} if isinstance(method, PatchCore) else {}
    return {
        "network": inspector.backbone.network.name,
        "network_sha256": inspector.backbone.network.source_sha256,
        "levels": inspector.backbone.network.levels,
        "size_hw": inspector.preparation.canvas_hw,
        "pictures": len(journal.pictures(journal.head) if journal else inspector.pictures),
        "held_out": limit.held_out if limit else 0,
        "method": inspector.method_name,
        **inspector.detector.facts(),
        **how,
        "precision": inspector.backbone.precision,
        "threshold": limit.score if limit else None,
        "pixel_threshold": limit.pixel if limit else None,
        "false_alarms": limit.false_alarms if limit else None,
        **(taught(journal) if journal else {}),
        "calibration": limit.kind if limit else None,
        "review_threshold": limit.review if limit else None,
        "review_rate": limit.review_rate if limit else None,
        "false_alarms_interval": limit.interval if limit else None,
    }


def taught(journal: Journal) -> dict[str, Any]:
    """Return which revision of a file is in use, and what holds in it."""
    head = journal.head
    return {
        "revision": head,
        "radius_known": journal.covers(head),
        "limits_hold": journal.keeps(head),
    }


def describe(inspector: Inspector) -> str:
    """Return what was fitted, in words."""
    values, method = summary(inspector), inspector.method
    height, width = values["size_hw"]
    source = f"from {values['pictures']} pictures at {height}x{width}, network {values['network']}"
    if not isinstance(method, PatchCore):
        return f"{fitted(inspector)} {source}"
    left = ", but for those left out as dirt," if method.denoise else ""
    return (
        f"{values['bank_rows']:,} bank rows of depth {values['depth']} {source}, "
        f"{chosen_by(method)}; "
        f"no good patch{left} is farther than {values['radius']:.4g} from the bank"
    )


def fitted(inspector: Inspector) -> str:
    """Return the method and the sizes of what it fitted, in words."""
    facts = inspector.detector.facts().items()
    sizes = ", ".join(f"{name.replace('_', ' ')} {value:,g}" for name, value in facts)
    return f"{inspector.method_name} ({sizes})"


def chosen_by(method: PatchCore) -> str:
    """Return in words how the bank was chosen."""
    if method.coreset == 1:
        return "all patches"
    if method.subsampler == "greedy":
        return f"{method.greedy} greedy coreset"
    return f"{method.subsampler} choice"
