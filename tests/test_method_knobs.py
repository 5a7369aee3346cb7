"""Every knob of every method does something, and refuses what it cannot be."""

from dataclasses import fields, replace

import numpy as np
import pytest

from goldensample.methods.registry import METHODS
from goldensample.records import silent
from test_method_contract import TRAINED, features, together

# what a knob is turned to; a knob of several methods means the same in all
TURNED = {
    "coreset": 10,
    "neighbourhood": 5,
    "stride": 2,
    "depth": 6,
    "subsampler": "random",
    "denoise": True,
    "greedy": "streaming",
    "projection": 2,
    "neighbors": 2,
    "image_score": "top",
    "composition": "on",
    "by_position": "off",
    "search": "ivfpq",
    "sigma_px": 1.0,
    "seed": 1,
    "pictures": 3,
    "channels": 6,
    "regularisation": 0.5,
    "nu": 0.5,
}
# what makes the seed matter on small patches, and streaming with few rows
BASES = {"patchcore": {"projection": 4, "coreset": 40}, "padim": {"channels": 5}}
KNOBS = [
    (method, field.name)
    for method, kind in METHODS.items()
    if method not in TRAINED
    for field in fields(kind)
    if "help" in field.metadata
]


@pytest.mark.parametrize(("method", "name"), KNOBS)
def test_every_knob_changes_the_answer(method, name):
    base = BASES.get(method, {})
    query = together([features(4, 3), features(4, 3, planted=(2, 6))])
    given = [features(20, 0), replace(features(1, 7, planted=(2, 6)), first=20)]
    one = METHODS[method](**base).fit(given, silent)
    two = METHODS[method](**(base | {name: TURNED[name]})).fit(given, silent)
    if name == "by_position":
        assert two.position_scale is None  # what it changes: test_position_scale
        return
    if name == "composition":
        assert two.composition is not None  # what it changes: test_composition
        return
    if name == "sigma_px":
        assert one.sigma_px != two.sigma_px  # its effect on the map: test_inspector
        return
    ours, theirs = (found.score(query) for found in (one, two))
    same = np.array_equal(ours.image, theirs.image) and np.array_equal(ours.grid, theirs.grid)
    assert not same


def test_turned_values_cover_every_knob():
    assert set(TURNED) == {name for _, name in KNOBS}


WRONG = {
    "coreset": [-0.1, 1.5, float("nan"), float("inf"), "a"],
    "neighbourhood": [2],
    "stride": [0, True],
    "depth": [-1, 10**12],
    "projection": [-1],
    "neighbors": [0, 2.5],
    "sigma_px": [-1.0, float("inf"), None],
    "seed": [-1, 1.5],
    "subsampler": ["best"],
    "greedy": [None],
    "denoise": [1],
    "search": ["fast"],
    "image_score": ["best", None],
    "composition": ["maybe", True],
    "by_position": ["on", False],
    "pictures": [0, 2.5],
    "channels": [0, 10**12],
    "regularisation": [0.0, float("nan")],
    "nu": [0.0, 1.5, float("nan")],
}


@pytest.mark.parametrize(("method", "name"), KNOBS)
def test_bad_values_name_the_knob(method, name):
    for value in WRONG[name]:
        with pytest.raises(ValueError, match=f"{name} must be .*; got"):
            METHODS[method](**{name: value})


def test_a_knob_of_several_methods_is_one_option():
    kinds: dict[str, set] = {}
    for method, name in KNOBS:
        field = METHODS[method].__dataclass_fields__[name]
        kinds.setdefault(name, set()).add(field.type)
    assert all(len(found) == 1 for found in kinds.values())
