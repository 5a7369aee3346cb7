"""Suites: what ships can be read, and what is wrong is said."""

import pytest

from goldensample.bench import published
from goldensample.bench.board import ResultsTable
from goldensample.bench.data import Category
from goldensample.bench.runs import PAPER_NETWORK, Networks, Run, make_run
from goldensample.bench.suites import BUILT_IN, Entry, parse_suite, read_suite
from goldensample.preparation.preparation import Preparation

PLATE = Category("parts", "plate", "00", 20, 10)
BUILTIN = Networks("builtin", {})
SQUARE = Preparation((64, 64), "stretch", (56, 56))
WORKS = """
title = "A suite"
view = "table"
figures = ["image_auroc"]
[[panel]]
[[panel.entry]]
label = "a"
method = "patchcore"
"""


@pytest.mark.parametrize("name", BUILT_IN)
def test_what_ships_can_be_read_and_planned(name):
    suite = read_suite(name)
    labels = [entry.label for panel in suite.panels for entry in panel.entries]
    assert len(set(labels)) == len(labels)
    for _, _, entry in suite.entries():
        run = make_run(entry, PLATE, 0, BUILTIN)
        assert isinstance(run, Run) or run.startswith(("needs", "plate has fewer"))


def test_the_papers_numbers_belong_to_entries_that_ship():
    for name in ("table4", "table5"):
        suite = read_suite(name)
        labels = {entry.label for panel in suite.panels for entry in panel.entries}
        assert set(published.labels(name, "image_auroc")) == labels
    assert published.lookup("fig6", "PatchCore-25", "image_auroc", 16) == 95.5
    assert published.lookup("fig5", "coreset", "image_auroc", 0.001) == 95.5
    assert published.lookup("table3", "PatchCore-10", "pro") == 93.5
    assert set(published.auroc_by_category("PatchCore-1")) == set(published.CATEGORIES)


def test_the_papers_means_are_those_of_its_categories():
    for label in ("PatchCore-25", "PatchCore-10", "PatchCore-1"):
        values = published.auroc_by_category(label).values()
        mean = published.lookup("table1", label, "image_auroc")
        assert mean is not None
        assert abs(sum(values) / len(values) - mean) <= 0.1  # of rounded numbers


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("label =", "lable =", "mine.toml: panel 1.*'lable'"),
        ('"table"', '"tabel"', "mine.toml: view must be one of"),
        ('["image_auroc"]', '["auroc"]', "mine.toml: a figure must be one of"),
        ('method = "patchcore"', "method = 3", "mine.toml.*method must be a str; got 3"),
        ("[[panel]]", '[[panel]]\nvary = "shots"', "vary and values together"),
        ('title = "A suite"', "", "mine.toml lacks title"),
        ("view =", "view", "mine.toml must be TOML"),
    ],
)
def test_a_wrong_suite_names_its_file_and_key(old, new, words):
    with pytest.raises(ValueError, match=words):
        parse_suite("mine", WORKS.replace(old, new, 1), "mine.toml")


def test_a_suite_that_is_not_there():
    with pytest.raises(ValueError, match=r"SUITE must be one of table1.*got table9"):
        read_suite("table9")


def test_points_along_an_axis():
    suite = read_suite("fig4")
    levels = next(panel for panel in suite.panels if panel.vary == "levels")
    assert [e.levels for _, e in levels.points(levels.entries[0])][3] == ("1", "2")
    shots = read_suite("fig6").panels[0]
    assert [e.shots for _, e in shots.points(shots.entries[0])] == [1, 2, 5, 10, 16, 20, 50]


def test_tables_1_2_3_and_s1_are_views_of_the_same_runs():
    names = [
        {make_run(entry, PLATE, 0, BUILTIN).name for entry in (e for _, _, e in suite.entries())
         if isinstance(make_run(entry, PLATE, 0, BUILTIN), Run)}
        for suite in map(read_suite, ("table1", "table2", "table3", "tableS1"))
    ]  # fmt: skip
    assert names[0]
    assert all(found == names[0] for found in names)


def test_tables_show_what_another_suite_trains():
    trained = read_suite("trained").panels[0].entries
    shown = read_suite("table2").panels[0].shown
    assert {entry.label for entry in shown} <= {entry.label for entry in trained}
    assert {f"{entry.label}, untrained" for entry in shown} == {
        entry.label for entry in trained if entry not in shown
    }
    assert all(published.remark(entry.label) for entry in shown)


def test_the_first_seed_stands_alone_until_all_are_there():
    entry = Entry(label="a", method="patchcore", preparation=SQUARE, seeds=(0, 1, 2))
    raw = {
        make_run(entry, PLATE, seed, BUILTIN).name: {"evaluation": {"image_auroc": seed / 4}}
        for seed in entry.seeds
    }

    def values(*seeds: int):
        names = {make_run(entry, PLATE, seed, BUILTIN).name for seed in seeds}
        by_run = {name: raw[name] for name in names}
        return ResultsTable([PLATE], BUILTIN, by_run, {}).values(entry, PLATE, "image_auroc")

    assert values(0, 1, 2) == [0, 25, 50]
    assert values(0, 1) == values(0) == [0]
    assert values(1, 2) == "not run yet"


def test_the_specification_decides_the_name():
    entry = Entry(label="a", method="patchcore", preparation=SQUARE)
    run = make_run(entry, PLATE, 0, BUILTIN)
    spelled = Entry(label="b", method="patchcore", preparation=SQUARE, knobs={"coreset": 0.1})
    assert make_run(spelled, PLATE, 0, BUILTIN).name == run.name  # 0.1 is the default
    assert make_run(entry, PLATE, 1, BUILTIN).name != run.name
    assert run.name.startswith("parts.plate.patchcore.builtin.seed0.")
    changed = Category("parts", "plate", "01", 20, 10)
    assert make_run(entry, changed, 0, BUILTIN).name != run.name


def test_what_cannot_be_run_says_why():
    def why(entry: Entry, networks: Networks = BUILTIN):
        return make_run(entry, PLATE, 0, networks)

    plain = {"label": "a", "preparation": SQUARE}
    assert "no_such" in why(Entry(method="no_such", **plain))
    assert "fewer than 50" in why(Entry(method="patchcore", shots=50, **plain))
    assert PAPER_NETWORK in why(Entry(method="patchcore", **plain), Networks(None, {}))
    with pytest.raises(ValueError, match=r"knobs of a must be among coreset.*got corset"):
        why(Entry(method="patchcore", knobs={"corset": 1}, **plain))
