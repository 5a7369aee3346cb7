"""What is said while a command works."""

import pytest

from goldensample.wording.numbers import count
from goldensample.wording.progress import STAGES, Pace


def test_fits_and_inspections_have_three_words():
    others = {"products", "backup", "restore", "soak"}
    words = {word for stage, word in STAGES.items() if stage not in others}
    assert words == {"reading", "learning", "checking"}


def test_a_time_left_is_told_from_a_tenth_on():
    pace = Pace(0.0)
    said = [pace.time_left(5.0 + done, done, 100) for done in (0, 1, 9, 10, 100)]
    assert said == ["", "", "", ", about 90 s left of this step", ", about 0 s left of this step"]


@pytest.mark.parametrize("batch", [1, 16])
def test_what_is_paid_once_is_left_out(batch):
    pace, start_s, piece_s, total = Pace(0.0), 30.0, 0.25, 160
    for done in range(0, total, batch):
        said = pace.time_left(bool(done) * start_s + done * piece_s, done, total)
        if said:
            left_s = float(said.split()[2])
            assert left_s == pytest.approx((total - done) * piece_s, abs=0.51)
    assert said


def test_a_step_that_gets_faster_is_seen_through():
    pace = Pace(0.0)  # the first half takes a second a piece, the other a tenth
    said = [pace.time_left(min(done, 225 + done / 10), done, 500) for done in range(501)]
    assert said[240] == ", about 4 min left of this step"
    assert said[490] == ", about 1 s left of this step"


def test_counts_have_their_plural():
    assert [count(n, "picture") for n in (0, 1, 1200)] == [
        "0 pictures",
        "1 picture",
        "1,200 pictures",
    ]
