"""What the station answered is kept, whatever ends it; what it cannot take it refuses."""

import random
import socket
import sys
import threading
import time
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import httpx
import pytest
from conftest import load_script, part
from station_parts import TIMEOUT_S, StationProcess, picture, run_station, wait

from goldensample.artifact.store import load
from goldensample.errors import ArtifactError
from goldensample.images.codec import encode_png, read_image
from goldensample.learning.learn import learn
from goldensample.learning.revisions import Note
from goldensample.records import Picture
from goldensample.station.line.storing import Entry, store_entries
from goldensample.station.products.products import Product
from goldensample.station.records import heat_files
from goldensample.station.records.archive import Archive
from goldensample.station.records.ledger import Ledger
from goldensample.station.records.migration import open_database
from goldensample.station.records.rows import Filter, Record

KILLS = 20
"""How often the station is killed; about a second of one core each."""
HEAD = b"POST /api/inspect/part HTTP/1.1\r\nHost: localhost\r\nContent-Length: "
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="it has no such signals")


def copied(product: Path, folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / product.name
    path.write_bytes(product.read_bytes())
    return path


@dataclass
class Answered:
    """What clients were told: records, and what was said of them."""

    records: list[dict]
    said: list[dict]


def use(client: httpx.Client, number: int, seed: int, answered: Answered) -> None:
    """Post pictures until the station is gone; one of the clients teaches as well."""
    with suppress(httpx.TransportError):
        for turn in range(10_000):
            data = picture(1000 * seed + 4 * turn + number, defect=number == 0)
            name = f"{number}-{turn}.png"
            answer = client.post("/api/inspect/part", params={"name": name}, content=data)
            if answer.status_code != 200:
                raise AssertionError(answer.text)
            answered.records.append(answer.json())
            assert answer.json()["picture_sha256"] == sha256(data).hexdigest()
            if number == 0 and turn % 4 == 0:
                said = {"record": answer.json()["id"], "answer": "good"}
                answer = client.post("/api/feedback", json=said)
                if answer.status_code != 200:
                    raise AssertionError(answer.text)
                answered.said.append(answer.json())


def kept(folder: Path) -> dict[int, Record]:
    """Return all records; each one's files must be whole."""
    ledger = Ledger(open_database(f"sqlite:///{folder / 'records.sqlite'}"))
    archive = Archive(folder / "pictures")
    found = {record.id: record for record in ledger.iterate(Filter())}
    ledger.close()
    for record in found.values():
        if record.verdict == "error":  # it has no picture
            continue
        for digest in (record.picture_sha256, record.heat_sha256):
            data = archive.path(digest).read_bytes()
            assert sha256(data).hexdigest() == digest
        assert read_image(archive.path(record.picture_sha256)).shape == (48, 48, 3)
        heat_files.from_bytes(data)
    return found


def files(folder: Path) -> set[str]:
    return {path.name for path in (folder / "pictures").rglob("*") if path.is_file()}


def killed(station: StationProcess, turn: int, answered: Answered, chance: random.Random) -> None:
    """Kill a station while four clients use it."""
    clients = [
        threading.Thread(target=use, args=(station.client, number, turn, answered))
        for number in range(4)
    ]
    for one in clients:
        one.start()
    wanted = len(answered.records) + chance.randint(1, 12)
    while len(answered.records) < wanted:
        assert any(one.is_alive() for one in clients)
        time.sleep(0.001)
    time.sleep(chance.uniform(0, 0.05))
    station.kill()
    for one in clients:
        one.join()


def check(station: StationProcess, folder: Path, answered: Answered) -> None:
    """Hold what a station knows when it has started against what it told before."""
    assert list((folder / "pictures" / "coming").iterdir()) == []
    newest = station.client.get("/api/records", params={"limit": 1000}).json()["records"]
    known = {one["id"]: one for one in newest}
    told = [one for one in answered.records if one["id"] >= min(known, default=0)]
    for one in told:
        assert {**known[one["id"]], "answer": None, "answered_by": None} == one


def test_what_was_answered_outlives_kill_9(product, tmp_path):
    file, folder = copied(product, tmp_path / "product"), tmp_path / "kept"
    answered, chance = Answered([], []), random.Random(8)
    for turn in range(KILLS):
        with run_station(folder, [file]) as station:
            check(station, folder, answered)
            killed(station, turn, answered, chance)
    with run_station(folder, [file]) as station:
        check(station, folder, answered)
        said = {one["id"]: one for one in answered.said}
        for number, one in said.items():
            found = station.client.get(f"/api/records/{one['record']}").json()["answers"]
            (given,) = (given for given in found if given["id"] == number)
            assert given == {key: value for key, value in one.items() if key != "missed"}
    records = kept(folder)
    assert {one["id"] for one in answered.records} <= set(records)
    assert answered.said
    assert load(file).journal.head >= max(one["revision"] or 0 for one in answered.said)
    hashes = {one.picture_sha256 for one in records.values()}
    assert files(folder) == hashes | {one.heat_sha256 for one in records.values()}


def record_of(archive: Archive, seed: int):
    """A record, and the files that belong to it, not yet stored."""
    coming = archive.receive_bytes(picture(seed))
    values = {"product": "part", "name": "a", "source": "api", "operator": "", "time": 1.0}
    values |= dict.fromkeys(("verdict", "p_value", "limit_score", "limit_review", "limit_pixel"))
    values |= {"milliseconds": 1.0, "score": 1.0, "regions": [], "note": "", "heat_sha256": None}
    values |= {"height": 48, "width": 48, "revision": 0, "file_sha256": "", "picture_bytes": 1}
    return Record(**values, picture_sha256=coming.sha256), coming


@pytest.fixture
def ledger(tmp_path):
    with closing(Ledger(open_database(f"sqlite:///{tmp_path / 'records.sqlite'}"))) as one:
        yield one


def test_a_crash_after_the_record_and_before_its_place_loses_nothing(ledger, tmp_path):
    archive = Archive(tmp_path / "pictures")
    record, coming = record_of(archive, 1)
    _, other = record_of(archive, 2)
    (tmp_path / "pictures/coming/half").write_bytes(b"half a picture")
    archive.flush([coming, other])
    ledger.add([record])  # here the power goes
    Archive(tmp_path / "pictures").recover(ledger.newest_hashes())
    assert archive.path(record.picture_sha256).read_bytes() == picture(1)
    assert files(tmp_path) == {record.picture_sha256}


def test_one_bad_record_fails_no_other_and_leaves_no_file(ledger, tmp_path):
    archive = Archive(tmp_path / "pictures")
    ledger.refuse_file("a", "1", "was judged before")
    entries = []
    for seed in range(3):
        record, coming = record_of(archive, seed)
        entries.append(Entry(record, (coming,), ("a", "1") if seed == 1 else ("", ""), False, None))
    first, second, third = store_entries(archive, ledger, entries)
    assert isinstance(second, Exception)
    assert (first.id, third.id) == (1, 2)
    assert files(tmp_path) == {first.picture_sha256, third.picture_sha256}


def test_a_picture_that_comes_twice_is_kept_once(ledger, tmp_path):
    archive = Archive(tmp_path / "pictures")
    pairs = [record_of(archive, 1), record_of(archive, 1)]
    found = store_entries(
        archive, ledger, [Entry(one, (file,), ("", ""), False, None) for one, file in pairs]
    )
    assert [one.id for one in found] == [1, 2]
    assert files(tmp_path) == {found[0].picture_sha256}


def test_learning_leaves_the_network_of_the_line_alone(product, tmp_path):
    used = Product(copied(product, tmp_path / "product"))
    before, others = used.state, []

    def learned(inspector):
        others.append(inspector)
        return learn(inspector, [Picture("new", part(300, defect=True))], Note("now", "a test"))

    assert used.change(learned).revision == 1
    assert others[0].backbone is not before.inspector.backbone
    assert used.state.inspector.backbone is not before.inspector.backbone


def test_a_folder_is_that_of_one_station(product, tmp_path):
    from goldensample.station.settings import Settings
    from goldensample.station.station import Station

    settings = Settings(folder=tmp_path / "kept")
    with closing(Station(settings, [product])), pytest.raises(ArtifactError, match="one station"):
        Station(settings, [product])
    Station(settings, [product]).close()


def inspect(station: StationProcess, data: bytes) -> httpx.Response:
    return station.client.post("/api/inspect/part", content=data)


def waiting(station: StationProcess) -> int:
    return station.client.get("/api/health").json()["waiting"]


def many(number: int, do) -> None:
    """Do something in many threads at once, and wait for them."""
    threads = [threading.Thread(target=do, args=(one,)) for one in range(number)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()


def memory_mb(process) -> float:
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
def test_a_flood_is_answered_429_and_memory_stays(product, tmp_path):
    found: list[httpx.Response] = []
    with (
        run_station(tmp_path / "kept", [product], "--waiting", "4") as station,
        ExitStack() as stack,
    ):
        inspect(station, picture(1))
        before = memory_mb(station.process)
        for _ in range(4):  # four pictures take all places, and do not come to an end
            half = stack.enter_context(socket.create_connection(("127.0.0.1", station.port)))
            half.sendall(HEAD + b"9999\r\n\r\n" + picture(1))
        wait(lambda: waiting(station) == 4)
        refused = [inspect(station, picture(number)) for number in range(3)]
        stack.close()
        wait(lambda: waiting(station) == 0)
        padding = bytes(8_000_000)  # bytes behind a PNG are no part of it
        many(40, lambda number: found.append(inspect(station, picture(number) + padding)))
        grown = memory_mb(station.process) - before
        assert inspect(station, picture(1)).status_code == 200
    assert {one.status_code for one in refused} == {429}
    assert all(int(one.headers["retry-after"]) >= 1 for one in refused)
    assert "busy" in refused[0].json()["error"]
    assert len(found) == 40
    assert {one.status_code for one in found} <= {200, 429}
    assert grown < 160  # 40 pictures would be 320 MB


def test_stopping_answers_all_that_was_accepted(product, tmp_path):
    found: list[int] = []
    folder = tmp_path / "kept"

    def client(number: int) -> None:
        with suppress(httpx.TransportError):
            for turn in range(10_000):
                found.append(inspect(station, picture(8 * turn + number)).status_code)

    def listen(number: int) -> None:
        with station.client.stream("GET", "/api/events") as answer:
            for _ in answer.iter_lines():
                pass

    with run_station(folder, [product]) as station:
        threads = [threading.Thread(target=client, args=(one,)) for one in range(8)]
        threads += [threading.Thread(target=listen, args=(one,)) for one in range(2)]
        for one in threads:
            one.start()
        wait(lambda: len(found) >= 20)
        station.process.terminate()
        station.process.join(TIMEOUT_S)  # another signal would end it at once
        for one in threads:
            one.join()
    assert set(found) == {200}
    assert len(kept(folder)) == len(found)
    assert list((folder / "pictures" / "coming").iterdir()) == []


def test_who_hangs_up_leaves_nothing(product, tmp_path):
    folder = tmp_path / "kept"
    with run_station(folder, [product]) as station:
        with socket.create_connection(("127.0.0.1", station.port)) as half:
            half.sendall(HEAD + b"9999\r\n\r\n" + picture(1))
        whole = picture(2)
        with socket.create_connection(("127.0.0.1", station.port)) as early:
            early.sendall(HEAD + str(len(whole)).encode() + b"\r\n\r\n" + whole)
        for number in range(3, 6):
            assert inspect(station, picture(number)).status_code == 200
        wait(lambda: waiting(station) == 0)
    assert {one.picture_sha256 for one in kept(folder).values() if one.verdict != "error"} <= {
        sha256(picture(number)).hexdigest() for number in range(2, 6)
    }
    assert list((folder / "pictures" / "coming").iterdir()) == []
    assert "Traceback" not in (tmp_path / "kept.log").read_text()


def test_the_load_benchmark_runs(product, tmp_path):
    module = load_script("benchmarks/station.py")
    for number in range(5):
        (tmp_path / f"{number}.png").write_bytes(encode_png(part(number)))
    with run_station(tmp_path / "kept", [product]) as station:
        pictures = sorted(tmp_path.glob("*.png"))
        found = module.load(station.process.pid, f"{station.url}/api/inspect/part", pictures, 2)
    assert set(found["answers"]) == {"200"}
    assert found["memory_mb"][-1] < found["memory_mb"][0] + 100
