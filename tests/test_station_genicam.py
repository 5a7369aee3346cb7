"""GenICam cameras, by the virtual ones that come with the package genicam."""

import os
import signal
import subprocess
import threading
from pathlib import Path

import numpy as np
import pytest
from commands import check_printed, golden
from genicam_parts import virtual_producer
from output_parts import connection
from station_parts import run_station, wait

from goldensample.station.inputs.camera_source import CameraSource
from goldensample.station.inputs.frame import CameraError, DamagedFrame, Frame, with_missing
from goldensample.station.inputs.genicam import GenicamCamera
from goldensample.station.inputs.genicam_address import GenicamAddress, parse_genicam


def records(client) -> list[dict]:
    return client.get("/api/records", params={"limit": 1000}).json()["records"][::-1]


def processes(url: str) -> list[int]:
    """Return the processes that hold a camera."""
    found = subprocess.run(
        ["pgrep", "-f", f"genicam_process {url}"], capture_output=True, text=True
    )
    return [int(line) for line in found.stdout.split()]


def test_addresses():
    url = "genicam:22%2F7?exposure=1200.5&gain=3&pixel-format=Mono12p&trigger=Line1"
    assert parse_genicam(url) == GenicamAddress("22/7", 1200.5, 3.0, "Mono12p", "Line1")
    assert parse_genicam("genicam:") == GenicamAddress("")
    assert CameraSource("genicam:7?gain=1").shown_name == "genicam:7"
    assert CameraSource(url).has_line
    assert not CameraSource("genicam:7?trigger=Software").has_line
    for bad in ("?exposur=3", "?exposure=bright", "?gain=", "?gain=1&gain=2", "?gain"):
        with pytest.raises(ValueError, match="--camera must be genicam:SERIAL"):
            parse_genicam(f"genicam:1{bad}")


def test_virtual_cameras_are_judged_triggered_and_reopened(product, tmp_path):
    producer = virtual_producer()
    cameras = ["--camera", "red=genicam:0", "--camera", "green=genicam:1?pixel-format=Mono8"]
    options = [*cameras, "--producer", str(producer), "--every", "0"]
    with run_station(tmp_path / "kept", [product], *options) as station:
        names = [one["camera"] for one in station.client.get("/api/cameras").json()]
        assert names == ["red", "green"]
        assert connection(station.client, "camera")["words"] == "waits for a trigger"
        red = station.client.post("/api/cameras/red/trigger").json()
        green = station.client.post("/api/cameras/green/trigger").json()
        assert (red["height"], red["width"], red["source"]) == (400, 400, "camera")
        assert red["verdict"] in ("good", "review", "defect")
        facts = red["frame"]
        assert (facts["trigger"], facts["camera"], facts["pixel_format"]) == ("http", "0", "RGBa8")
        assert facts["frame"] > 0
        assert green["frame"]["pixel_format"] == "Mono8"
        assert [one["id"] for one in records(station.client)] == [red["id"], green["id"]]
        answer = station.client.post("/api/cameras/blue/trigger")
        assert answer.status_code == 404
        assert "(red, green)" in answer.json()["error"]
        [victim] = processes("genicam:0")
        os.kill(victim, signal.SIGKILL)  # as when a driver crashes
        wait(lambda: connection(station.client, "camera")["state"] == "trouble")
        answer = station.client.post("/api/cameras/red/trigger")
        assert answer.status_code == 503
        assert "has crashed" in answer.json()["error"]
        assert records(station.client)[-1]["verdict"] == "error"
        assert station.client.post("/api/cameras/green/trigger").status_code == 200
        wait(lambda: processes("genicam:0"))
        again = wait_for_record(station.client, "red")
        assert again["frame"]["frame"] > 0
        assert connection(station.client, "camera")["state"] == "working"
    assert not processes("genicam:")


def wait_for_record(client, camera: str) -> dict:
    """Trigger a camera until it is open again."""

    def poll() -> dict | None:
        answer = client.post(f"/api/cameras/{camera}/trigger")
        return answer.json() if answer.status_code == 200 else None

    return wait(poll)


def test_frames_come_at_their_interval_and_a_killed_station_lets_the_camera_go(product, tmp_path):
    producer = virtual_producer()
    options = ["--camera", "genicam:2", "--producer", str(producer), "--every", "0.2"]
    with run_station(tmp_path / "kept", [product], *options) as station:
        wait(lambda: len(records(station.client)) >= 5)
        numbers = [one["frame"]["frame"] for one in records(station.client)]
        assert numbers == sorted(set(numbers))
        assert processes("genicam:2")
        station.kill()
    wait(lambda: not processes("genicam:2"))


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("genicam:9", r"one camera by its serial number \(0, 1, 2\)"),
        ("genicam:", r"it names none"),
        ("genicam:0?exposure=5", "it has none; leave exposure out"),
        ("genicam:0?trigger=Line1", "it has none; leave trigger out"),
        ("genicam:0?pixel-format=Mono12", "it knows RGBa8, Mono8"),
    ],
)
def test_what_a_camera_lacks_is_said(url, words):
    with pytest.raises(CameraError, match=words):
        next(iter(GenicamCamera(url, 1.0, threading.Event(), [virtual_producer()])))


def test_a_frame_that_is_lost_after_a_signal_is_answered_as_damaged():
    """As the camera's numbers tell; those that begin anew tell nothing."""

    def numbers(*given: int | None) -> list[str]:
        pixels = np.zeros((1, 1), np.uint8)
        frames = [
            DamagedFrame(b"", "cut") if n is None else Frame(pixels, {"frame": n}) for n in given
        ]
        found = with_missing(frames)
        return [
            one.reason if isinstance(one, DamagedFrame) else str(one.facts["frame"])
            for one in found
        ]

    lost = "it did not arrive at all (before frame 5)"
    assert numbers(1, 2, 3) == ["1", "2", "3"]
    assert numbers(2, 5, 6) == ["2", lost, lost, "5", "6"]
    assert numbers(2, None, 4) == ["2", "cut", "4"], "it was answered already"
    assert numbers(2, None, 5) == ["2", "cut", lost, "5"]
    assert numbers(65_535, 1, 900_000) == ["65535", "1", "900000"]
    pixels = np.zeros((1, 1), np.uint8)
    assert len(list(with_missing([Frame(pixels), Frame(pixels)]))) == 2, "without numbers"


def test_golden_cameras_says_each_step(tmp_path, monkeypatch):
    producer = virtual_producer()
    monkeypatch.delenv("GENICAM_GENTL64_PATH", raising=False)
    done = golden("cameras")
    assert done.returncode == 1
    assert "GENICAM_GENTL64_PATH is not set; install the camera maker's software" in done.stdout
    monkeypatch.setenv("GENICAM_GENTL64_PATH", str(producer.parent))
    done = golden("cameras", "genicam:1", "-o", tmp_path / "frame.png")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("device") == 3
    assert "400 rows, 400 columns" in done.stdout
    assert (tmp_path / "frame.png").read_bytes().startswith(b"\x89PNG")
    printed = check_printed("cameras", "genicam:1", told="400행, 400열")
    assert "모든 드라이버를 쓸 수 있습니다" in printed
    (tmp_path / "bad.cti").write_text("no driver")
    done = golden("cameras", "--producer", tmp_path / "bad.cti")
    assert done.returncode == 1
    assert "WRONG loads" in done.stdout
    done = golden("cameras", "genicam:0?exposure=3")
    assert done.returncode == 1
    assert "leave exposure out" in done.stdout


def test_a_video_takes_no_triggers(product, tmp_path):
    (tmp_path / "line.mkv").write_bytes(b"")
    with (
        pytest.raises(AssertionError, match="--every must be above 0 for a video file"),
        run_station(
            tmp_path / "kept",
            [product],
            "--camera",
            str(Path(tmp_path, "line.mkv")),
            "--every",
            "0",
        ),
    ):
        pass
