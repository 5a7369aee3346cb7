"""Replicas answer as the station does, keep nothing, and outlive one another."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from conftest import load_script, part
from starlette.testclient import TestClient
from station_parts import picture, small_product
from typer.testing import CliRunner

from goldensample.cli.app import app
from goldensample.errors import GoldenError
from goldensample.images.codec import encode_png
from goldensample.station.replica import PREFIX, ReplicaSpec, create_app
from goldensample.station.settings import Settings
from goldensample.station.station import Station
from goldensample.station.web import app as station_app

MISSING = "Ray is not installed: pip install 'goldensample[ray]'"
OWN = ("id", "time", "milliseconds", "heat_sha256", "kept", "brightness", "sharpness")
"""What a station knows of its record alone, and what each answer has of its own."""
TOKEN = "operator-secret"


@pytest.fixture(scope="module")
def files(tiny, tmp_path_factory) -> list[Path]:
    folder = tmp_path_factory.mktemp("products")
    return [small_product(tiny, folder, name) for name in ("part", "other")]


@dataclass(frozen=True)
class Fleet:
    """`golden replicas` in a process of its own."""

    process: subprocess.Popen
    url: str
    told: Path

    def inspect(self, data: bytes, product: str = "part", **values: str) -> httpx.Response:
        url = f"{self.url}/api/inspect/{product}"
        return httpx.post(url, content=data, params=values, timeout=60)

    def health(self) -> dict:
        return httpx.get(f"{self.url}/api/health", timeout=60).json()


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.fixture(scope="module")
def fleet(files, tmp_path_factory) -> Iterator[Fleet]:
    """Two replicas at most, with room for one picture each before another is started."""
    pytest.importorskip("ray", reason=MISSING)
    port = free_port()
    words = [sys.executable, "-m", "goldensample.cli", "replicas", *map(str, files)]
    words += ["--most", "2", "--waiting", "1", "--port", str(port)]
    told = tmp_path_factory.mktemp("fleet") / "told.txt"
    with told.open("w") as log:
        process = subprocess.Popen(words, stdout=log, stderr=log)
    one = Fleet(process, f"http://127.0.0.1:{port}", told)
    try:
        while "replicas are at" not in told.read_text():
            assert process.poll() is None, told.read_text()
            time.sleep(0.1)
        yield one
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


@contextmanager
def replica(files: list[Path], folder: Path, **settings) -> Iterator[TestClient]:
    """A replica in this process, asked as localhost."""
    copies = ReplicaSpec(
        Settings(folder=folder, **settings), {path.stem: path.read_bytes() for path in files}
    )
    with TestClient(create_app(copies), "http://localhost:8000") as client:
        yield client


def test_a_replica_answers_as_the_station_does(fleet, files, tmp_path):
    settings = Settings(folder=tmp_path / "kept")
    with (
        closing(Station(settings, files)) as station,
        TestClient(station_app.create_app(station), "http://localhost") as client,
    ):
        for number in range(4):
            data, name = picture(200 + number, defect=number % 2 == 0), f"{number}.png"
            path, asked = "other" if number > 1 else "part", {"name": name}
            ours = fleet.inspect(data, path, **asked)
            theirs = client.post(f"/api/inspect/{path}", content=data, params=asked)
            assert ours.status_code == theirs.status_code == 200
            assert {**ours.json(), **dict.fromkeys(OWN)} == {
                **theirs.json(),
                **dict.fromkeys(OWN),
            }
            assert (ours.json()["id"], ours.json()["kept"]) == (0, False)
        assert httpx.get(f"{fleet.url}/api/products").json() == client.get("/api/products").json()


def test_a_replica_answers_as_the_command_does(fleet, files, tmp_path):
    (tmp_path / "a.png").write_bytes(picture(300, defect=True))
    words = ["inspect", str(files[0]), str(tmp_path / "a.png"), "--json", "--explain"]
    here = json.loads(CliRunner().invoke(app, words).stdout)
    there = fleet.inspect((tmp_path / "a.png").read_bytes()).json()
    same = ("score", "verdict", "p_value", "regions", "note")
    assert {name: there[name] for name in same} == {name: here[name] for name in same}
    assert here["regions"]


def test_what_cannot_be_inspected_is_refused_in_the_stations_words(fleet, files, tmp_path):
    settings = Settings(folder=tmp_path / "kept")
    huge = bytearray(encode_png(part(1)))
    huge[16:24] = (60_000).to_bytes(4, "big") * 2
    with (
        closing(Station(settings, files)) as station,
        TestClient(station_app.create_app(station), "http://localhost") as client,
    ):
        for path, data in (
            ("part", b"no picture"),
            ("part", b""),
            ("part", picture(1)[:900]),
            ("part", bytes(huge)),
            ("none", picture(1)),
            ("part?name=" + "n" * 256, picture(1)),
        ):
            ours = httpx.post(f"{fleet.url}/api/inspect/{path}", content=data)
            theirs = client.post(f"/api/inspect/{path}", content=data)
            # of the record of an error, which a replica does not keep
            varying = {"time": "", "milliseconds": 0.0, "id": 0, "kept": False}
            assert ours.status_code == theirs.status_code
            assert {**ours.json(), **varying} == {**theirs.json(), **varying}
            assert ours.status_code in (404, 413, 422)


def test_a_body_that_is_too_large_is_refused_before_it_is_sent(fleet):
    line = http.client.HTTPConnection(fleet.url.removeprefix("http://"), timeout=60)
    with closing(line):
        line.putrequest("POST", "/api/inspect/part")
        line.putheader("content-length", str(2**40))
        line.endheaders()
        answer = line.getresponse()
        assert answer.status == 413
        assert "at most" in json.loads(answer.read())["error"]


def test_who_hangs_up_harms_nobody(fleet):
    host, _, port = fleet.url.removeprefix("http://").rpartition(":")
    for sent in (b"POST /api/inspect/part HTTP/1.1\r\nhost: localhost\r\n", b"\r\n\0garbage\r\n"):
        with socket.create_connection((host, int(port))) as line:
            line.sendall(sent + b"content-length: 5000\r\n\r\n" + b"x" * 100)
    assert fleet.inspect(picture(301, defect=True)).json()["verdict"] == "defect"


def test_other_sites_are_refused(fleet):
    odd = httpx.get(f"{fleet.url}/api/products", headers={"host": "evil.example"})
    assert odd.status_code == 421
    crossed = httpx.post(
        f"{fleet.url}/api/inspect/part", content=b"x", headers={"origin": "http://evil.example"}
    )
    assert crossed.status_code == 403


def test_a_second_replica_comes_and_one_that_is_killed_costs_no_picture(fleet):
    """Clients send again what is answered 5xx or not at all, as they would."""
    answers: dict[int, list[str]] = {}
    asked: list[int] = []
    seen: dict[str, int] = {}
    killed = threading.Event()
    data = {odd: picture(310 + odd, defect=odd) for odd in (False, True)}

    def client(turn: int) -> None:
        number = turn
        while not killed.is_set() or number < turn + 40:
            try:
                answer = fleet.inspect(data[number % 2 == 1], name=str(number))
            except httpx.TransportError:
                continue
            if answer.status_code >= 500:
                continue
            found = answer.json()
            answers.setdefault(number, []).append(found["verdict"])
            assert found["name"] == str(number)
            number += 4
        asked.extend(range(turn, number, 4))

    threads = [threading.Thread(target=client, args=(turn,)) for turn in range(4)]
    for thread in threads:
        thread.start()
    until = time.monotonic() + 90
    try:
        told = fleet.told.read_text  # it asks for the state once in a while
        while len(seen) < 2 or not all(seen.values()) or "2 of at most 2" not in told():
            assert time.monotonic() < until, f"two replicas must have judged; {seen}; {told()}"
            health = fleet.health()
            seen[health["replica"]] = health["judged"]
        os.kill(int(next(iter(seen)).rpartition(":")[2]), signal.SIGKILL)
    finally:
        killed.set()
    for thread in threads:
        thread.join()
    assert sorted(answers) == sorted(asked)
    for number, verdicts in answers.items():
        assert verdicts == ["defect" if number % 2 else "good"]
    assert fleet.health()["replica"] != next(iter(seen))


def test_replicas_stop_and_leave_no_process(fleet):
    root = fleet.process.pid
    processes = load_script("benchmarks/replicas.py").process_tree(root) - {root}
    assert len(processes) > 3
    fleet.process.send_signal(signal.SIGINT)
    assert fleet.process.wait(60) == 0
    told = fleet.told.read_text()
    assert told.splitlines()[-1] == "stopping: what was accepted is answered first"
    until = time.monotonic() + 20
    while left := [one for one in processes if Path(f"/proc/{one}").exists()]:
        assert time.monotonic() < until, left
        time.sleep(0.1)


def test_a_replica_keeps_nothing_and_asks_for_a_token(files, tmp_path):
    with replica(files, tmp_path, tokens={TOKEN: "operator"}, host="0.0.0.0") as client:
        folder = client.app.state.station.settings.folder
        assert client.post("/api/inspect/part", content=picture(1)).status_code == 401
        assert client.get("/api/health").status_code == 401
        known = {"authorization": f"Bearer {TOKEN}"}
        found = client.post("/api/inspect/part", content=picture(1), headers=known)
        assert found.json()["verdict"] == "good"
        assert client.post("/api/inspect/part", content=b"x", headers=known).status_code == 422
        assert client.get("/api/health", headers=known).json()["judged"] == 1
        page = client.get("/", headers={**known, "accept": "text/html"})
        assert (page.status_code, page.json()) == (404, {"error": "Not Found"})
        found = {path.name for path in folder.rglob("*") if path.is_file()}
        assert found == {"part.golden", "other.golden", ".replica.lock"}
    assert not folder.exists()


def test_a_replica_deletes_what_killed_ones_left(files, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    left = tmp_path / f"{PREFIX}left"
    left.mkdir()
    (left / "part.golden").write_bytes(b"x")
    with replica(files, tmp_path) as first:
        with replica(files, tmp_path) as second:
            assert second.post("/api/inspect/part", content=picture(1)).status_code == 200
        assert first.post("/api/inspect/part", content=picture(1)).status_code == 200
        assert first.get("/api/health").json()["troubles"] == {}
        assert not left.exists()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--host", "0.0.0.0"], "must have tokens"),
        (["--token", "operator:short"], "12 characters"),
        (["--runner", "here"], "--runner must be"),
        (["--runner", "ray://127.0.0.1:1"], "on a machine of the cluster"),
        (["--port", "TAKEN"], "must be free"),
        (["missing.golden"], "missing.golden"),
        (["TWICE"], "two are called part"),
    ],
)
def test_mistakes_are_told_in_words(files, words, said):
    pytest.importorskip("ray", reason=MISSING)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        known = {"TAKEN": str(taken.getsockname()[1]), "TWICE": str(files[0])}
        given = ["replicas", str(files[0]), *(known.get(word, word) for word in words)]
        failed = CliRunner().invoke(app, given).exception
    assert isinstance(failed, (GoldenError, ValueError))
    assert said in str(failed)


def test_what_is_not_installed_is_told(files, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    words = ["replicas", str(files[0]), "--port", str(free_port())]
    assert "the extra [ray]" in str(CliRunner().invoke(app, words).exception)
    monkeypatch.setitem(sys.modules, "goldensample.station.replica", None)
    failed = CliRunner().invoke(app, ["replicas", str(files[0])]).exception
    assert "[station,ray]" in str(failed)
