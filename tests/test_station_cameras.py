"""A camera's frame is whole, new and on time, or it is not judged."""

import threading
import time
from pathlib import Path

import av
import numpy as np
import pytest
from camera_parts import jpeg, jpeg_camera
from station_parts import open_station, wait

from goldensample.station.connections import Connections, connect
from goldensample.station.inputs import camera, frames, frozen
from goldensample.station.inputs.camera_options import parse_camera, parse_camera_options
from goldensample.station.inputs.camera_source import CameraSource
from goldensample.station.inputs.ffmpeg_options import is_option
from goldensample.station.inputs.frame import DamagedFrame, Frame, FrameClock
from goldensample.station.inputs.frames import read_frames


def records(client) -> list[dict]:
    return client.get("/api/records", params={"limit": 1000}).json()["records"][::-1]


def told(client, action: str = "camera") -> list[str]:
    changes = client.get("/api/changes").json()["changes"]
    return [one["words"] for one in changes if one["action"] == action]


def judged(path: Path, every_s: float) -> list[str]:
    found = read_frames(str(path), every_s, threading.Event())
    return ["damaged" if isinstance(one, DamagedFrame) else "whole" for one in found]


@pytest.fixture
def client(product, tmp_path):
    with open_station(tmp_path / "kept", product) as client:
        yield client


def join(client, *cameras: str, every_s: float = 0.001, options=()) -> None:
    connections = Connections(cameras=cameras, every_s=every_s, camera_options=options)
    connect(client.app.state.station, connections)


def ended(client) -> None:
    wait(lambda: any("has ended" in words for words in told(client)))


@pytest.mark.parametrize("kept", [0.6, 0.9, 0.9999])
def test_a_jpeg_cut_short_is_not_concealed(client, tmp_path, kept):
    first, second, third = jpeg(1), jpeg(2, defect=True), jpeg(3)
    cut = second[: int(len(second) * kept)]
    (tmp_path / "cut.mjpeg").write_bytes(first + third + cut + third + first)
    join(client, str(tmp_path / "cut.mjpeg"))
    ended(client)
    wait(lambda: len(records(client)) == 5)
    verdicts = [one["verdict"] for one in records(client)]
    assert verdicts == ["good", "good", "error", "good", "good"]
    assert "must arrive whole" in records(client)[2]["note"]
    assert any("damaged frames" in words for words in told(client))


def test_a_jpeg_cut_within_its_header_is_damaged_and_the_stream_goes_on(tmp_path):
    """FFmpeg takes what is left of the header and the frame after it for one frame."""
    path = tmp_path / "cut.mjpeg"
    first, second, third = jpeg(1), jpeg(2, defect=True), jpeg(3)
    path.write_bytes(first + second + third)
    sound = [one.pixels.tobytes() for one in read_frames(str(path), 0.001, threading.Event())]
    for length in range(21, second.index(b"\xff\xda"), 14):
        path.write_bytes(first + second[:length] + third + first + third)
        found = list(read_frames(str(path), 0.001, threading.Event()))
        damaged = [isinstance(one, DamagedFrame) for one in found]
        assert not damaged[0], f"cut after {length} bytes"
        assert any(damaged), f"cut after {length} bytes"
        whole = [one.pixels.tobytes() for one in found if not isinstance(one, DamagedFrame)]
        assert set(whole) <= {sound[0], sound[2]}, f"cut after {length} bytes"


def test_video_that_nothing_decodes_is_told(client, tmp_path):
    path = video(tmp_path / "line.mkv", 2)
    path.write_bytes(path.read_bytes().replace(b"V_MPEG4/ISO/AVC", b"V_MPEG9/ISO/AVC"))
    join(client, f"front={path}")
    wait(lambda: told(client))
    assert told(client) == [
        "camera front: sends nothing: a camera must give video that FFmpeg can decode; it has no "
        "decoder for it"
    ]


def video(path: Path, count: int, codec: str = "libx264", **options: str) -> Path:
    rng = np.random.default_rng(0)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=5, options=options)
        stream.width = stream.height = 128
        stream.pix_fmt = "yuv420p" if codec == "libx264" else "yuvj420p"
        for _ in range(count):
            pixels = rng.integers(0, 256, (128, 128, 3), np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())
    return path


def test_frames_that_need_a_damaged_one_are_not_judged(tmp_path):
    options = {"g": "8", "bf": "0", "sc_threshold": "0"}
    path = video(tmp_path / "line.ts", 24, **options)
    assert judged(path, 0.001) == ["whole"] * 24
    data = bytearray(path.read_bytes())
    middle = len(data) * 13 // 24  # a frame in the midst of the second group of eight
    data[middle : middle + 300] = bytes(300)
    path.write_bytes(data)
    found = judged(path, 0.001)
    first = found.index("damaged")
    assert 8 < first < 16
    assert found[first:] == sorted(found[first:]), "nothing is whole before the next group"
    assert found.count("whole") == first + 8


def test_joined_segments_are_judged_to_the_end(tmp_path):
    one = video(tmp_path / "one.ts", 10, g="5", bf="0")
    (tmp_path / "joined.ts").write_bytes(one.read_bytes() * 2)
    found = judged(tmp_path / "joined.ts", 0.2)
    assert len(found) == 20
    assert found.count("whole") >= 18, "at the joint FFmpeg may take one for damaged"
    assert found[10:] == ["whole"] * 10
    assert len(judged(tmp_path / "joined.ts", 1)) == 4
    assert judged(one, 1) == ["whole"] * 2


def test_the_clock_goes_on_where_that_of_the_stream_jumps_back():
    clock = FrameClock(1.0, live=False)
    times = [0.0, 0.5, 1.0, 1.5, 0.0, 0.5, 1.0, 1.5]
    assert [clock.is_due(time_s) for time_s in times] == [True, False] * 4
    without = FrameClock(0.2, live=False)
    assert sum(without.is_due(None) for _ in range(25)) == 5
    uneven = FrameClock(1.0, live=False)
    assert sum(uneven.is_due(0.4 * number) for number in range(100)) == 40, "one a second"


@pytest.mark.parametrize("rate", [4, 40])
def test_a_stream_without_a_clock_goes_by_that_of_the_machine(rate):
    stop = threading.Event()
    with jpeg_camera(lambda number: jpeg(number % 50), rate) as url:
        began = time.monotonic()
        for number, _ in enumerate(read_frames(url, 0.5, stop)):
            if number == 4:
                break
        passed = time.monotonic() - began
    assert passed > 0.9 * 4 * 0.5, "never more than one an interval"
    assert passed < 8, "FFmpeg counts 25 frames a second: 12 s and more, or 1.25 s"


def test_a_frozen_picture_is_told_at_once_and_not_judged(client, tmp_path):
    path = tmp_path / "frozen.mjpeg"
    path.write_bytes(jpeg(1) * 12 + jpeg(2))
    join(client, f"front={path}")
    ended(client)
    wait(lambda: len(records(client)) == 13)
    verdicts = [one["verdict"] for one in records(client)]
    assert verdicts == ["good"] * frozen.FRAMES + ["error"] * 9 + ["good"]
    assert "frozen" in records(client)[5]["note"]
    [words] = [words for words in told(client) if "frozen" in words]
    assert words.startswith("camera front: is back"), "one line, which tells the end as well"


def test_silence_and_return_are_told_in_words(client, monkeypatch):
    monkeypatch.setattr(frames, "TIMEOUT_S", 0.5)
    monkeypatch.setattr(camera, "RETRY_S", 0.1)
    silent = threading.Event()

    def frame(number: int) -> bytes | None:
        return None if silent.is_set() and number < 10**6 else jpeg(number % 50)

    with jpeg_camera(frame, 20) as url:
        join(client, f"part/front={url}", every_s=0.1)
        [source] = client.app.state.station._inputs
        assert source.state().name == "front"
        wait(lambda: source.state().state == "working")
        assert source.state().last_success is not None
        silent.set()
        wait(lambda: source.state().state == "trouble")
        assert "sends nothing since" in source.state().words
        assert any("camera front: sends nothing since" in words for words in told(client))
        health = client.get("/api/health").json()
        [listed] = health["connections"]
        assert (listed["kind"], listed["name"], listed["state"]) == ("camera", "front", "trouble")
        assert "sends nothing since" in health["troubles"]["camera front"]
        page = client.get("/health").text
        assert "in trouble" in page
        assert "sends nothing since" in page
        silent.clear()
        wait(lambda: source.state().state == "working")
        assert "camera front" not in client.get("/api/health").json()["troubles"]
        wait(lambda: any("is back" in words for words in told(client)))
    assert not any("exit" in words for words in told(client))
    source.close()


def test_an_error_of_ours_is_told_and_the_camera_goes_on(client, monkeypatch):
    monkeypatch.setattr(camera, "RETRY_S", 0.1)
    with jpeg_camera(lambda number: jpeg(number % 50), 20) as url:
        with monkeypatch.context() as broken:
            broken.setattr(camera, "encode_png", None)
            join(client, f"front={url}", every_s=0.1)
            [source] = client.app.state.station._inputs
            wait(lambda: "an error of golden itself" in source.state().words)
            assert source.state().state == "trouble"
        wait(lambda: source.state().state == "working")
    source.close()


def test_a_camera_has_a_product_a_name_and_options():
    url = "rtsp://user:secret@10.0.0.5/live?token=secret"
    assert parse_camera(url, ["part"]) == ("part", CameraSource(url))
    assert CameraSource(url).shown_name == "10.0.0.5/live"
    assert parse_camera(f"front={url}", ["part"]) == ("part", CameraSource(url, "front"))
    assert parse_camera(f"b={url}", ["a", "b"]) == ("b", CameraSource(url))
    assert parse_camera(f"b/front={url}", ["a", "b"]) == ("b", CameraSource(url, "front"))
    for argument in (url, f"front={url}", f"c/front={url}"):
        with pytest.raises(ValueError, match="must name one of the products"):
            parse_camera(argument, ["a", "b"])
    given = ["rtsp_transport=udp", "front:video_size=640x480"]
    assert parse_camera_options(given, ["front", "back"]) == {
        "front": {"rtsp_transport": "udp", "video_size": "640x480"},
        "back": {"rtsp_transport": "udp"},
    }
    with pytest.raises(ValueError, match="must be KEY=VALUE"):
        parse_camera_options(["udp"], ["front"])
    with pytest.raises(ValueError, match="must name a camera"):
        parse_camera_options(["side:a=b"], ["front"])
    with pytest.raises(ValueError, match="must be an option of FFmpeg; rtsp_tranport is none"):
        parse_camera_options(["front:rtsp_tranport=udp"], ["front"])
    for known in ("rtsp_transport", "timeout", "fflags", "framerate", "user_agent", "threads"):
        assert is_option(known)


def test_options_reach_ffmpeg(tmp_path):
    path = tmp_path / "line.mjpeg"
    path.write_bytes(b"".join(jpeg(number) for number in range(10)))
    found = read_frames(str(path), 1.0, threading.Event(), {"framerate": "2"})
    assert len(list(found)) == 5
    first = next(read_frames(str(path), 1.0, threading.Event()))
    assert isinstance(first, Frame)
    assert first.pixels.shape == (48, 48, 3)
