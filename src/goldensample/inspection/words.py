"""An inspector in three lines."""

from goldensample.calibration.words import of_good_parts
from goldensample.records import Threshold


def describe(
    names: tuple[str, str, str], size_hw: tuple[int, int], pictures: int, limits: Threshold | None
) -> list[str]:
    """Return what an inspector is, what it was fitted on, and what its limits mean.

    Args:
        names: of the method, the network and the precision.
        size_hw: (H, W) that the network sees.
        pictures: of the fit, without those that set the limits.
        limits: None where there are none.
    """
    method, network, precision = names
    height, width = size_hw
    learned = f"learned from {pictures:,} good picture{'s' * (pictures != 1)}"
    if limits and limits.kind == "split":
        learned += f"; {limits.held_out:,} more were kept aside to set the limits"
    return [
        f"Inspector: {method} on the network {network}, in {precision}, at {height}x{width}",
        learned,
        _limits(limits),
    ]


def _limits(limits: Threshold | None) -> str:
    """Return what limits mean."""
    if limits is None:
        return "no limits: it gives scores and heat maps, and no verdicts"
    text = f"a score above {limits.score:.4g} is a defect"
    if limits.review is not None:
        text += f", above {limits.review:.4g} is to be looked at again"
    if limits.false_alarms is None:
        return f"{text}; set by hand, so how many good parts that calls defects is not known"
    estimated = " (estimated)" if limits.kind == "estimate" else ""
    return f"{text}: {of_good_parts(limits.false_alarms, limits.review_rate)}{estimated}"
