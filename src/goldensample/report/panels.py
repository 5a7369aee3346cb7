"""The parts of the page above the charts: counts, measures, threshold and metadata."""

from collections import Counter
from collections.abc import Mapping, Sequence

from goldensample.calibration.conformal import proven_rate
from goldensample.records import Threshold
from goldensample.report.cards import VERDICTS
from goldensample.report.entry import Entry, has_verdicts
from goldensample.report.words import escape, number, percent
from goldensample.wording.numbers import count
from goldensample.wording.verdicts import sum_of

MEASURES = {
    "image_auroc": (
        "image AUROC",
        "how well scores separate good from defect pictures; 1 is perfect",
    ),
    "pixel_auroc": (
        "pixel AUROC",
        "how well heat maps separate good from defect pixels; 1 is perfect",
    ),
    "pro": (
        "PRO",
        "how much of each defect is covered, up to 30 % false positive pixels; 1 is perfect",
    ),
    "f1": (
        "best F1",
        "at the threshold that suits these very pictures best, so an optimistic figure",
    ),
    "f1_threshold": (
        "score of best F1",
        "chosen on these very pictures; verdicts here do not use it",
    ),
    "seconds_per_image": ("seconds per picture", ""),
}


def lot_sum(entries: Sequence[Entry], failures: int) -> str:
    """Return how many pictures have which verdict, in words: "7 of 40 defects, 33 good"."""
    counts = Counter(entry.inspection.verdict or "none" for entry in entries)
    return escape(sum_of({**counts, "error": failures}))


def tiles(entries: Sequence[Entry], failures: int, measures: Mapping[str, object]) -> str:
    """Return the counts and the measures of an evaluation, with a collapsed glossary."""
    shown = [("pictures", f"{len(entries):,}")]
    for verdict, (symbol, caption) in VERDICTS.items():
        total = sum(entry.inspection.verdict == verdict for entry in entries)
        is_final = verdict in ("defect", "good")
        if total or (is_final and has_verdicts(entries)):
            caption = f"called {caption}" if is_final else caption
            shown.append((f"{symbol} {caption}", f"{total:,}"))
    shown.append(("unreadable", f"{failures:,}"))
    if has_verdicts(entries) and any(entry.label is not None for entry in entries):
        shown.append(("✕ wrong verdicts", f"{sum(entry.wrong for entry in entries):,}"))
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
    return MEASURES.get(key, (key.replace("_", " "), ""))


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
        items.append(f"<li>Pixel AUROC and PRO are taken on the {escape(str(pixels))}.</li>")
    summary = "<summary>What these figures mean</summary>"
    return f'<details class="meaning">{summary}<ul>{"".join(items)}</ul></details>'


def describe_threshold(threshold: Threshold | None) -> str:
    """Describe the threshold and its guaranteed false alarm rate."""
    if threshold is None:
        return (
            "<p>No threshold was set, so pictures carry a score and no verdict: the oddest come "
            "first. Verdicts need more good pictures: some are kept aside to set a limit.</p>"
        )
    limits = f"A picture is called defect when its score is above <b>{number(threshold.score)}</b>"
    if threshold.pixel is None:
        limits += ". The method looks at the picture as a whole: it has no heat map."
        no_rate, basis = "The limit was given by hand: it promises", "The limit rests on {} and is"
    else:
        limits += (
            f"; on a picture that is not good, a region is drawn where the heat map is above "
            f"<b>{number(threshold.pixel)}</b>."
        )
        no_rate = "These limits were given by hand: they promise"
        basis = "The limits rest on {} and are"
    if threshold.review is not None:
        limits += f" A picture above <b>{number(threshold.review)}</b> is to be looked at again."
    if threshold.false_alarms is None and threshold.held_out:
        held_out = count(threshold.held_out, "good picture")
        no_rate = f"Set on {held_out}, and changed since by a defect that was taught, it promises"
    if threshold.false_alarms is None:
        return f"<p>{limits} {no_rate} no false-alarm rate.</p>"
    protocol = {
        "split": "kept out of the fit",
        "cross": "each judged without it",
        "estimate": "none of them judged by what was fitted to it",
    }[threshold.kind]
    held_out = f"{count(threshold.held_out, 'good picture')}, {protocol},"
    return (
        f"<p>{limits} {basis.format(held_out)} set so that {_describe_rate(threshold)}, "
        "as long as new parts are made and photographed like those.</p>"
    )


def _describe_rate(threshold: Threshold) -> str:
    """Describe the false alarm rate, and whether it is a guarantee or an estimate."""
    rate = threshold.false_alarms or 0.0
    often = f"{percent(rate)} (1 in {round(1 / rate):,}) of good pictures are called defect"
    if threshold.review_rate is not None:
        often += f", {percent(threshold.review_rate)} called so or looked at again,"
    if threshold.kind == "split":
        return f"at most {often} by mistake"
    if threshold.kind == "cross":
        bound = percent(proven_rate("cross", rate, threshold.held_out) or 1.0)
        return f"{often} by mistake, usually fewer, and at most {bound} for certain, over fits"
    low, high = threshold.interval or (0.0, 1.0)
    return (
        f"about {often} by mistake; <b>this is an estimate, not a promise</b> "
        f"({percent(low)} to {percent(high)})"
    )


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
        f"<li><b><bdi>{escape(name)}</bdi></b>: {escape(reason)}</li>" for name, reason in failures
    )
    return panel(
        f"{count(len(failures), 'picture')} could not be read", f'<ul class="failures">{rows}</ul>'
    )
