"""Pictures that appear in a folder, and frames of a video, are inspected once each."""

import io
import os
import threading
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from conftest import part
from PIL import Image
from starlette.testclient import TestClient
from station_parts import open_station, picture, run_station, wait

from goldensample.station import troubles
from goldensample.station.connections import Connections, connect
from goldensample.station.inputs import watched_folder
from goldensample.station.inputs.folder_listing import FolderChanges
from goldensample.station.inputs.frames import read_frames


def records(client) -> list[dict]:
    return client.get("/api/records", params={"limit": 1000}).json()["records"]


def names(client, count: int) -> list[str]:
    """Return the sorted names of all records when there are so many."""
    wait(lambda: len(records(client)) >= count)
    return sorted(one["name"] for one in records(client))


def told(client, action: str) -> list[str]:
    changes = client.get("/api/changes").json()["changes"]
    return [one["words"] for one in changes if one["action"] == action]


def test_a_watched_folder_is_judged_once_across_restarts(product, tmp_path):
    folder = tmp_path / "line"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.png").write_bytes(picture(300))
    kept = tmp_path / "kept"
    with run_station(kept, [product], "--watch", str(folder)) as station:
        (folder / "sub" / "b.png").write_bytes(picture(301, defect=True))
        assert names(station.client, 2) == ["a.png", "sub/b.png"]
        found = {one["name"]: one for one in records(station.client)}
        assert found["sub/b.png"]["verdict"] == "defect"
        assert found["a.png"]["source"] == "folder"
    with run_station(kept, [product], "--watch", f"part={folder}") as station:
        (folder / "a.png").write_bytes(picture(302))  # another picture under the same name
        assert names(station.client, 3) == ["a.png", "a.png", "sub/b.png"]
        (folder / "sub" / "c.png").write_bytes(picture(303))  # when it is judged, all were seen
        assert names(station.client, 4) == ["a.png", "a.png", "sub/b.png", "sub/c.png"]
    assert (folder / "sub" / "b.png").exists()


@pytest.fixture
def watching(product, tmp_path, monkeypatch) -> Iterator[tuple[TestClient, Path]]:
    """A station that takes files of a folder for complete very soon, and the folder."""
    folder = tmp_path / "line"
    folder.mkdir()
    monkeypatch.setattr(watched_folder, "SETTLE_S", 0.02)
    monkeypatch.setattr(watched_folder, "GIVE_UP_S", 0.5)
    with open_station(tmp_path / "kept", product) as client:
        connect(client.app.state.station, Connections(watch=[str(folder)]))
        yield client, folder


def test_files_that_are_being_written_are_left_alone(watching, monkeypatch):
    client, folder = watching
    monkeypatch.setattr(watched_folder, "GIVE_UP_S", 10**9)  # however long the writing takes
    parts: dict[str, list[bytes]] = {}
    for ending in ("bmp", "jpg", "pgm", "png", "tif"):  # some have their size before their pixels
        image = Image.open(io.BytesIO(picture(303)))
        kept = image.convert("L") if ending == "pgm" else image
        kept.save(buffer := io.BytesIO(), Image.registered_extensions()[f".{ending}"])
        data, step = buffer.getvalue(), len(buffer.getvalue()) // 3 + 1
        parts[f"slow.{ending}"] = [
            data[start : start + step] for start in range(0, len(data), step)
        ]
    for number in range(3):
        assert not records(client)
        for name, pieces in parts.items():
            with open(folder / name, "ab") as file:
                file.write(pieces[number])
        time.sleep(0.4 if number < 2 else 0)  # they are looked at, changed and unchanged
    assert names(client, 5) == sorted(parts)
    assert "error" not in {one["verdict"] for one in records(client)}
    assert not told(client, "refused")


def test_a_file_that_never_becomes_a_picture_is_told_once(watching, tmp_path):
    client, folder = watching
    (folder / "cut.png").write_bytes(picture(304)[:300])
    (folder / "empty.png").write_bytes(b"")
    wait(lambda: len(told(client, "refused")) == 2)
    (folder / "good.png").write_bytes(picture(305))  # when it is judged, the others were seen again
    assert names(client, 3) == ["cut.png", "empty.png", "good.png"]
    assert [one["verdict"] for one in records(client)] == ["good", "error", "error"]
    words = " ".join(told(client, "refused"))
    assert words.count("cut.png") == words.count("empty.png") == 1
    assert str(tmp_path) not in words


def test_another_picture_of_the_same_size_and_time_is_judged(watching):
    client, folder = watching
    path = folder / "a.bmp"
    Image.fromarray(part(310)).save(path)
    status = path.stat()
    assert names(client, 1) == ["a.bmp"]
    Image.fromarray(part(311, defect=True)).save(path)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert path.stat().st_size == status.st_size
    assert names(client, 2) == ["a.bmp", "a.bmp"]
    assert [one["verdict"] for one in records(client)] == ["defect", "good"]
    path.chmod(0o600)  # no other picture
    (folder / "b.png").write_bytes(picture(312))
    assert names(client, 3) == ["a.bmp", "a.bmp", "b.png"]


def test_a_name_that_is_no_text_is_judged_too(watching):
    client, folder = watching
    for name, data in ((b"a\xff.png", picture(310)), (b"b\xfe.png", b"no picture")):
        try:
            (folder / os.fsdecode(name)).write_bytes(data)
        except OSError:
            pytest.skip("files here must have names of valid text")
    (folder / "c.png").write_bytes(picture(311))
    assert names(client, 3) == ["a\\udcff.png", "b\\udcfe.png", "c.png"]


def test_a_file_with_another_ending_is_counted_and_said(watching):
    client, folder = watching
    for number in range(5):
        (folder / f"sheet{number}.pdf").write_bytes(b"%PDF")
        (folder / ".hidden").write_bytes(b"")
    wait(lambda: told(client, "left out"))
    [source] = client.app.state.station._inputs
    words = "5 files (sheet0.pdf, sheet1.pdf, sheet2.pdf and 2 more) left out by the ending"
    wait(lambda: words in source.state().words)
    assert source.state().state == "waiting"
    assert len(told(client, "left out")) == 1


def test_pictures_that_may_show_no_part_are_judged_counted_and_said(watching, monkeypatch):
    client, folder = watching
    monkeypatch.setattr(troubles, "AMEND_S", 0.0)
    (folder / "a.png").write_bytes(picture(320))
    assert names(client, 1) == ["a.png"]
    Image.fromarray(part(320)).save(folder / "copy.bmp")
    mask = np.zeros((48, 48), np.uint8)
    mask[:9] = 255
    Image.fromarray(mask).save(folder / "b_mask.png")
    assert names(client, 3) == ["a.png", "b_mask.png", "copy.bmp"]
    [source] = client.app.state.station._inputs
    wait(lambda: "1 file (b_mask.png) with fewer than 32" in source.state().words)
    (folder / "b.png").write_bytes(picture(321))  # now it is known for a mask
    for number in range(2):
        Image.new("L", (48, 48), 99 + number).save(folder / f"grey{number}.png")
    expected = {
        "equal": "1 file (copy.bmp) the same, pixel by pixel",
        "masks": "1 file (b_mask.png) inspected, though they look like masks",
        "single value": "2 files (grey0.png, grey1.png) of a single value",
    }
    for kind, words in expected.items():
        wait(lambda kind=kind, words=words: any(words in line for line in told(client, kind)))
        assert len(told(client, kind)) == 1
    [health] = client.get("/api/health").json()["connections"]
    assert all(words in health["words"] for words in expected.values())
    assert "fewer than 32" not in health["words"]
    assert len(names(client, 6)) == 6


def test_files_that_an_earlier_version_has_inspected_are_known(product, tmp_path):
    folder = tmp_path / "line"
    folder.mkdir()
    (folder / "old.png").write_bytes(picture(313))
    with open_station(tmp_path / "kept", product) as client:
        station, status = client.app.state.station, (folder / "old.png").stat()
        stamp = f"{status.st_size}:{status.st_mtime_ns}"
        station.ledger.refuse_file(str(folder / "old.png"), stamp, None)
        connect(station, Connections(watch=[str(folder)]))
        (folder / "new.png").write_bytes(picture(314))
        assert names(client, 1) == ["new.png"]


def video(path: Path, seconds: int, rate: int = 5) -> None:
    """Write a video in which a part shows a defect from the middle on; nothing is lost in it."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=rate)
        stream.width, stream.height, stream.pix_fmt = 48, 48, "bgr0"
        stream.time_base = Fraction(1, rate)
        for number in range(seconds * rate):
            late = number >= seconds * rate // 2
            frame = av.VideoFrame.from_ndarray(part(400, defect=late), format="rgb24")
            for packet in stream.encode(frame):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)


def test_frames_of_a_video_are_judged_at_their_times(product, tmp_path):
    assert part(400).shape == (48, 48, 3)
    path = tmp_path / "line.mkv"
    video(path, seconds=6)
    options = ["--camera", str(path), "--every", "1"]
    with run_station(tmp_path / "kept", [product], *options) as station:
        wait(lambda: any("ended" in words for words in told(station.client, "camera")))
        wait(lambda: len(records(station.client)) >= 6)
        found = records(station.client)[::-1]
        assert [one["source"] for one in found] == ["camera"] * 6
        assert [one["verdict"] for one in found] == ["good"] * 3 + ["defect"] * 3
        stored = station.client.get(f"/api/records/{found[0]['id']}/picture").content
        assert stored.startswith(b"\xff\xd8")


def test_a_camera_that_is_away_is_told_without_its_password(product, tmp_path):
    url = "rtsp://user:secret@127.0.0.1:9/none"
    with run_station(tmp_path / "kept", [product], "--camera", url) as station:
        wait(lambda: told(station.client, "camera"))
        assert "secret" not in told(station.client, "camera")[0]


def test_frames_are_chosen_by_the_clock_of_the_stream(tmp_path):
    path = tmp_path / "line.mkv"
    video(path, seconds=2)
    assert len(list(read_frames(str(path), 0.5, threading.Event()))) == 4
    first = next(read_frames(str(path), 0.2, threading.Event()))
    assert np.array_equal(first.pixels, part(400))


@pytest.mark.parametrize("form", ["relative", "link", "whole"])
def test_events_are_understood_in_whatever_form_the_folder_was_given(tmp_path, monkeypatch, form):
    (tmp_path / "in/.hidden").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "in")
    monkeypatch.chdir(tmp_path)
    forms = {"relative": Path("in"), "link": tmp_path / "link", "whole": tmp_path / "in"}
    folder = forms[form]
    changes = FolderChanges(folder, 0.1)
    assert changes.next() == ([], True)
    changes._next_list = float("inf")  # events alone
    found: list[Path] = []

    def arrived() -> bool:
        found.extend(changes.next()[0])
        return folder / "a.png" in found

    (tmp_path / "in/.hidden/b.png").write_bytes(b"")
    (tmp_path / "in/a.png").write_bytes(b"")
    wait(arrived)
    assert set(found) == {folder / "a.png"}


def test_a_relative_folder_is_watched_and_an_error_of_ours_is_told(product, tmp_path, monkeypatch):
    (tmp_path / "in").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(watched_folder, "POLL_S", 0.02)
    with open_station(tmp_path / "kept", product) as client:
        connect(client.app.state.station, Connections(watch=["in"]))
        Image.fromarray(part(7)).save(tmp_path / "in/7.png")
        assert names(client, 1) == ["7.png"]
        (watch,) = client.app.state.station._inputs
        monkeypatch.setattr(watch, "_sort", None)
        wait(lambda: client.get("/api/health").json()["troubles"])
        (words,) = client.get("/api/health").json()["troubles"].values()
    assert "an error of golden itself" in words
