"""`golden learn`, `forget`, `history`, `revert`: files change as a whole, one change at a time."""

import json
import sys

import numpy as np
import pytest
from commands import golden
from conftest import part
from picture_files import save_picture

from goldensample import load
from goldensample.storage.lock import lock_file


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Good pictures, and odd ones that are good as well."""
    root = tmp_path_factory.mktemp("pictures")
    for k in range(40):
        save_picture(root / "good" / f"{k:03d}.png", part(k))
        save_picture(root / "more" / f"m{k:03d}.png", part(300 + k))
    for k in range(3):
        save_picture(root / "odd" / f"odd{k}.png", part(200 + k, defect=True))
    return root


@pytest.fixture(scope="module")
def fresh(pictures, tiny_file):
    done = golden(
        "fit", pictures / "good", "-o", pictures / "fresh.golden", "--backbone",
        f"onnx:{tiny_file}", "--size", "48",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return (pictures / "fresh.golden").read_bytes()


@pytest.fixture
def file(fresh, tmp_path):
    (tmp_path / "part.golden").write_bytes(fresh)
    return tmp_path / "part.golden"


def verdicts(file, pictures) -> list[str]:
    lines = golden("inspect", file, pictures / "odd", "--json").stdout.splitlines()
    return [json.loads(line)["verdict"] for line in lines]


def test_a_false_alarm_is_learned_and_forgotten(file, pictures):
    assert verdicts(file, pictures) == ["defect"] * 3
    done = golden("learn", file, pictures / "odd", "--reason", "new supplier")
    assert done.returncode == 0, done.stderr
    assert "revision 1, learned 3 pictures" in done.stdout
    assert verdicts(file, pictures) == ["good"] * 3
    said = json.loads(golden("forget", file, "odd2.png", "--json").stdout)
    assert (said["revision"], said["limits_hold"]) == (2, True)
    back = golden("revert", file, 0)
    assert "revision 3, as revision 0 left it" in back.stdout
    assert verdicts(file, pictures) == ["defect"] * 3
    told = golden("history", file).stdout.splitlines()
    assert [line.split()[0] for line in told] == ["0", "1", "2", "3"]
    assert "learn" in told[1]
    assert "odd0.png, odd1.png, odd2.png" in told[1]
    assert told[1].endswith("(new supplier)")
    assert "revert     to 0" in told[3]
    listed = [json.loads(line) for line in golden("history", file, "--json").stdout.splitlines()]
    assert [one["parent"] for one in listed] == [-1, 0, 1, 0]
    assert len({one["sha256"] for one in listed}) == 4
    info = json.loads(golden("info", file, "--json").stdout)
    assert (info["revision"], info["pictures"], info["radius_known"]) == (3, 21, True)
    assert golden("info", file).returncode == 0


def test_limits_are_set_anew(file, pictures):
    name = load(file).pictures[0].name
    done = golden("forget", file, name)
    assert "no rate of false alarms is known" in done.stderr
    assert json.loads(golden("info", file, "--json").stdout)["limits_hold"] is False
    assert "set on 19 good pictures for 5 % of them, and changed since by forget on 20" in (
        golden("info", file).stdout
    )
    more = ("learn", file, "--calibrate", pictures / "more")
    done = golden(*more, "--json", "--review", "20%")
    assert json.loads(done.stdout)["limits_hold"] is True, done.stderr
    assert load(file).threshold.held_out == 40
    before = load(file).thresholds
    assert golden(*more).returncode == 0
    assert load(file).thresholds == before, "the rates asked for last are kept, in every precision"
    assert before[load(file).backbone.precision].review_rate == 0.2
    done = golden(*more, "--false-alarms", "25%")
    assert "the limit for review goes" in done.stderr
    assert load(file).threshold.review is None


def test_mistakes_change_nothing(file, pictures):
    before, known = file.read_bytes(), load(file).pictures[0].name
    for words, message in (
        (("learn", file), "got neither"),
        (("learn", file, pictures / "good" / known), f"{known} is known already"),
        (("forget", file, "nobody.png"), "nobody.png is not"),
        (("revert", file, 7), "in 0 to 0; got 7"),
        (("learn", file.with_name("none.golden"), pictures / "odd"), "there is none"),
    ):
        done = golden(*words)
        assert message in done.stderr
        assert done.returncode == 2
        assert file.read_bytes() == before
    assert not file.with_name(".none.golden.lock").exists()


def test_one_change_at_a_time(file, pictures):
    with lock_file(file):
        done = golden("learn", file, pictures / "odd")
    assert done.returncode == 2
    assert "one at a time" in done.stderr
    assert golden("learn", file, pictures / "odd").returncode == 0


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is of POSIX")
def test_killed_at_any_moment(file, pictures):
    """The old or the new file is there, whole, and the lock is free."""
    before = file.read_bytes()
    for wait_s in np.linspace(0.05, 0.6, 12):
        golden("learn", file, pictures / "odd", killed_after_s=float(wait_s))
        found = load(file)
        assert found.journal is not None or file.read_bytes() == before
        with lock_file(file):
            file.write_bytes(before)


def test_another_picture_of_a_known_name_is_learned(file, pictures, tmp_path):
    """Cameras count anew each day; the same picture is known already all the same."""
    known = load(file).pictures[0].name
    for day, source in enumerate(("odd/odd0.png", "odd/odd1.png")):
        (tmp_path / f"day{day}").mkdir()
        (tmp_path / f"day{day}" / known).write_bytes((pictures / source).read_bytes())
    stem = known.removesuffix(".png")
    for day in range(2):
        done = golden("learn", file, tmp_path / f"day{day}" / known, "--json")
        assert done.returncode == 0, done.stderr
        name = f"{stem} ({day + 2}).png"
        assert json.loads(done.stdout)["names"] == [name]
        assert f"another {known} is known already, so this one was learned as {name}" in done.stderr
    for path, used in ((pictures / "good" / known, known), (tmp_path / "day1" / known, name)):
        again = golden("learn", file, path)
        assert again.returncode == 2
        assert f"{used} is known already" in again.stderr
    assert golden("forget", file, name).returncode == 0
    assert golden("learn", file, tmp_path / "day1" / known).returncode == 0
