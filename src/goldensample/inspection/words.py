"""An inspector in three lines."""

from goldensample.calibration.words import of_good_parts
from goldensample.locales.language import counted, gettext
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
    learned = counted(
        "learned from %(num)s good picture", "learned from %(num)s good pictures", pictures
    )
    if limits and limits.kind == "split":
        more = gettext("; %(count)s more were kept aside to set the limits")
        learned += more % {"count": f"{limits.held_out:,}"}
    first = gettext(
        "Inspector: %(method)s on the network %(network)s, in %(precision)s, at %(size)s"
    )
    values = {"method": method, "network": network, "precision": precision}
    return [
        first % {**values, "size": f"{height}x{width}"},
        learned,
        _limits(limits),
    ]


def _limits(limits: Threshold | None) -> str:
    """Return what limits mean."""
    if limits is None:
        return gettext("no limits: it gives scores and heat maps, and no verdicts")
    text = gettext("a score above %(score)s is a defect") % {"score": f"{limits.score:.4g}"}
    if limits.review is not None:
        again = gettext(", above %(review)s is to be looked at again")
        text += again % {"review": f"{limits.review:.4g}"}
    if limits.false_alarms is None:
        return text + gettext(
            "; set by hand, so how many good parts that calls defects is not known"
        )
    usual = of_good_parts(limits.false_alarms, limits.review_rate)
    estimated = gettext("%(usual)s (estimated)") if limits.kind == "estimate" else "%(usual)s"
    return f"{text}: {estimated % {'usual': usual}}"
