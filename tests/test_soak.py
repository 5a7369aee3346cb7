"""`golden soak`: what it measures, and what it calls a fault."""

import json

from conftest import part
from picture_files import save_picture
from typer.testing import CliRunner

import goldensample
from goldensample.cli.app import app
from goldensample.cli.soak import ROUNDS, Round, judge


def rounds(seconds=lambda k: 0.05, memory=lambda k: 3e8) -> list[Round]:
    return [Round(100, seconds(k), 2 * seconds(k), int(memory(k))) for k in range(ROUNDS)]


def test_what_grows_or_gets_slower_is_a_fault():
    assert judge(rounds()) == []
    assert judge(rounds(memory=lambda k: 3e8 if k > 8 else 1e8)) == []  # caches that fill
    assert judge(rounds(memory=lambda k: 3e8 + 2e6 * k)) == ["memory grew from 335 to 407 MB"]
    assert judge(rounds(seconds=lambda k: 0.05 + 0.001 * k)) == [
        "a picture took 67.5 ms and then 103.5"
    ]
    assert judge(rounds(seconds=lambda k: 0.5 if k == 40 else 0.05)) == []  # one slow round


def test_the_command_counts_what_it_inspects(tiny, good_parts, tmp_path):
    goldensample.save(
        goldensample.fit(good_parts[:12], backbone=tiny, false_alarms=None), tmp_path / "a.golden"
    )
    save_picture(tmp_path / "new.png", part(40))
    words = ["soak", tmp_path / "a.golden", tmp_path / "new.png", "--hours", "0.0005", "--json"]
    done = CliRunner().invoke(app, list(map(str, words)))
    values = json.loads(done.stdout.splitlines()[-1])
    assert done.exit_code == int(bool(values["faults"]))
    assert len(values["rounds"]) == ROUNDS
    for one in values["rounds"]:
        assert one["pictures"] >= 1
        assert 0 < one["seconds"] <= one["slowest"]
        assert one["memory"] > 1e7
