"""Files in tests/files were written by the build of commit 1363fa5: they open, and score as then.

Each was fitted by its command line to `part(0)` to `part(39)` (crossed: 19) with the tiny network,
--size 48x48 --coreset 0.005 --precision fp32; learned learned `part(700, defect=True)` as well. The
scores are what that build gave.
"""

from pathlib import Path

import pytest
from conftest import part

from goldensample import load, save
from goldensample.learning.revisions import Note, revert

FILES = Path(__file__).parent / "files"
GOOD, DEFECT = part(90), part(91, defect=True)
SCORES = {
    "crossed": (0.45090344548225403, 2.61419997215271, 0.48921698331832886),
    "ensemble": (0.8051053285598755, 5.374858856201172, 0.9281037449836731),
    "learned": (0.3740048110485077, 0.38022735714912415, 0.45508861541748047),
}
"""Of the good part and of the defect, and the limit."""


@pytest.mark.parametrize("name", SCORES)
def test_a_file_scores_as_it_did(name, tmp_path):
    inspector = load(FILES / f"{name}.golden")
    good, defect, limit = SCORES[name]
    assert inspector.inspect(GOOD).score == pytest.approx(good, rel=1e-5)
    assert inspector.inspect(DEFECT).score == pytest.approx(defect, rel=1e-5)
    assert inspector.threshold.score == limit
    save(inspector, tmp_path / "again.golden")
    again = load(tmp_path / "again.golden")
    assert again.inspect(DEFECT).score == inspector.inspect(DEFECT).score


def test_what_was_learned_then_can_be_undone_now():
    inspector = load(FILES / "learned.golden")
    back = revert(inspector, 0, Note("2026-11-30T00:00:00+00:00"))
    assert back.inspect(DEFECT).score == pytest.approx(2.635521173477173, rel=1e-5)
    assert back.threshold == inspector.threshold
