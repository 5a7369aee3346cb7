"""Change an inspector: learn more good pictures, set other limits."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from goldensample.calibration.tradeoff import LabelledScores, Limit, table
from goldensample.datasets import labelled, read_category
from goldensample.inspection.inspector import Inspector
from goldensample.learning.learn import learn as add_pictures
from goldensample.learning.relimit import calibration_of, set_rates
from goldensample.learning.revisions import Note
from goldensample.records import Array, Notify, Picture, Pictures, silent


def learn(
    fitted: Inspector,
    images: Pictures | Sequence[Array | Picture],
    reason: str = "",
    notify: Notify = silent,
) -> Inspector:
    """Return an inspector that takes more pictures for good, without a new fit; `save` keeps it.

    Args:
        fitted: with PatchCore; not changed.
        images: good pictures; they may be unusual, never defects.
        reason: why, for the journal.
        notify: called with ("learn", pictures done, pictures).

    Raises:
        ValueError: no picture, one that is known already, or another method.
    """
    return add_pictures(fitted, images, Note(_timestamp(), reason), notify)


def thresholds(fitted: Inspector, dataset: str | Path | None = None) -> list[Limit]:
    """Return score limits and what each costs, from many false alarms to few.

    Args:
        fitted: with limits from good pictures.
        dataset: labelled pictures, as for `evaluate`, to count alarms and misses on; or None.

    Raises:
        ValueError: no scores of good pictures are known, or labelled ones are of one kind alone.
        ImageError: the data set cannot be used.
    """
    labelled_scores = None if dataset is None else _scores(fitted, dataset)
    return table(calibration_of(fitted), fitted.threshold, labelled_scores)


def set_thresholds(
    fitted: Inspector, false_alarms: float, review: float | None = None, reason: str = ""
) -> Inspector:
    """Return an inspector with the limits for other rates; `save` keeps it.

    Args:
        fitted: with PatchCore, and limits from good pictures; not changed.
        false_alarms: rate of good pictures that may be called defects, in (0, 1).
        review: a larger rate, of those that may be called review; None for no such verdict.
        reason: why, for the journal.

    Raises:
        ValueError: no scores are known, or there are too few for a rate.
    """
    return set_rates(fitted, false_alarms, review, Note(_timestamp(), reason))


def _timestamp() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _scores(fitted: Inspector, dataset: str | Path) -> LabelledScores:
    """Return the scores of labelled pictures."""
    truths = list[bool]()

    def pictures() -> Iterator[Picture]:
        for truth in labelled(read_category(dataset), fitted.preparation.grey_range):
            truths.append(truth.defect)
            yield truth.picture

    scores = np.array([one.score for one in fitted.inspect_many(pictures())])
    defects = np.array(truths, bool)
    if defects.all() or not defects.any():
        raise ValueError("labelled pictures must show good parts and defects; got one kind alone")
    return LabelledScores(scores[~defects], scores[defects])
