"""Parts from a watched folder: put together by name, judged once, and never left in silence."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from part_files import VIEWS, view_files
from starlette.testclient import TestClient
from station_parts import open_station, run_station, wait

from goldensample.station.connections import Connections, connect
from goldensample.station.inputs import watched_folder


@pytest.fixture
def line(tmp_path):
    folder = tmp_path / "line"
    folder.mkdir()
    return folder


@pytest.fixture
def watching(bracket, line, tmp_path, monkeypatch) -> Iterator[TestClient]:
    """A station that watches a folder for parts, and waits 3 s for the views of one."""
    monkeypatch.setattr(watched_folder, "SETTLE_S", 0.02)
    with open_station(tmp_path / "kept", bracket) as client:
        connections = Connections(watch=[f"bracket={line}"], part_wait_s=3.0)
        connect(client.app.state.station, connections)
        yield client


def write(folder: Path, serial: str, files: dict[str, bytes]) -> None:
    for view, data in files.items():
        (folder / f"{serial}_{view}.png").write_bytes(data)


def parts(client) -> list[dict]:
    """The parts that are answered, the oldest first."""
    found = client.get("/api/parts/bracket?limit=1000").json()["parts"][::-1]
    return [one for one in found if one["verdict"]]


def told(client, action: str) -> list[str]:
    changes = client.get("/api/changes").json()["changes"]
    return [one["words"] for one in changes if one["action"] == action]


def folder_state(client) -> dict:
    found = client.get("/api/health").json()["connections"]
    return next(one for one in found if one["kind"] == "folder")


def test_views_that_come_one_by_one_are_one_part(watching, line):
    files = view_files(3, "left")
    write(line, "A3", {"top": files["top"], "left": files["left"]})
    wait(lambda: folder_state(watching)["waiting"] == 2)
    assert parts(watching) == []
    write(line, "A3", {"under": files["under"]})
    [part] = wait(lambda: parts(watching))
    assert (part["serial"], part["verdict"], part["view"]) == ("A3", "defect", "left")
    assert part["source"] == "folder"
    views = watching.get(f"/api/parts/bracket/{part['id']}").json()["views"]
    assert list(views) == list(VIEWS)
    assert {one["source"] for one in views.values()} == {"folder"}
    assert views["left"]["name"] == "A3_left.png"
    assert folder_state(watching)["waiting"] == 0


def test_a_view_that_does_not_come_is_an_error_and_one_that_is_late_is_told(watching, line):
    begun = time.monotonic()
    write(line, "B1", view_files(20, without="left"))
    [part] = wait(lambda: parts(watching))
    assert time.monotonic() - begun > 2.5
    assert (part["serial"], part["verdict"]) == ("B1", "error")
    assert part["note"] == "view left missing"
    write(line, "B1", {"left": view_files(20)["left"]})
    [words] = wait(lambda: told(watching, "late"))
    assert words.startswith("view left of part B1 came ")
    assert f"answered without it (part {part['id']}); it is not judged" in words
    write(line, "B2", view_files(21))
    wait(lambda: len(parts(watching)) == 2)
    assert parts(watching)[1]["verdict"] == "good"
    assert len(watching.get("/api/records").json()["records"]) == 6
    write(line, "B2", view_files(22))  # the same names with other pictures: a part of its own
    wait(lambda: len(parts(watching)) == 3)
    assert len(told(watching, "late")) == 1


def test_two_pictures_of_a_view_are_an_error_never_a_guess(watching, line):
    files = view_files(20)
    write(line, "C1", {"top": files["top"]})
    wait(lambda: folder_state(watching)["waiting"] == 1)
    (line / "again").mkdir()
    write(line / "again", "C1", {"top": view_files(21)["top"]})
    time.sleep(0.5)
    write(line, "C1", {"left": files["left"], "under": files["under"]})
    [part] = wait(lambda: parts(watching))
    assert (part["verdict"], part["note"]) == ("error", "several pictures of view top")
    time.sleep(0.5)
    assert len(parts(watching)) == 1


def test_names_of_no_part_are_told_and_a_broken_view_is_an_error(watching, line, monkeypatch):
    monkeypatch.setattr(watched_folder, "GIVE_UP_S", 0.5)
    (line / "holiday.png").write_bytes(view_files(20)["top"])
    (line / "notes.txt").write_text("x")
    words = wait(
        lambda: "holiday.png" in folder_state(watching)["words"] and folder_state(watching)["words"]
    )
    assert "left out, as their names are not {serial}_{view} with a view top, left, under" in words
    assert "notes.txt" in words
    write(line, "D1", {**view_files(20), "under": b"no picture"})
    [part] = wait(lambda: parts(watching))
    assert part["verdict"] == "error"
    assert part["note"].startswith("view under: cannot read")


def test_parts_of_a_folder_are_judged_once_across_a_kill(bracket, line, tmp_path):
    kept = tmp_path / "kept"
    options = ("--watch", f"bracket={line}", "--part-wait", "60s")
    options = (*options, "--name-pattern", "{serial}/{view}")
    for number in range(12):
        (line / f"E{number}").mkdir()
        for view, data in view_files(20 + number, without="left" if number == 5 else "").items():
            (line / f"E{number}" / f"{view}.png").write_bytes(data)
    with run_station(kept, [bracket], *options) as station:
        wait(lambda: len(parts(station.client)) >= 3)
        station.kill()
    with run_station(kept, [bracket], *options) as station:
        wait(lambda: len(parts(station.client)) >= 11)
        (line / "E5" / "left.png").write_bytes(view_files(25)["left"])  # waited for, across it all
        wait(lambda: len(parts(station.client)) == 12)
        found = parts(station.client)
        assert sorted(one["serial"] for one in found) == sorted(f"E{k}" for k in range(12))
        assert "error" not in {one["verdict"] for one in found}
        records = station.client.get("/api/records?limit=1000").json()["records"]
        assert len(records) == 36, "none is half stored"


def test_a_wrong_pattern_or_time_is_refused_in_words(bracket, line, tmp_path):
    for options, words in (
        (("--name-pattern", "{serial}"), "a name pattern must have {serial} and {view}"),
        (("--part-wait", "soon"), "--part-wait must be a time such as 800ms or 1.5s"),
        (("--part-wait", "0s"), r"--part-wait must be in \(0, 3600\] seconds"),
        (("--watch", str(tmp_path)), r"--watch must name one of the products \(bracket, top"),
    ):
        with (
            pytest.raises(AssertionError, match=words),
            run_station(tmp_path / "k", [bracket], "--watch", f"bracket={line}", *options),
        ):
            pass
