"""What a file looks at, changed as a revision: scores, promises, going back, refusals."""

import json
from dataclasses import replace

import numpy as np
import pytest
from commands import golden
from conftest import fit, part
from picture_files import save_picture

from goldensample import PatchCore, Preparation, load, save
from goldensample.learning.learn import learn
from goldensample.learning.rescope import rescope
from goldensample.learning.revisions import Note, open_journal, revert, silent_composition
from goldensample.preparation.roi import roi_from_mask
from goldensample.preparation.scope import Scope, is_within, may_raise
from goldensample.preparation.zones import Zone
from goldensample.records import Picture

NOTE = Note("2026-01-02T03:04:05+00:00", "the label varies")


def box(top: int, left: int, bottom: int, right: int):
    mask = np.zeros((48, 48), bool)
    mask[top:bottom, left:right] = True
    return roi_from_mask(mask)


SILENT = np.array([1, 1, 1, 1, 0])
LEFT = Scope(box(0, 0, 48, 24))
CORNER = Scope(box(0, 0, 24, 24))
TOLERANT = Scope(None, (Zone("label", 2.0, box(0, 24, 48, 48)),))
STRICT = Scope(None, (Zone("label", 0.5, box(0, 24, 48, 48)),))


@pytest.fixture(scope="module")
def fitted(tiny):
    return fit(
        [Picture(f"good{seed}", part(seed)) for seed in range(40)],
        backbone=tiny,
        method=PatchCore(coreset=0.05, by_position="off"),
        preparation=Preparation((48, 48)),
        calibration="split",
    )


@pytest.fixture(scope="module")
def odd():
    return [Picture(str(seed), part(seed, defect=True)) for seed in range(400, 406)]


def scores(inspector, pictures) -> list[float]:
    return [inspection.score for inspection in inspector.inspect_many(pictures)]


@pytest.mark.parametrize(
    ("before", "after", "raised"),
    [
        (Scope(), LEFT, False),
        (LEFT, Scope(), True),
        (Scope(), TOLERANT, False),
        (TOLERANT, Scope(), True),
        (Scope(), STRICT, True),
        (LEFT, CORNER, False),
        (Scope(None, STRICT.zones), Scope(LEFT.view, STRICT.zones), False),
        (LEFT, Scope(LEFT.view, STRICT.zones), False),  # the strict zone is not looked at
    ],
)
def test_a_scope_tells_whether_distances_may_grow(before, after, raised):
    assert may_raise(before, after) == raised
    assert is_within(CORNER, LEFT)
    assert not is_within(LEFT, CORNER)


@pytest.mark.parametrize("scope", [LEFT, TOLERANT, STRICT])
def test_scores_are_those_of_the_bank_within_the_scope(fitted, odd, scope, tmp_path):
    changed = rescope(fitted, scope, NOTE)
    preparation = replace(fitted.preparation, view=scope.view, zones=scope.zones)
    silent = replace(composition := fitted.detector.composition, unit=composition.unit * SILENT)
    detector = replace(fitted.detector, composition=silent)
    plain = replace(fitted, preparation=preparation, detector=detector)
    assert scores(changed, odd) == scores(plain, odd)
    save(changed, tmp_path / "changed.golden")
    again = load(tmp_path / "changed.golden")
    assert scores(again, odd) == scores(changed, odd)
    assert again.preparation == preparation
    assert open_journal(again).revisions[-1].action == "regions"
    holds = open_journal(again).limits_hold(1)
    assert holds == (scope != STRICT)
    assert (again.threshold.false_alarms is not None) == holds


def test_going_back_and_forth_is_exact(fitted, odd):
    narrow = rescope(fitted, LEFT, NOTE)
    taught = learn(narrow, [Picture("new", part(50))], NOTE)
    zoned = rescope(taught, TOLERANT, NOTE)
    assert silent_composition(narrow)
    assert not silent_composition(fitted)
    back = revert(zoned, 0, NOTE)
    assert back.preparation == fitted.preparation
    assert scores(back, odd) == scores(fitted, odd)
    assert silent_composition(back) == silent_composition(fitted)
    assert scores(revert(back, 2, NOTE), odd) == scores(taught, odd)


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        (None, Scope(), "must differ from those in use"),
        (None, Scope(None, (Zone("dot", 2.0, box(0, 0, 1, 1)),)), "must hold the centre"),
    ],
)
def test_what_cannot_be_is_refused(fitted, first, second, words):
    with pytest.raises(ValueError, match=words):
        rescope(rescope(fitted, first, NOTE) if first else fitted, second, NOTE)


def test_a_file_looks_at_no_more_than_its_fit_did(tiny):
    good = [Picture(f"good{seed}", part(seed)) for seed in range(12)]
    preparation = Preparation((48, 48), view=LEFT.view)
    narrow = fit(good, backbone=tiny, method=PatchCore(coreset=0.1), preparation=preparation)
    with pytest.raises(ValueError, match="look at more; draw less, or fit anew with them"):
        rescope(narrow, Scope(), NOTE)
    corner = rescope(narrow, CORNER, NOTE)
    assert rescope(corner, LEFT, NOTE).preparation == preparation


def test_the_command_changes_a_file_and_says_what_holds(fitted, odd, tmp_path):
    save(fitted, tmp_path / "part.golden")
    mask = np.zeros((48, 48), np.uint8)
    mask[:, :24] = 255
    save_picture(tmp_path / "left.png", mask)
    done = golden("regions", tmp_path / "part.golden", "--look-at", tmp_path / "left.png")
    assert not done.returncode, done.stderr
    assert "revision 1, 50 % of the picture is looked at" in done.stdout
    assert scores(load(tmp_path / "part.golden"), odd) == scores(rescope(fitted, LEFT, NOTE), odd)
    again = golden("regions", tmp_path / "part.golden", "--json")
    told = json.loads(again.stdout)
    assert (told["looked_at"], told["limits_hold"]) == (1.0, True)  # as when they were set
    same = golden("regions", tmp_path / "part.golden")
    assert same.returncode == 2
    assert "must differ" in same.stderr
