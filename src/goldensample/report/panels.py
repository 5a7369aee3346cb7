"""The parts of the page above the charts: counts, measures, threshold and metadata."""

from collections import Counter
from collections.abc import Mapping, Sequence

from goldensample.calibration.conformal import proven_rate
from goldensample.locales.language import counted, gettext, mark
from goldensample.locales.unmarked import translated
from goldensample.records import Threshold
from goldensample.report.cards import VERDICTS
from goldensample.report.entry import Entry, has_verdicts
from goldensample.report.words import escape, number, percent
from goldensample.wording.verdicts import sum_of

MEASURES = {
    "image_auroc": (
        mark("image AUROC"),
        mark("how well scores separate good from defect pictures; 1 is perfect"),
    ),
    "pixel_auroc": (
        mark("pixel AUROC"),
        mark("how well heat maps separate good from defect pixels; 1 is perfect"),
    ),
    "pro": (
        "PRO",
        mark(
            "how much of each defect is covered, with false positive pixels up to 30 %; 1 is "
            "perfect"
        ),
    ),
    "f1": (
        mark("best F1"),
        mark("at the threshold that suits these very pictures best, so an optimistic figure"),
    ),
    "f1_threshold": (
        mark("score of best F1"),
        mark("chosen on these very pictures; verdicts here do not use it"),
    ),
    "seconds_per_image": (mark("seconds per picture"), ""),
}
FURTHER = (
    *(mark("without mask"), mark("image average precision"), mark("pixel average precision")),
    *(mark("pixel f1"), mark("pixel error"), mark("pro 5"), mark("type auroc"), mark("spro 5")),
    mark("image auroc per part"),
)
"""Names of further measures, from their keys."""


def lot_sum(entries: Sequence[Entry], failures: int) -> str:
    """Return how many pictures have which verdict, in words: "7 of 40 defects, 33 good"."""
    counts = Counter(entry.inspection.verdict or "none" for entry in entries)
    return escape(sum_of({**counts, "error": failures}))


def tiles(entries: Sequence[Entry], failures: int, measures: Mapping[str, object]) -> str:
    """Return the counts and the measures of an evaluation, with a collapsed glossary."""
    shown = [(gettext("pictures"), f"{len(entries):,}")]
    finals = {"defect": gettext("called defect"), "good": gettext("called good")}
    for verdict, (symbol, caption) in VERDICTS.items():
        total = sum(entry.inspection.verdict == verdict for entry in entries)
        if total or (verdict in finals and has_verdicts(entries)):
            name = finals.get(verdict or "") or gettext(caption)
            shown.append((f"{symbol} {name}", f"{total:,}"))
    shown.append((gettext("unreadable"), f"{failures:,}"))
    if has_verdicts(entries) and any(entry.label is not None for entry in entries):
        wrong = sum(entry.wrong for entry in entries)
        shown.append(("✕ " + gettext("wrong verdicts"), f"{wrong:,}"))
    known = figures(measures)
    shown += [(describe_measure(key)[0], number(value)) for key, value in known.items()]
    items = "".join(f"<li><b>{value}</b> <span>{escape(name)}</span></li>" for name, value in shown)
    return f'<ul class="tiles">{items}</ul>{_glossary(list(known), measures.get("pixels"))}'


def figures(measures: Mapping[str, object]) -> dict[str, float]:
    """Return the numeric measures; the number of pictures is shown already."""
    return {
        key: value
        for key, value in measures.items()
        if isinstance(value, int | float) and not isinstance(value, bool) and key != "images"
    }


def describe_measure(key: str) -> tuple[str, str]:
    """Return the display name of a measure, and its meaning."""
    name, meaning = MEASURES.get(key, (key.replace("_", " "), ""))
    return gettext(name), gettext(meaning)


def _glossary(keys: Sequence[str], pixels: object) -> str:
    """Return a collapsed glossary of the measures."""
    items = [
        f"<li><b>{escape(name)}</b>: {escape(meaning)}</li>"
        for name, meaning in map(describe_measure, keys)
        if meaning
    ]
    if not items:
        return ""
    if pixels and "pixel_auroc" in keys:
        text = gettext("Pixel AUROC and PRO are taken on the %(pixels)s.")
        items.append(f"<li>{text % {'pixels': escape(gettext(str(pixels)))}}</li>")
    summary = gettext("What these figures mean")
    return (
        f'<details class="meaning"><summary>{summary}</summary><ul>{"".join(items)}</ul></details>'
    )


def describe_threshold(threshold: Threshold | None) -> str:
    """Describe the threshold and its guaranteed false alarm rate."""
    if threshold is None:
        text = gettext(
            "No threshold was set, so pictures carry a score and no verdict: the oddest come "
            "first. Verdicts need more good pictures: some are kept aside to set a limit."
        )
        return f"<p>{text}</p>"
    return f"<p>{_describe_limits(threshold)} {_describe_basis(threshold)}</p>"


def _describe_limits(threshold: Threshold) -> str:
    """Describe what is above each limit."""
    if threshold.pixel is None:
        text = gettext(
            "A picture is called defect when its score is above <b>%(score)s</b>. The method looks "
            "at the picture as a whole: it has no heat map."
        ) % {"score": number(threshold.score)}
    else:
        text = gettext(
            "A picture is called defect when its score is above <b>%(score)s</b>; on a picture "
            "that is not good, a region is drawn where the heat map is above <b>%(pixel)s</b>."
        ) % {"score": number(threshold.score), "pixel": number(threshold.pixel)}
    if threshold.review is None:
        return text
    again = gettext("A picture above <b>%(review)s</b> is to be looked at again.")
    return f"{text} {again % {'review': number(threshold.review)}}"


def _describe_basis(threshold: Threshold) -> str:
    """Describe what the limits rest on, and what they promise."""
    n = threshold.held_out
    pictures = counted("%(num)s good picture", "%(num)s good pictures", n)
    if threshold.false_alarms is None and n:
        text = gettext(
            "Set on %(pictures)s, and changed since by a defect that was taught, it promises no "
            "false-alarm rate."
        )
        return text % {"pictures": pictures}
    if threshold.false_alarms is None and threshold.pixel is None:
        return gettext("The limit was given by hand: it promises no false-alarm rate.")
    if threshold.false_alarms is None:
        return gettext("These limits were given by hand: they promise no false-alarm rate.")
    if threshold.pixel is None:
        text = gettext(
            "The limit rests on %(basis)s, and is set so that %(rate)s, as long as new parts are "
            "made and photographed like those."
        )
    else:
        text = gettext(
            "The limits rest on %(basis)s, and are set so that %(rate)s, as long as new parts are "
            "made and photographed like those."
        )
    basis = gettext(BASES[threshold.kind]) % {"pictures": pictures}
    return text % {"basis": basis, "rate": _describe_rate(threshold)}


BASES = {
    "split": mark("%(pictures)s, kept out of the fit"),
    "cross": mark("%(pictures)s, each judged without it"),
    "estimate": mark("%(pictures)s, none of them judged by what was fitted to it"),
}
"""What limits rest on, by their kind."""
RATES = {
    ("split", False): mark(
        "at most %(rate)s (1 in %(parts)s) of good pictures are called defect by mistake"
    ),
    ("split", True): mark(
        "at most %(rate)s (1 in %(parts)s) of good pictures are called defect, %(review)s called "
        "so or looked at again, by mistake"
    ),
    ("cross", False): mark(
        "%(rate)s (1 in %(parts)s) of good pictures are called defect by mistake, usually fewer, "
        "and at most %(bound)s for certain, over fits"
    ),
    ("cross", True): mark(
        "%(rate)s (1 in %(parts)s) of good pictures are called defect, %(review)s called so or "
        "looked at again, by mistake, usually fewer, and at most %(bound)s for certain, over fits"
    ),
    ("estimate", False): mark(
        "about %(rate)s (1 in %(parts)s) of good pictures are called defect by mistake; <b>this is "
        "an estimate, not a promise</b> (%(low)s to %(high)s)"
    ),
    ("estimate", True): mark(
        "about %(rate)s (1 in %(parts)s) of good pictures are called defect, %(review)s called so "
        "or looked at again, by mistake; <b>this is an estimate, not a promise</b> (%(low)s to "
        "%(high)s)"
    ),
}
"""What limits promise, by their kind, and whether there is one for a second look."""


def _describe_rate(threshold: Threshold) -> str:
    """Describe the false alarm rate, and whether it is a guarantee or an estimate."""
    rate, (low, high) = threshold.false_alarms or 0.0, threshold.interval or (0.0, 1.0)
    bound = proven_rate("cross", rate, threshold.held_out) if threshold.kind == "cross" else None
    return gettext(RATES[threshold.kind, threshold.review_rate is not None]) % {
        "rate": percent(rate),
        "parts": f"{round(1 / rate):,}",
        "review": percent(threshold.review_rate or 0.0),
        "bound": percent(bound or 1.0),
        "low": percent(low),
        "high": percent(high),
    }


def facts_list(facts: Mapping[str, str]) -> str:
    """Return names and values as a definition list."""
    rows = "".join(
        f"<div><dt>{escape(name)}</dt><dd><bdi>{escape(value)}</bdi></dd></div>"
        for name, value in facts.items()
    )
    return f'<dl class="facts">{rows}</dl>' if rows else ""


def panel(title: str, inner: str) -> str:
    """Return a box with a heading; both arguments are HTML."""
    return f'<section class="panel"><h2>{title}</h2>{inner}</section>'


def failures_list(failures: Sequence[tuple[str, str]]) -> str:
    """Return the pictures that could not be read, each with the reason."""
    if not failures:
        return ""
    rows = "".join(
        f"<li><b><bdi>{escape(name)}</bdi></b>: {escape(translated(reason))}</li>"
        for name, reason in failures
    )
    title = counted(
        "%(num)s picture could not be read", "%(num)s pictures could not be read", len(failures)
    )
    return panel(title, f'<ul class="failures">{rows}</ul>')
