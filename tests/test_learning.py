"""Learning without a fit: rows come and go with their pictures, and every step can be undone."""

from dataclasses import replace

import numpy as np
import pytest
from conftest import fit, part

from goldensample import ArtifactError, PatchCore, Preparation, load, save
from goldensample.artifact.journal_parts import to_parts
from goldensample.drift.measures import to_arrays as statistics_arrays
from goldensample.fitting.calibrate import Promise
from goldensample.inspection.revision import CALIBRATE, Revision
from goldensample.learning.learn import forget, learn, max_distance, patches_of
from goldensample.learning.revisions import (
    Note,
    apply_journal,
    drop_rows,
    limits_of,
    open_journal,
    recalibrate,
    revert,
)
from goldensample.methods.registry import METHODS
from goldensample.records import Picture
from goldensample.search.exact import NearestSearch

NOTE = Note("2026-01-02T03:04:05+00:00", "accepted by the line")
SQUARE = Preparation((48, 48))


@pytest.fixture(scope="module")
def fitted(tiny, good_parts):
    return fit(
        good_parts,
        backbone=tiny,
        method=PatchCore(coreset=0.02, composition="off"),
        preparation=SQUARE,
    )


def new(seed: int, odd: bool = False) -> Picture:
    """A good picture; an odd one has a dark square that the fit has not seen."""
    return Picture(f"new{seed}", part(seed, defect=odd))


def scores(inspector) -> list[float]:
    return [inspector.inspect(part(seed, defect=seed % 2 == 0)).score for seed in range(90, 94)]


def test_what_was_learned_is_within_the_radius_and_good(fitted):
    odd = [new(200, odd=True), new(201, odd=True), new(202)]
    assert fitted.inspect(odd[0]).verdict == "defect"
    taught = learn(fitted, odd, NOTE)
    search, within = NearestSearch(taught.detector.bank), max_distance(fitted)
    for patches, *_ in patches_of(fitted, odd):
        assert search.find(patches)[0].max() <= within
    assert within <= fitted.detector.radius == taught.detector.radius
    assert [taught.inspect(one).verdict for one in odd] == ["good"] * 3
    assert not taught.inspect(odd[0]).regions
    assert taught.inspect(new(203, odd=True)).score < fitted.inspect(new(203, odd=True)).score
    assert np.array_equal(taught.detector.bank[: len(fitted.detector.bank)], fitted.detector.bank)
    brought = taught.detector.origins[len(fitted.detector.bank) :]
    assert taught.source(len(fitted.detector.bank)).picture == "new200"
    assert set(brought[:, 0]) >= {len(fitted.pictures)}
    assert taught.journal.radius_holds(1)
    assert taught.journal.limits_hold(1)
    assert taught.threshold == fitted.threshold


def test_what_is_known_already_brings_no_row(tiny, good_parts):
    whole = fit(
        good_parts,
        backbone=tiny,
        method=PatchCore(coreset=1.0),
        preparation=SQUARE,
        false_alarms=None,
    )
    journal = learn(whole, [Picture("again", good_parts[0])], NOTE).journal
    assert (journal.born == 0).all()
    assert journal.pictures(1) == [*range(41)]


def test_forgetting_restores_the_scores(fitted):
    before = scores(fitted)
    taught = learn(fitted, [new(200, odd=True)], NOTE)
    assert scores(taught) != before
    again = forget(taught, "new200", NOTE)
    assert scores(again) == before
    assert again.threshold == fitted.threshold
    assert again.journal.radius_holds(2)
    assert again.journal.limits_hold(2)


def test_a_learned_picture_that_others_rely_on(fitted):
    taught = learn(fitted, [new(200, odd=True), new(201, odd=True)], NOTE)
    less = forget(taught, "new200", NOTE)
    assert not less.journal.radius_holds(2)
    assert less.journal.limits_hold(2)  # all rows are there that the limits were set with
    assert less.threshold == fitted.threshold
    assert forget(less, "new201", NOTE).journal.radius_holds(3)


def test_forgetting_a_picture_of_the_fit_ends_the_promises(fitted, good_parts):
    number = int(fitted.detector.origins[0, 0])
    less = forget(fitted, fitted.pictures[number].name, NOTE)
    assert not (less.detector.origins[:, 0] == number).any()
    assert not less.journal.radius_holds(1)
    assert not less.journal.limits_hold(1)
    assert (less.threshold.score, less.threshold.false_alarms) == (fitted.threshold.score, None)
    assert less.inspect(part(90)).p_value is None
    anew = recalibrate(less, [part(seed) for seed in range(300, 320)], Promise(0.05), NOTE)
    assert anew.threshold.false_alarms == 0.05
    assert anew.threshold.held_out == 20
    assert anew.inspect(part(90)).p_value is not None
    back = revert(anew, 0, NOTE)
    assert back.threshold == fitted.threshold
    assert scores(back) == scores(fitted)


def test_rows_taken_out(fitted):
    less = drop_rows(fitted, np.array([4, 2]), NOTE)
    assert np.array_equal(less.detector.bank, np.delete(fitted.detector.bank, [2, 4], axis=0))
    assert less.threshold.false_alarms is None
    assert scores(revert(less, 0, NOTE)) == scores(fitted)


def test_wrong_wishes(fitted):
    with pytest.raises(ValueError, match="at least one picture"):
        learn(fitted, [], NOTE)
    with pytest.raises(ValueError, match="new200 is known already"):
        learn(learn(fitted, [new(200)], NOTE), [new(200)], NOTE)
    with pytest.raises(ValueError, match="new200 is known already"):
        learn(fitted, [new(200), new(200)], NOTE)
    with pytest.raises(ValueError, match="nobody is not"):
        forget(fitted, "nobody", NOTE)
    with pytest.raises(ValueError, match=r"in 0 to 0; got 3"):
        revert(fitted, 3, NOTE)
    with pytest.raises(ValueError, match="at least one row"):
        drop_rows(fitted, np.arange(len(fitted.detector.bank)), NOTE)


def test_other_methods_cannot_learn(tiny, good_parts):
    padim = fit(good_parts, backbone=tiny, method=METHODS["padim"](), preparation=SQUARE)
    with pytest.raises(ValueError, match="must be a patchcore fit; got padim"):
        learn(padim, [new(200)], NOTE)


def dark(seed: int) -> Picture:
    """A good picture of a new look: half the light."""
    return Picture(f"dark{seed}", (part(seed) * 0.5).astype(np.uint8))


def test_what_was_learned_is_usual(fitted, tmp_path):
    """Notes follow what was learned; what the scene is watched by stays that of the fit."""
    another, watched = dark(220).pixels, fitted.habits.good_values("fp32")
    assert "darker" in fitted.inspect(another).note
    taught = learn(fitted, [dark(seed) for seed in range(200, 206)], NOTE)
    assert taught.inspect(another).note == ""
    assert len(taught.habits.values) == len(fitted.habits.values) + 6
    assert np.array_equal(taught.habits.good_values("fp32"), watched, equal_nan=True)
    save(taught, tmp_path / "taught.golden")
    again = load(tmp_path / "taught.golden")
    assert again.inspect(another).note == ""
    assert np.array_equal(again.habits.good_values("fp32"), watched, equal_nan=True)
    for seed in range(200, 206):
        again = forget(again, f"dark{seed}", NOTE)
    assert again.inspect(another).note == fitted.inspect(another).note
    assert state(revert(taught, 0, NOTE)) == state(fitted)
    name = fitted.pictures[0].name
    less = forget(fitted, name, NOTE)
    assert np.array_equal(less.habits.values, fitted.habits.values[1:])
    assert len(less.habits.good_values("fp32")) == len(watched) - 1


def test_new_limits_renew_what_the_scene_is_watched_by(fitted):
    taught = learn(fitted, [dark(seed) for seed in range(200, 206)], NOTE)
    anew = recalibrate(taught, [dark(seed) for seed in range(300, 320)], Promise(0.05, 0.2), NOTE)
    assert (anew.threshold.review_rate, anew.threshold.held_out) == (0.2, 20)
    known = anew.habits.good_values("fp32")
    assert known.shape == (20, 10)
    assert known[:, 0].max() < fitted.habits.good_values("fp32")[:, 0].min()
    assert state(revert(anew, 1, NOTE)) == state(taught)
    same = Revision(CALIBRATE, NOTE.time, "other rates", limits=limits_of(fitted))
    # the same pictures are held out
    again = apply_journal(fitted, open_journal(fitted).add_revision(same))
    assert np.array_equal(
        again.habits.good_values("fp32"), fitted.habits.good_values("fp32"), equal_nan=True
    )


def test_a_fit_that_knows_no_habits_learns_without(fitted, tmp_path):
    taught = learn(replace(fitted, habits=None), [dark(200)], NOTE)
    assert taught.habits is None
    save(taught, tmp_path / "plain.golden")
    assert load(tmp_path / "plain.golden").habits is None


def test_habits_must_be_those_of_the_journal(fitted, tmp_path):
    taught = learn(fitted, [dark(200)], NOTE)
    save(replace(taught, habits=fitted.habits), tmp_path / "a.golden")
    with pytest.raises(ArtifactError, match="what good pictures are like"):
        load(tmp_path / "a.golden")


def state(inspector) -> tuple:
    """All that a revision is: the bank, the limits, what they rest on, and what is usual."""
    known = {name: one.scores.tobytes() for name, one in inspector.calibrations.items()}
    bank, origins = inspector.detector.bank.tobytes(), inspector.detector.origins.tobytes()
    usual = {name: one.tobytes() for name, one in statistics_arrays(inspector.habits).items()}
    return (
        bank,
        origins,
        inspector.thresholds,
        known,
        usual,
        inspector.habits.good_values("fp32").tobytes(),
    )


def test_a_thousand_steps(fitted, tmp_path):
    """Learn, forget and revert in random order: every state comes back, and the file is whole."""
    random, inspector = np.random.default_rng(0), fitted
    states = [state(fitted)]
    for step in range(1, 1001):
        journal = inspector.journal
        choice = random.integers(3) if journal else 0
        if choice == 0:
            inspector = learn(inspector, [new(1000 + step, odd=step % 3 == 0)], NOTE)
        elif choice == 1:
            known = journal.pictures(journal.head)
            gone = inspector.pictures[known[int(random.integers(len(known)))]].name
            inspector = forget(inspector, gone, NOTE)
        else:
            number = int(random.integers(len(states)))
            inspector = revert(inspector, number, NOTE)
            assert state(inspector) == states[number]
        states.append(state(inspector))
    save(inspector, tmp_path / "long.golden")
    again = load(tmp_path / "long.golden")
    assert state(again) == states[-1]
    assert again.journal.revisions == inspector.journal.revisions
    assert np.array_equal(again.journal.bank, inspector.journal.bank)
    assert state(revert(again, 500, NOTE)) == states[500]
    save(again, tmp_path / "copy.golden")
    assert (tmp_path / "copy.golden").read_bytes() == (tmp_path / "long.golden").read_bytes()


def test_a_revision_that_was_tampered_with(fitted, tmp_path):
    taught = learn(fitted, [new(200, odd=True)], NOTE)
    journal = taught.journal
    header, arrays = to_parts(journal)
    assert header["journal"][1]["reason"] == NOTE.reason
    assert {name: array.shape[0] for name, array in arrays.items()} == {
        "journal/bank": 0,
        "journal/origins": 0,
        "journal/born": len(journal.bank),
        "journal/drops": 0,
    }
    lied = replace(journal.revisions[1], reason="another")
    save(
        replace(taught, journal=replace(journal, revisions=(journal.revisions[0], lied))),
        tmp_path / "a.golden",
    )
    with pytest.raises(ArtifactError, match="revision 1 must match its sha256"):
        load(tmp_path / "a.golden")


def test_the_journal_is_a_chain(fitted):
    one = learn(fitted, [new(200, odd=True)], NOTE)
    other = learn(fitted, [new(200, odd=True)], Note("2026-01-02T03:04:06+00:00"))
    assert one.journal.revisions[0] == other.journal.revisions[0]
    assert one.journal.revisions[1].sha256 != other.journal.revisions[1].sha256
