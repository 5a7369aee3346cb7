"""A test set is measured as a whole and type by type, from inspections alone."""

import json

import numpy as np
import pytest

from goldensample.cli.evaluate import format_evaluation
from goldensample.evaluation import metrics
from goldensample.evaluation.evaluate import Tally
from goldensample.records import Inspection

KINDS = ["good"] * 4 + ["dent"] * 3 + ["scratch"] * 2
MASK = np.zeros((12, 12), bool)
MASK[3:6, 4:9] = True


def inspected(index: int, with_map: bool = True) -> tuple[Inspection, bool, np.ndarray, str]:
    """An inspection of a picture with a random map and score, and its truth."""
    rng, kind = np.random.default_rng(index), KINDS[index]
    mask = MASK & (kind != "good")
    values = (rng.random((12, 12)) + 0.5 * mask).astype(np.float32)
    score = float(values.max() + rng.random())
    found = Inspection(str(index), score, None, values if with_map else None, (0, 0, 12, 12))
    return found, kind != "good", mask, kind


def tallied(*indices: int) -> Tally:
    tally = Tally()
    for index in indices:
        tally.add(*inspected(index))
    return tally


def test_types_are_measured_against_the_good_pictures():
    found = tallied(*range(9)).result()
    assert {name: figures.images for name, figures in found.by_type.items()} == {
        "dent": 3,
        "scratch": 2,
    }
    alone = tallied(*range(7)).result()
    dents = found.by_type["dent"]
    assert dents.image_auroc == alone.image_auroc
    assert dents.pixel_auroc == pytest.approx(alone.pixel_auroc, abs=1e-5)
    assert dents.pro == pytest.approx(alone.pro, abs=1e-5)


def test_figures_of_the_whole_set():
    tally = tallied(*range(9))
    found = tally.result()
    scores, defects = np.array(tally.scores), np.array(tally.defects)
    assert found.image_auroc_interval == metrics.bootstrap(scores, defects, metrics.auroc)
    assert found.image_average_precision == metrics.average_precision(scores, defects)
    assert 0 < found.pro_5 < found.pro < 1
    assert 0 < found.pixel_average_precision < 1
    assert 0 < found.pixel_f1 < 1
    assert 0 <= found.pixel_error < 1e-2
    values = json.loads(json.dumps(found.as_json()))
    assert values["by_type"]["scratch"]["images"] == 2
    assert values["image_auroc_interval"] == list(found.image_auroc_interval)
    assert values["misclassified"] == {
        "false_positive": found.false_positive,
        "false_negative": found.false_negative,
    }


def test_without_a_heat_map_there_are_no_pixel_figures():
    tally = Tally()
    for index in range(9):
        tally.add(*inspected(index, with_map=KINDS[index] != "scratch"))
    found = tally.result()
    assert (found.pixel_auroc, found.pro, found.pro_5, found.pixel_error) == (None,) * 4
    assert found.by_type["scratch"].pixel_auroc is None
    assert found.by_type["dent"].pixel_auroc > 0.5
    assert found.image_auroc == tallied(*range(9)).result().image_auroc


def test_masks_that_mark_nothing():
    tally = tallied(*range(7))
    for index in (7, 8):
        inspection, defect, mask, kind = inspected(index)
        tally.add(inspection, defect, mask & False, kind)
    found = tally.result()
    assert found.pixel_auroc > 0.5
    assert (found.by_type["scratch"].pixel_auroc, found.by_type["scratch"].pro) == (None, None)


def test_types_without_a_name_are_left_out():
    tally = Tally()
    for index in range(9):
        tally.add(*inspected(index)[:3])
    assert tally.result().by_type == {}


def test_figures_in_words():
    found = tallied(*range(9)).result()
    said = format_evaluation({**found.as_json(), "seconds_per_image": 0.5})
    assert f"PRO up to 5 %       {found.pro_5:.4f}" in said
    heads, dent, scratch = said.splitlines()[-3:]
    assert heads.split()[:4] == ["type", "of", "defect", "images"]
    assert dent.split()[:3] == ["dent", "3", f"{found.by_type['dent'].image_auroc:.4f}"]
    assert len(heads) == len(dent) == len(scratch)
