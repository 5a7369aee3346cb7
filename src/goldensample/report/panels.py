"""The parts of the page above the charts: counts, threshold and facts in words."""

from collections.abc import Mapping, Sequence

from goldensample.calibration.conformal import proven
from goldensample.records import Threshold
from goldensample.report.cards import VERDICTS
from goldensample.report.entry import Entry, judged
from goldensample.report.words import count, number, percent, text

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


def tiles(entries: Sequence[Entry], failures: int, measures: Mapping[str, object]) -> str:
    """Return the counts and the measures of an evaluation, with an explanation to unfold."""
    shown = [("pictures", f"{len(entries):,}")]
    for verdict, (shape, words) in VERDICTS.items():
        called = sum(entry.inspection.verdict == verdict for entry in entries)
        plain = verdict in ("defect", "good")
        if called or (plain and judged(entries)):
            words = f"called {words}" if plain else words
            shown.append((f"{shape} {words}", f"{called:,}"))
    shown.append(("unreadable", f"{failures:,}"))
    if judged(entries) and any(entry.label is not None for entry in entries):
        shown.append(("✕ wrong verdicts", f"{sum(entry.wrong for entry in entries):,}"))
    figures = _figures(measures)
    shown += [(_explain(key)[0], number(value)) for key, value in figures.items()]
    inner = "".join(f"<li><b>{value}</b> <span>{text(name)}</span></li>" for name, value in shown)
    return f'<ul class="tiles">{inner}</ul>{_meaning(list(figures), measures.get("pixels"))}'


def _figures(measures: Mapping[str, object]) -> dict[str, float]:
    """Return what is a number; how many pictures there are is shown already."""
    return {
        key: value
        for key, value in measures.items()
        if isinstance(value, int | float) and not isinstance(value, bool) and key != "images"
    }


def _explain(key: str) -> tuple[str, str]:
    """Return the name of a measure in words, and what it means."""
    return MEASURES.get(key, (key.replace("_", " "), ""))


def _meaning(keys: Sequence[str], pixels: object) -> str:
    """Explain the measures, to unfold."""
    lines = [
        f"<li><b>{text(name)}</b>: {text(help)}</li>" for name, help in map(_explain, keys) if help
    ]
    if not lines:
        return ""
    if pixels and "pixel_auroc" in keys:
        lines.append(f"<li>Pixel AUROC and PRO are taken on the {text(str(pixels))}.</li>")
    summary = "<summary>What these figures mean</summary>"
    return f'<details class="meaning">{summary}<ul>{"".join(lines)}</ul></details>'


def promise(threshold: Threshold | None) -> str:
    """Say in plain words what the threshold is and what it promises."""
    if threshold is None:
        return (
            "<p>No threshold was set, so pictures carry a score and no verdict: the oddest come "
            "first. A threshold needs good pictures kept out of the fit.</p>"
        )
    limits = f"A picture is called defect when its score is above <b>{number(threshold.score)}</b>"
    if threshold.pixel is None:
        limits += ". The method looks at the picture as a whole: it has no heat map."
        given, rest = "The limit was given by hand: it promises", "The limit rests on {} and is"
    else:
        limits += (
            f"; a region is drawn where the heat map is above <b>{number(threshold.pixel)}</b>."
        )
        given = "These limits were given by hand: they promise"
        rest = "The limits rest on {} and are"
    if threshold.review is not None:
        limits += f" A picture above <b>{number(threshold.review)}</b> is to be looked at again."
    if threshold.false_alarms is None and threshold.held_out:
        known = count(threshold.held_out, "good picture")
        given = f"Set on {known}, and changed since by a defect that was taught, it promises"
    if threshold.false_alarms is None:
        return f"<p>{limits} {given} no false-alarm rate.</p>"
    how = {
        "split": "kept out of the fit",
        "cross": "each judged without it",
        "estimate": "none of them judged by what was fitted to it",
    }[threshold.kind]
    held_out = f"{count(threshold.held_out, 'good picture')}, {how},"
    return (
        f"<p>{limits} {rest.format(held_out)} set so that {_often(threshold)}, as long as new "
        "parts are made and photographed like those.</p>"
    )


def _often(threshold: Threshold) -> str:
    """Say how often good pictures are called defect, and whether that is a promise."""
    rate = threshold.false_alarms or 0.0
    often = f"{percent(rate)} (1 in {round(1 / rate):,}) of good pictures are called defect"
    if threshold.review_rate is not None:
        often += f", {percent(threshold.review_rate)} called so or looked at again,"
    if threshold.kind == "split":
        return f"at most {often} by mistake"
    if threshold.kind == "cross":
        bound = percent(proven("cross", rate, threshold.held_out) or 1.0)
        return f"{often} by mistake, usually fewer, and at most {bound} for certain, over fits"
    low, high = threshold.interval or (0.0, 1.0)
    return (
        f"about {often} by mistake; <b>this is an estimate, not a promise</b> "
        f"({percent(low)} to {percent(high)})"
    )


def facts_list(facts: Mapping[str, str]) -> str:
    """Return names and values as a definition list."""
    rows = "".join(
        f"<div><dt>{text(name)}</dt><dd><bdi>{text(value)}</bdi></dd></div>"
        for name, value in facts.items()
    )
    return f'<dl class="facts">{rows}</dl>' if rows else ""


def panel(title: str, inner: str) -> str:
    """Return a box with a heading; both are HTML already."""
    return f'<section class="panel"><h2>{title}</h2>{inner}</section>'


def failures_list(failures: Sequence[tuple[str, str]]) -> str:
    """Return the pictures that could not be read, each with the reason."""
    if not failures:
        return ""
    rows = "".join(
        f"<li><b><bdi>{text(name)}</bdi></b>: {text(reason)}</li>" for name, reason in failures
    )
    return panel(
        f"{count(len(failures), 'picture')} could not be read", f'<ul class="failures">{rows}</ul>'
    )
