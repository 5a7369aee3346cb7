"""The scene, apart from the parts in it: alarms, what they may cost, and since when."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from commands import golden
from conftest import fit, part
from PIL import Image

from goldensample import Preparation, load, save
from goldensample.cli.drift import DriftMonitor
from goldensample.demo.families import render
from goldensample.drift.martingale import (
    BETS,
    CHANCE,
    PICTURES,
    STREAM,
    Watch,
    begin,
    gain,
    ranks,
    watch,
)
from goldensample.drift.measures import WATCHED, ReferenceStatistics, reference_statistics
from goldensample.drift.picture import BINS, MEASURES, measure
from goldensample.learning.learn import Note, learn
from goldensample.records import Picture


def stream(known, values, seed=0):
    """Watch rows of values; return the alarms as (number of the picture, alarm)."""
    rng, state, found = np.random.default_rng(seed), begin(values.shape[1]), []
    for number, row in enumerate(values):
        state, alarm = watch(state, known, str(number), row, rng.random(len(row)))
        if alarm:
            found.append((number, alarm))
    return found, state


def test_ranks_by_hand():
    known = np.array([[1.0], [2.0], [3.0]])
    assert ranks(known, np.array([2.0]), np.array([0.5])) == pytest.approx([(1 + 0.5 * 2) / 4])
    assert ranks(known, np.array([9.0]), np.array([0.0])) == pytest.approx([3 / 4])
    assert ranks(known, np.array([0.0]), np.array([0.0])) == pytest.approx([0.0])
    partly = np.array([[1.0, np.nan], [2.0, 5.0]])
    assert ranks(partly, np.array([3.0, 6.0]), np.zeros(2)) == pytest.approx([2 / 3, 1 / 2])


def test_ranks_of_exchangeable_pictures_are_uniform():
    rng = np.random.default_rng(0)
    found = []
    for _ in range(300):
        values = rng.integers(0, 4, (30, 1)).astype(float)  # many ties
        found.append([ranks(values[:k], values[k], rng.random(1))[0] for k in range(10, 30)])
    found = np.array(found)
    assert np.allclose(np.quantile(found, (0.1, 0.5, 0.9)), (0.1, 0.5, 0.9), atol=0.02)
    assert abs(np.corrcoef(found[:, :-1].ravel(), found[:, 1:].ravel())[0, 1]) < 0.03


def test_bets_are_fair_and_bounded():
    p = (np.arange(100_000) + 0.5) / 100_000
    factors = gain(p)
    assert factors.mean(axis=0) == pytest.approx(np.ones(len(BETS)), abs=1e-4)
    ends = gain(np.array([0.0, 1.0]))
    assert (ends > 0).all()
    assert ends.max() < 2
    assert gain(np.array([0.25]))[0, 1] == 1.25


def test_false_alarms_are_as_rare_as_promised():
    rng, alarms = np.random.default_rng(1), 0
    for seed in range(20):
        values = rng.standard_t(2, (520, len(WATCHED)))
        alarms += bool(stream(values[:20], values[20:], seed)[0])
    assert alarms <= 1  # at most 500 / PICTURES each: 0.5 in all
    assert PICTURES == STREAM / CHANCE, "the bound follows from the guarantee alone"


@pytest.mark.parametrize("bad", [1, 5])
def test_bad_parts_are_no_change_of_the_scene(bad):
    values = np.random.default_rng(2).normal(size=(320, 3))
    values[200 : 200 + bad] += 1e6
    assert not stream(values[:20], values[20:])[0]


@pytest.mark.parametrize("up", [True, False])
def test_a_change_is_found_named_and_dated(up):
    values = np.random.default_rng(3).normal(size=(320, 4))
    values[220:, 2] += 3 if up else -3
    found, state = stream(values[:20], values[20:])
    (number, alarm), *later = found
    assert 200 < number < 240
    assert (alarm.measure, alarm.up) == (2, up)
    assert abs(int(alarm.since) - 200) <= 8
    assert later, "what stays changed is said again"
    assert len(state.names) == len(state.values) < 300


def test_an_alarm_forgets_what_was_changed():
    values = np.random.default_rng(4).normal(size=(340, 2))
    values[120:145, 0] += 4
    found, _ = stream(values[:20], values[20:])
    assert found[0][0] > 100
    assert found[-1][0] < 130, "after the scene was put right there is no alarm"


def test_a_state_must_fit_itself():
    state = begin(2)
    with pytest.raises(ValueError, match="must fit each other"):
        Watch(("a",), state.values, state.gains, state.rises, state.since)
    with pytest.raises(ValueError, match="must be finite"):
        Watch((), state.values, state.gains + np.inf, state.rises, state.since)
    with pytest.raises(ValueError, match="must number the pictures"):
        Watch((), state.values, state.gains, state.rises, state.since + 1)


SQUARE = Preparation((48, 48), "stretch")


def habits(count: int = 30) -> ReferenceStatistics:
    pictures = [edged(part(seed)) for seed in range(count)]
    return reference_statistics([measure(*SQUARE.apply(pixels)) for pixels in pictures])


def edged(pixels: np.ndarray) -> np.ndarray:
    """Give a picture a dark border on two sides: something that can be in another place."""
    framed = pixels.copy()
    framed[:6], framed[:, :8] = 20, 20
    return framed


def test_measures_by_hand():
    grey = np.full((40, 60, 3), 51, np.uint8)
    found = measure(*Preparation((40, 60), "stretch").apply(grey)).values
    assert found[:2] == pytest.approx([0.2, 0.2])
    assert found[3:] == pytest.approx([np.log(2400) / 2, np.log(40 / 60), 0, 0])
    assert found[2] < -5, "a blank picture is not sharp"
    grey[:, :30] = 99, 39, 19
    found = measure(*Preparation((40, 60), "stretch").apply(grey)).values
    mean = (51 + (99 + 39 + 19) / 3) / 2
    assert found[5:] == pytest.approx([(99 - 19) / 2 / (mean + 1)] * 2, rel=1e-5)


def test_what_is_unusual_is_said():
    usual, good = habits(), edged(part(99))

    def said(pixels):
        return usual.unusual(measure(*SQUARE.apply(pixels)).values)

    assert said(good) == []
    assert said((good * 0.5).astype(np.uint8)) == ["darker"]
    assert "brighter" in said(np.clip(good * 1.7, 0, 255).astype(np.uint8))
    assert said(good.repeat(2, 0).repeat(2, 1))[-1] == "larger"
    assert said(good[:24]) != []
    blurred = sum(np.roll(good, (k, m), (0, 1)) / 25 for k in range(5) for m in range(5))
    assert "less sharp" in said(blurred.astype(np.uint8))


def test_the_place_of_the_scene_is_told_in_bins():
    usual = habits()

    def place(down, right):
        found = []
        for seed in range(50, 60):
            moved = np.roll(edged(part(seed)), (down, right), (0, 1))
            found.append((measure(*SQUARE.apply(moved)).lines * usual.templates).sum(axis=1))
        return np.mean(found, axis=0)

    home = place(0, 0)
    assert place(1, 0)[0] > home[0] + 0.3 > place(-1, 0)[0] + 0.6
    assert place(0, 1)[1] > home[1] + 0.3 > place(0, -1)[1] + 0.6


def test_habits_are_those_of_one_picture_too():
    for shape in ((1, 1), (3, 500), (48, 48)):
        pixels = np.full((*shape, 3), 90, np.uint8)
        usual = reference_statistics([measure(*Preparation((48, 48)).apply(pixels))])
        assert usual.values.shape == (1, len(MEASURES))
        assert usual.templates.shape == (2, BINS)
        assert usual.unusual(usual.values[0]) == []


COLOR_CHANGES = {
    "none": (lambda pixels: pixels, None),
    "exchanged": (lambda pixels: pixels[..., ::-1].copy(), ("red and blue exchanged", "cap-0")),
    "grey": (
        lambda pixels: np.repeat(pixels.mean(axis=2, keepdims=True), 3, 2).astype(np.uint8),
        ("less colourful than the training pictures (is the camera set to grey?)", "cap-0"),
    ),
}


@pytest.fixture(scope="module")
def caps(tiny):
    """An inspector of rendered caps, and later pictures of them: each with light of its own."""
    rendered = [render("cap", seed).pixels.astype(float) for seed in range(3)]
    rng = np.random.default_rng(5)
    shots = [
        rendered[k % 3] * rng.normal(1, 0.02) + rng.normal(0, 2, rendered[0].shape)
        for k in range(70)
    ]
    pictures = [np.clip(shot, 0, 255).astype(np.uint8) for shot in shots]
    return fit(pictures[:40], backbone=tiny, preparation=SQUARE, calibration="split"), pictures[40:]


@pytest.mark.parametrize("change", COLOR_CHANGES)
def test_exchanged_and_missing_colours_are_a_change_of_the_scene(caps, change, tmp_path):
    (inspector, later), (turn, told) = caps, COLOR_CHANGES[change]
    monitor = DriftMonitor(inspector, tmp_path / "state.json")
    alarms = []
    for number, pixels in enumerate(later):
        picture = Picture(f"cap-{number}", turn(pixels))
        if alarm := monitor.update(picture, inspector.inspect(picture)):
            alarms.append(alarm)
    assert bool(alarms) == bool(told)
    if told:
        assert told[0] in alarms[0]["change"]
        assert told[0] in inspector.inspect(turn(later[0])).note, "each picture tells it as well"
    else:
        assert all("colour" not in inspector.inspect(pixels).note for pixels in later)


def test_a_file_without_colours_is_watched_as_before(caps, tmp_path):
    inspector, later = caps
    full = inspector.habits
    known = {"fp32": full.held_out["fp32"][:, :8]}
    old = ReferenceStatistics(full.values[:, :5], full.templates, known)
    save(replace(inspector, habits=old), tmp_path / "old.golden")
    opened = load(tmp_path / "old.golden")
    assert opened.habits.good_values("fp32").shape[1] == 8
    swapped = Picture("swapped", later[0][..., ::-1].copy())
    inspection = opened.inspect(swapped)
    assert inspection.note == ""
    monitor = DriftMonitor(opened, tmp_path / "state.json")
    assert monitor.update(swapped, inspection) is None
    monitor.save()
    assert DriftMonitor(opened, tmp_path / "state.json").update(swapped, inspection) is None
    taught = learn(opened, [swapped], Note("2026-01-01T00:00:00Z", ""))
    save(taught, tmp_path / "taught.golden")
    assert load(tmp_path / "taught.golden").habits.values.shape[1] == 5


def test_wrong_habits_are_refused():
    usual = habits(3)
    with pytest.raises(ValueError, match="must have float64 columns each"):
        ReferenceStatistics(usual.values[:, :2], usual.templates)
    with pytest.raises(ValueError, match="must be finite"):
        ReferenceStatistics(usual.values * np.nan, usual.templates)
    with pytest.raises(ValueError, match="must be two"):
        ReferenceStatistics(usual.values, usual.templates[:1])


@pytest.fixture(scope="module")
def fitted(tiny, good_parts, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("watched")
    save(
        fit(good_parts, backbone=tiny, preparation=SQUARE, calibration="split"), folder / "a.golden"
    )
    for k in range(60):
        light = 1.0 if k < 20 else 0.8
        pixels = (part(1000 + k) * light).astype(np.uint8)
        (folder / "line").mkdir(exist_ok=True)
        Image.fromarray(pixels).save(folder / "line" / f"{k:04d}.png")
    return folder


def test_a_file_keeps_habits(fitted, good_parts):
    inspector = load(fitted / "a.golden")
    known = inspector.habits.held_out["fp32"]
    assert known.shape == (19, len(WATCHED))
    assert inspector.habits.values.shape == (21, len(MEASURES))
    assert inspector.habits.good_values("fp32").shape == (40, len(WATCHED))
    assert inspector.habits.good_values("bf16") is None
    save(inspector, fitted / "b.golden")
    assert (fitted / "a.golden").read_bytes() == (fitted / "b.golden").read_bytes()
    dark = inspector.inspect((good_parts[0] * 0.4).astype(np.uint8))
    assert "darker" in dark.note


def test_watch_goes_on_from_run_to_run(fitted, tmp_path):
    names = sorted((fitted / "line").iterdir())
    whole = golden(
        "inspect", fitted / "a.golden", *names, "--watch", tmp_path / "whole.json", "--json"
    )
    assert whole.returncode == 0
    scenes = [json.loads(line)["scene"] for line in whole.stdout.splitlines()]
    alarms = [(k, scene) for k, scene in enumerate(scenes) if scene]
    assert 20 < alarms[0][0] < 55
    said = alarms[0][1]
    assert said["change"] == "darker than the training pictures"
    assert said["since"] <= "0025.png"
    assert f"the scene has changed since {said['since']}: darker" in whole.stderr
    for part_of in (names[:25], names[25:]):
        done = golden(
            "inspect", fitted / "a.golden", *part_of, "--watch", tmp_path / "parts.json", "--json"
        )
        assert done.returncode == 0
    one, two = (json.loads((tmp_path / f"{n}.json").read_text()) for n in ("whole", "parts"))
    assert one == two


def test_a_wrong_state_is_refused(fitted, tmp_path):
    one = fitted / "line/0000.png"
    for text in ("[]", "{", '{"of": 1}', "null"):
        (tmp_path / "state.json").write_text(text)
        done = golden("inspect", fitted / "a.golden", one, "--watch", tmp_path / "state.json")
        assert done.returncode == 2
        assert "must be what --watch wrote" in done.stderr
    (tmp_path / "state.json").unlink()
    golden("inspect", fitted / "a.golden", one, "--watch", tmp_path / "state.json")
    state = json.loads((tmp_path / "state.json").read_text())
    (tmp_path / "state.json").write_text(json.dumps(state | {"of": "another"}))
    done = golden("inspect", fitted / "a.golden", one, "--watch", tmp_path / "state.json")
    assert done.returncode == 2
    assert "must be of this fit" in done.stderr


def test_watch_needs_pictures_held_out(tiny, good_parts, fitted, tmp_path):
    save(fit(good_parts[:4], backbone=tiny, false_alarms=None), tmp_path / "a.golden")
    words = ("inspect", tmp_path / "a.golden", fitted / "line/0000.png", "--watch")
    done = golden(*words, tmp_path / "state.json")
    assert done.returncode == 2
    assert "--watch must have pictures held out" in done.stderr


def test_strict_input_refuses_what_cannot_be_judged(fitted, tmp_path):
    Image.fromarray(part(3)).save(tmp_path / "good.png")
    Image.fromarray((part(4) * 0.3).astype(np.uint8)).save(tmp_path / "night.png")
    plain = golden("inspect", fitted / "a.golden", tmp_path, "--json")
    assert plain.returncode == 0
    strict = golden("inspect", fitted / "a.golden", tmp_path, "--json", "--strict-input")
    assert strict.returncode == 2
    before, after = ([json.loads(x) for x in r.stdout.splitlines()] for r in (plain, strict))
    assert before[0] == after[0], "a check changes no score"
    assert "darker" in before[1]["note"]
    assert "night.png must be like the training pictures" in after[1]["error"]
