"""Pictures that appear in a folder, and frames of a video, are inspected once each."""

import os
import time
from fractions import Fraction
from pathlib import Path

import av
import httpx
import numpy as np
import pytest
from conftest import part
from station_parts import picture, running, small_product


@pytest.fixture(scope="module")
def product(tiny, tmp_path_factory) -> Path:
    return small_product(tiny, tmp_path_factory.mktemp("product"))


def records(station) -> list[dict]:
    return httpx.get(f"{station.url}/api/records", params={"limit": 1000}).json()["records"]


def wait_for(station, count: int) -> list[dict]:
    for _ in range(300):
        if len(found := records(station)) >= count:
            return found
        time.sleep(0.1)
    raise AssertionError(f"{len(found)} records, not {count}")


def changes(station) -> list[dict]:
    return httpx.get(f"{station.url}/api/changes").json()["changes"]


def test_a_watched_folder_is_judged_once_across_restarts(product, tmp_path):
    folder = tmp_path / "line"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.png").write_bytes(picture(300))
    kept = tmp_path / "kept"
    with running(kept, [product], "--watch", str(folder)) as station:
        (folder / "sub" / "b.png").write_bytes(picture(301, defect=True))
        found = {one["name"]: one for one in wait_for(station, 2)}
        assert set(found) == {"a.png", "sub/b.png"}
        assert found["sub/b.png"]["verdict"] == "defect"
        assert found["a.png"]["source"] == "folder"
    with running(kept, [product], "--watch", f"part={folder}") as station:
        (folder / "a.png").write_bytes(picture(302))  # another picture under the same name
        assert [one["name"] for one in wait_for(station, 3)] == ["a.png", "sub/b.png", "a.png"] or (
            sorted(one["name"] for one in records(station)) == ["a.png", "a.png", "sub/b.png"]
        )
        time.sleep(2)
        assert len(records(station)) == 3
    assert (folder / "sub" / "b.png").exists()


def test_a_file_that_is_being_written_is_left_alone(product, tmp_path):
    folder = tmp_path / "line"
    folder.mkdir()
    data = picture(303)
    with running(tmp_path / "kept", [product], "--watch", str(folder)) as station:
        with open(folder / "slow.png", "wb") as file:
            for start in range(0, len(data), len(data) // 8 + 1):
                file.write(data[start : start + len(data) // 8 + 1])
                file.flush()
                os.fsync(file.fileno())
                assert not records(station)
                time.sleep(0.7)
        assert wait_for(station, 1)[0]["name"] == "slow.png"
        assert not any(one["action"] == "refused" for one in changes(station))


def test_a_file_that_never_becomes_a_picture_is_told_once(product, tmp_path):
    folder = tmp_path / "line"
    folder.mkdir()
    (folder / "cut.png").write_bytes(picture(304)[:300])
    with running(tmp_path / "kept", [product], "--watch", str(folder)) as station:
        for _ in range(200):
            if told := [one for one in changes(station) if one["action"] == "refused"]:
                break
            time.sleep(0.1)
        assert len(told) == 1
        assert "cut.png" in told[0]["words"]
        assert str(tmp_path) not in told[0]["words"]
        assert not records(station)


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
    with running(tmp_path / "kept", [product], *options) as station:
        found = wait_for(station, 6)[::-1]
        assert [one["source"] for one in found] == ["camera"] * 6
        assert [one["verdict"] for one in found] == ["good"] * 3 + ["defect"] * 3
        stored = httpx.get(f"{station.url}/api/records/{found[0]['id']}/picture").content
        assert stored.startswith(b"\xff\xd8")
        assert any("ended" in one["words"] for one in changes(station))


def test_a_camera_that_is_away_is_told_without_its_password(product, tmp_path):
    url = "rtsp://user:secret@127.0.0.1:9/none"
    with running(tmp_path / "kept", [product], "--camera", url) as station:
        for _ in range(200):
            if told := [one for one in changes(station) if one["action"] == "camera"]:
                break
            time.sleep(0.1)
        assert told
        assert "secret" not in told[0]["words"]


def test_frames_are_chosen_by_the_clock_of_the_stream(tmp_path):
    import threading

    from goldensample.station.camera import frames

    path = tmp_path / "line.mkv"
    video(path, seconds=2)
    assert len(list(frames(str(path), 0.5, threading.Event()))) == 4
    first = next(frames(str(path), 0.2, threading.Event()))
    assert np.array_equal(first, part(400))
