"""The paper put together: what was asked, inspected and known."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import numpy as np

from goldensample.datasets.items import Item
from goldensample.inspection.inspector import Inspector
from goldensample.locales.language import gettext
from goldensample.qualification.appraisers import appraisers
from goldensample.qualification.false_alarms import false_alarms
from goldensample.qualification.found_by_size import found_by_size
from goldensample.qualification.history import History
from goldensample.qualification.over_time import over_time
from goldensample.qualification.paper import Cell, Paper, Section, Table
from goldensample.qualification.repeated import repeated
from goldensample.qualification.synthetic_defects import synthetic_defects
from goldensample.qualification.synthetic_trials import run_synthetic
from goldensample.qualification.trials import Trial, run_trials, said, same_parts, without_learned
from goldensample.records import Array, Notify
from goldensample.report.facts import Occasion, facts
from goldensample.synthetic.plan import PLANNED
from goldensample.wording.licence import network_licence
from goldensample.wording.limits import promise

FEW = 40
"""Defects, below which a curve by size says little, so that synthetic ones are drawn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a qualification is made of.

    Args:
        good: pictures of good parts; those that the fit learned are left out.
        defects: pictures of defects.
        repeats: the same parts photographed again, a list each time.
        appraisals: calls of people by appraiser, names of the parts and their references; or None.
        appraised: pictures of these parts in their order; empty where their names tell them.
        mm_per_px: millimetres of a pixel, or None.
        rate: of false alarms that is to be proven; None takes that of the file.
        lot: parts of a lot, or None.
        history: records of the time since the release, or None.
        synthetic: whether synthetic defects are drawn; None does where there are fewer than FEW.
    """

    good: Sequence[Item]
    defects: Sequence[Item]
    repeats: Sequence[Sequence[Item]] = ()
    appraisals: tuple[dict[str, Array], list[str], Array] | None = None
    appraised: Sequence[Item] = ()
    mm_per_px: float | None = None
    rate: float | None = None
    lot: int | None = None
    history: History | None = None
    synthetic: bool | None = None

    @property
    def draws(self) -> bool:
        """Whether synthetic defects are drawn."""
        return len(self.defects) < FEW if self.synthetic is None else self.synthetic

    @property
    def inspections(self) -> int:
        """Pictures to inspect, at most, synthetic ones among them."""
        drawn = PLANNED if self.draws else 0
        return sum(map(len, (self.good, self.defects, self.appraised, *self.repeats))) + drawn


@dataclass(slots=True)
class Answers:
    """Sections, and the trials that they rest on."""

    sections: list[Section] = field(default_factory=list)
    trials: list[Trial] = field(default_factory=list)


def qualify(
    inspector: Inspector, file: Path, occasion: Occasion, question: Question, notify: Notify
) -> Paper:
    """Return the paper.

    Raises:
        GoldenError: a picture, a mask or a table cannot be used.
        ValueError: the file has no limits.
    """
    good_items = without_learned(inspector, question.good)
    good = run_trials(inspector, good_items, notify, "inspect")
    defects = run_trials(inspector, question.defects, notify, "inspect")
    limit = inspector.threshold
    assert limit, "trials have verdicts"
    answers = Answers(trials=[*good, *defects])
    wanted = question.rate or limit.false_alarms or 0.01
    left_out = len(question.good) - len(good_items)
    answers.sections += [
        false_alarms(good, wanted, left_out, question.lot),
        found_by_size(defects, question.mm_per_px),
    ]
    if question.draws:
        drawn = run_synthetic(inspector, good_items, good, notify)
        answers.sections.append(synthetic_defects(drawn, question.mm_per_px))
    if question.repeats:
        times = [run_trials(inspector, items, notify, "inspect") for items in question.repeats]
        answers.trials += [trial for trials in times for trial in trials]
        answers.sections.append(repeated(_parts(times), limit.score))
    if question.appraisals:
        answers.sections.append(_agreement(inspector, question, answers.trials, notify))
    if question.history:
        answers.sections.append(over_time(question.history, limit.false_alarms))
    return Paper(
        name=file.stem,
        title=gettext("Qualification of %(name)s") % {"name": file.stem},
        facts=_facts(inspector, file, occasion, question),
        limits=promise(inspector.threshold, inspector.journal),
        sections=answers.sections,
        pictures=_pictures(answers.trials),
        signatures=(gettext("qualified by"), gettext("checked by"), gettext("released by")),
    )


def _agreement(
    inspector: Inspector, question: Question, trials: Sequence[Trial], notify: Notify
) -> Section:
    """Return how people agree, and the inspection where it has judged the same parts."""
    assert question.appraisals, "there are some"
    calls, parts, reference = question.appraisals
    again = run_trials(inspector, question.appraised, notify, "inspect")
    ours = {Path(trial.name).stem: trial.found for trial in again or trials}
    if set(parts) <= set(ours):
        one = np.array([[ours[part]] for part in parts])
        calls = {**calls, gettext("the inspection"): one}
    return appraisers(calls, reference)


def _parts(times: Sequence[Sequence[Trial]]) -> dict[str, list[Trial]]:
    """Return the parts that were photographed every time, at least two and at least twice."""
    parts = same_parts(times)
    if len(times) < 2 or len(parts) < 2:
        raise ValueError(
            "--repeat must be given at least twice, with pictures of the same names of at least "
            f"two parts; got {len(times)} folders with {len(parts)} names in common"
        )
    return parts


def _facts(
    inspector: Inspector, file: Path, occasion: Occasion, question: Question
) -> dict[str, str]:
    """Return what was qualified: the file, its revision and hash, the network and its licence."""
    values = facts(inspector, occasion)
    values[gettext("SHA-256 of the file")] = sha256(file.read_bytes()).hexdigest()
    values[gettext("licence of the network")] = network_licence(inspector.backbone.network.name)
    scale = question.mm_per_px
    values[gettext("millimetres a pixel")] = f"{scale:g}" if scale else gettext("not known")
    return values


def _pictures(trials: Sequence[Trial]) -> Table:
    """Return the pictures used, with verdicts, scores and hashes."""
    heads = [gettext("Picture"), gettext("kind of defect"), gettext("Verdict"), gettext("Score")]
    rows: list[Sequence[Cell]] = [
        [t.name, t.kind, said(t.verdict), t.score, t.sha256] for t in trials
    ]
    return Table([*heads, "SHA-256"], rows)
