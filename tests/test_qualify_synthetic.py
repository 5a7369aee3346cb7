"""Synthetic defects of `golden qualify`: the plan, the trials, and what the section says."""

from collections import Counter
from itertools import combinations

import numpy as np
import pytest
from conftest import part
from PIL import Image

from goldensample.artifact.store import load
from goldensample.locales.language import speaking
from goldensample.qualification.build import FEW, Question
from goldensample.qualification.pictures import good_items
from goldensample.qualification.synthetic_defects import synthetic_defects
from goldensample.qualification.synthetic_trials import Synthetic, run_synthetic
from goldensample.qualification.trials import run_trials
from goldensample.records import silent
from goldensample.synthetic.defects import KINDS, LEAST_PX
from goldensample.synthetic.plan import (
    CONTRASTS,
    LEVELS,
    crossed,
    paste_planned,
    sizes_px,
    zones,
)


def test_every_four_of_the_five_are_crossed_in_full():
    plan = [(one.kind, one.size, one.contrast, *one.zone) for one in crossed()]
    assert len(plan) == LEVELS**4 == len(set(plan))
    for four in combinations(range(5), 4):
        assert set(Counter(tuple(one[k] for k in four) for one in plan).values()) == {1}
    assert len(CONTRASTS) == len(KINDS) == LEVELS


def test_zones_divide_what_is_looked_at():
    seen = np.zeros((60, 90), bool)
    seen[10:, 20:70] = True
    index = zones(seen)
    assert (index[~seen] == -1).all()
    assert set(Counter(index[seen].tolist()).values()) == {100}
    assert (index[10, 20], index[59, 69], index[10, 69]) == (0, 24, 4)
    assert sizes_px(512).tolist() == pytest.approx([6.4, 12.8, 25.6, 51.2, 102.4])
    assert sizes_px(20)[0] == LEAST_PX


def test_a_planned_defect_lies_in_its_zone_and_is_as_strong_as_it_says():
    pixels, index = part(3), zones(np.ones(part(3).shape[:2], bool))
    for one in crossed()[::7]:
        pasted = paste_planned(pixels, one, 9.0, index)
        if pasted is None:
            assert one.kind == "missing"
            continue
        after, mask = pasted
        change = np.abs(after.astype(int) - pixels)
        assert CONTRASTS[one.contrast] / 2 <= change.max() <= CONTRASTS[one.contrast]
        assert (change.any(axis=2) == mask).all()
        middle = [np.flatnonzero(mask.any(axis=axis)).mean() for axis in (1, 0)]
        zone = np.array(one.zone) * np.array(mask.shape) / LEVELS
        size = np.array(mask.shape) / LEVELS
        assert (np.abs(middle - zone - size / 2) <= size / 2 + 4.5).all()
    even = np.full((60, 60, 3), 90, np.uint8)
    missing = next(one for one in crossed() if one.kind == "missing" and one.contrast == 4)
    assert paste_planned(even, missing, 12.0, zones(np.ones((60, 60), bool))) is None
    assert paste_planned(even, crossed()[0], 12.0, np.full((60, 60), 24)) is None


def test_strong_ones_are_found_and_the_same_again(product, tmp_path):
    for seed in range(4):
        Image.fromarray(part(700 + seed)).save(tmp_path / f"{seed}.png")
    inspector, items = load(product), good_items(tmp_path)
    good = run_trials(inspector, items, silent, "inspect")
    told: list[int] = []
    result, again = (
        run_synthetic(inspector, items, good, lambda *step: told.append(step[1])) for _ in "ab"
    )
    assert (result.found == again.found).all()
    assert list(result.drawn) == list(again.drawn)
    assert len(result.drawn) + result.undrawn == 625
    assert told[-2:] == [len(result.drawn), 625]
    strength = np.array([one.contrast for one in result.drawn])
    assert result.found[strength == 4].mean() > result.found[strength == 0].mean() + 0.2
    section = synthetic_defects(result, 0.5)
    values = section.values
    assert sum(row[3] for row in values["cells"]) == values["found"] == result.found.sum()
    assert sum(row[4] for row in values["cells"]) == values["drawn"] == len(result.drawn)
    assert len(section.figures) == 2
    assert run_synthetic(inspector, items[:0], [], silent) is None


@pytest.mark.parametrize("language", ["en", "de", "ko", "zh_Hans"])
def test_a_blind_zone_is_named_and_kinds_are_ordered(language):
    drawn = crossed()
    found = np.array([one.zone != (1, 3) and one.kind != "stain" for one in drawn])
    model, seen = part(3), np.ones(part(3).shape[:2], bool)
    result = Synthetic(drawn, found, 3, sizes_px(48), 4, model, seen)
    with speaking(language):
        section = synthetic_defects(result, None)
        none = synthetic_defects(None, None)
    if language == "en":
        assert section.answer[-1].endswith("zones: row 2, column 4 (0 of 20).")
        assert section.answer[2].endswith("stains (0\u00a0%).")
        assert "no good picture was called good" in none.answer[0]
    assert "(0" in section.answer[-1]
    assert [row[0] for row in section.tables[0].rows] == [row[0] for row in section.tables[1].rows]
    everywhere = Synthetic(drawn, np.ones(625, bool), 0, sizes_px(48), 4, model, seen)
    with speaking(language):
        assert synthetic_defects(everywhere, None).answer[-1] != section.answer[-1]


def test_they_are_drawn_where_real_ones_are_few():
    few = Question(good=[], defects=[None] * (FEW - 1))
    many = Question(good=[], defects=[None] * FEW)
    asked = Question(good=[], defects=[None] * FEW, synthetic=True)
    assert [question.draws for question in (few, many, asked)] == [True, False, True]
