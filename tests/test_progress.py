"""What is said while a command works."""

import pytest

from goldensample.wording.numbers import count
from goldensample.wording.progress import STAGES, time_left


def test_fits_and_inspections_have_three_words():
    others = {"products", "backup", "restore", "soak"}
    words = {word for stage, word in STAGES.items() if stage not in others}
    assert words == {"reading", "learning", "checking"}


@pytest.mark.parametrize(
    ("done", "said"),
    [
        (0, ""),
        (9, ""),
        (10, ", about 90 s left of this step"),
        (100, ", about 0 s left of this step"),
    ],
)
def test_a_time_left_is_told_from_a_tenth_on(done, said):
    assert time_left(10.0, done, 100) == said


def test_counts_have_their_plural():
    assert [count(n, "picture") for n in (0, 1, 1200)] == [
        "0 pictures",
        "1 picture",
        "1,200 pictures",
    ]
