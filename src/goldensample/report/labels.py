"""Score histogram, ROC curve and confusion matrix of a run."""

from collections.abc import Sequence

import numpy as np

from goldensample.evaluation import metrics
from goldensample.locales.language import gettext
from goldensample.report.charts import histogram, roc_curve
from goldensample.report.entry import Entry, has_verdicts
from goldensample.report.panels import panel
from goldensample.report.words import escape, fraction


def charts(entries: Sequence[Entry], score_threshold: float | None) -> str:
    """Return the charts and tables that the labels and verdicts allow."""
    if not entries:
        return ""
    scores = [entry.inspection.score for entry in entries]
    panels = [
        panel(
            gettext("Scores"),
            histogram(scores, [entry.label for entry in entries], score_threshold),
        )
    ]
    labelled = [entry for entry in entries if entry.label is not None]
    labels = [bool(entry.label) for entry in labelled]
    if any(labels) and not all(labels):
        panels.append(_roc(labelled, labels))
    if labelled and has_verdicts(labelled):
        tables = _confusion(labelled) + _recall_by_type(labelled)
        panels.append(panel(gettext("Verdicts and labels"), tables))
    return f'<div class="panels">{"".join(panels)}</div>'


def _roc(labelled: Sequence[Entry], labels: Sequence[bool]) -> str:
    """Return the panel of the ROC curve; both labels are present."""
    scores, defects = np.asarray([entry.inspection.score for entry in labelled]), np.asarray(labels)
    curve = roc_curve(*metrics.roc(scores, defects), _operating_point(labelled))
    auroc = f"{metrics.auroc(scores, defects):.4f}"
    return panel(gettext("ROC, image AUROC %(auroc)s") % {"auroc": auroc}, curve)


def _operating_point(labelled: Sequence[Entry]) -> tuple[float, float] | None:
    """Return the (false, true) positive rate of the verdicts, or None without verdicts."""
    if not all(entry.inspection.verdict for entry in labelled):
        return None
    good, defect = (
        [entry for entry in labelled if entry.label is label] for label in (False, True)
    )
    return _count_verdict(good) / len(good), _count_verdict(defect) / len(defect)


def _count_verdict(entries: Sequence[Entry], verdict: str = "defect") -> int:
    return sum(entry.inspection.verdict == verdict for entry in entries)


def _confusion(labelled: Sequence[Entry]) -> str:
    """Return the confusion matrix of labels and verdicts."""
    rows, has_review = [], any(entry.inspection.verdict == "review" for entry in labelled)
    for label, name in ((False, gettext("labelled good")), (True, gettext("labelled defect"))):
        group = [entry for entry in labelled if entry.label is label and entry.inspection.verdict]
        counts = {
            verdict: _count_verdict(group, verdict) for verdict in ("good", "review", "defect")
        }
        cells = [(counts["good"], "✕ " + gettext("missed") if label else "")]
        cells += [(counts["review"], "")] if has_review else []
        cells += [(counts["defect"], "" if label else "✕ " + gettext("false alarms"))]
        cells_html = "".join(
            _cell(fraction(number_of, len(group)), error if number_of else "")
            for number_of, error in cells
        )
        rows.append(f'<tr><th scope="row">{name}</th>{cells_html}</tr>')
    heads = ["● " + gettext("called good"), "▲ " + gettext("called defect")]
    heads[1:1] = ["◆ " + gettext("look again")] if has_review else []
    columns = "".join(f'<th scope="col">{error}</th>' for error in heads)
    head = f"<thead><tr><td></td>{columns}</tr></thead>"
    return f"<table>{head}<tbody>{''.join(rows)}</tbody></table>"


def _cell(value: str, error: str) -> str:
    """Return one cell of the table; `error` names the kind of error, or is ""."""
    return (
        f'<td class="wrong"><b>{value}</b><br>{error}</td>' if error else f"<td><b>{value}</b></td>"
    )


def _recall_by_type(labelled: Sequence[Entry]) -> str:
    """Return the recall of each type of defect."""
    groups: dict[str, list[Entry]] = {}
    for entry in labelled:
        if entry.label and entry.defect_type:
            groups.setdefault(entry.defect_type, []).append(entry)
    rows = "".join(
        f'<tr><th scope="row"><bdi>{escape(name)}</bdi></th>'
        f"<td>{fraction(_count_verdict(group), len(group))}</td></tr>"
        for name, group in sorted(groups.items())
    )
    heads = gettext("type of defect"), gettext("found")
    columns = "".join(f'<th scope="col">{head}</th>' for head in heads)
    head = f"<thead><tr>{columns}</tr></thead>"
    return f"<table>{head}<tbody>{rows}</tbody></table>" if rows else ""
