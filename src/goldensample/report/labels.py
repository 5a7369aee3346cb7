"""What the scores of the whole run look like, and how verdicts and labels agree."""

from collections.abc import Sequence

import numpy as np

from goldensample.evaluation import metrics
from goldensample.report.charts import histogram, roc_curve
from goldensample.report.entry import Entry, judged
from goldensample.report.panels import panel
from goldensample.report.words import of, text


def charts(entries: Sequence[Entry], score_threshold: float | None) -> str:
    """Return histogram, ROC curve and tables, as far as labels and verdicts allow."""
    if not entries:
        return ""
    scores = [entry.inspection.score for entry in entries]
    parts = [
        panel("Scores", histogram(scores, [entry.label for entry in entries], score_threshold))
    ]
    known = [entry for entry in entries if entry.label is not None]
    labels = [bool(entry.label) for entry in known]
    if any(labels) and not all(labels):
        parts.append(_roc(known, labels))
    if known and judged(known):
        parts.append(panel("Verdicts and labels", _confusion(known) + _types(known)))
    return f'<div class="panels">{"".join(parts)}</div>'


def _roc(known: Sequence[Entry], labels: Sequence[bool]) -> str:
    """Return the panel of the ROC curve; both kinds are present."""
    scores, defects = np.asarray([entry.inspection.score for entry in known]), np.asarray(labels)
    drawing = roc_curve(*metrics.roc(scores, defects), _reached(known))
    return panel(f"ROC, image AUROC {metrics.auroc(scores, defects):.4f}", drawing)


def _reached(known: Sequence[Entry]) -> tuple[float, float] | None:
    """Return the shares of good and of defects called defect, or None without verdicts."""
    if not all(entry.inspection.verdict for entry in known):
        return None
    good, defect = ([entry for entry in known if entry.label is label] for label in (False, True))
    return _called(good) / len(good), _called(defect) / len(defect)


def _called(entries: Sequence[Entry], verdict: str = "defect") -> int:
    return sum(entry.inspection.verdict == verdict for entry in entries)


def _confusion(known: Sequence[Entry]) -> str:
    """Return the table of labels against verdicts."""
    rows, again = [], any(entry.inspection.verdict == "review" for entry in known)
    for label, name in ((False, "good"), (True, "defect")):
        among = [entry for entry in known if entry.label is label and entry.inspection.verdict]
        called = {verdict: _called(among, verdict) for verdict in ("good", "review", "defect")}
        cells = [(called["good"], "✕ missed" if label else "")]
        cells += [(called["review"], "")] if again else []
        cells += [(called["defect"], "" if label else "✕ false alarms")]
        inner = "".join(_cell(of(part, len(among)), words if part else "") for part, words in cells)
        rows.append(f'<tr><th scope="row">labelled {name}</th>{inner}</tr>')
    heads = ["● called good", *(["◆ look again"] if again else []), "▲ called defect"]
    columns = "".join(f'<th scope="col">{words}</th>' for words in heads)
    head = f"<thead><tr><td></td>{columns}</tr></thead>"
    return f"<table>{head}<tbody>{''.join(rows)}</tbody></table>"


def _cell(value: str, wrong: str) -> str:
    """Return one cell of the table; `wrong` names the mistake in it, if it is one."""
    return (
        f'<td class="wrong"><b>{value}</b><br>{wrong}</td>' if wrong else f"<td><b>{value}</b></td>"
    )


def _types(known: Sequence[Entry]) -> str:
    """Return how many of each type of defect were found."""
    groups: dict[str, list[Entry]] = {}
    for entry in known:
        if entry.label and entry.defect_type:
            groups.setdefault(entry.defect_type, []).append(entry)
    rows = "".join(
        f'<tr><th scope="row"><bdi>{text(name)}</bdi></th>'
        f"<td>{of(_called(among), len(among))}</td></tr>"
        for name, among in sorted(groups.items())
    )
    head = '<thead><tr><th scope="col">type of defect</th><th scope="col">found</th></tr></thead>'
    return f"<table>{head}<tbody>{rows}</tbody></table>" if rows else ""
