"""A product's limits and revisions, the watch of its scene, and how long pictures stay."""

import shutil
import time
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import part
from station_parts import picture, run_station

from goldensample import load
from goldensample.learning.relimit import calibration_of, set_rates
from goldensample.learning.revisions import Note, revert
from goldensample.records import Picture
from goldensample.station.line.jobs import Job
from goldensample.station.line.scene import SceneMonitor
from goldensample.station.products.good_pictures import records_in_use
from goldensample.station.products.products import Product
from goldensample.station.records.archive import Archive
from goldensample.station.records.ledger import Ledger
from goldensample.station.records.migration import open_database
from goldensample.station.records.retention import DAY_S, Retention
from goldensample.station.records.rows import Answer, Filter, Record
from goldensample.station.settings import RetentionLimits

ENGINEER, OPERATOR = "an-engineer-s-token", "an-operator-s-token"
NOTE = Note("2026-01-01T00:00:00+00:00", "why")


@pytest.fixture(scope="module")
def file(product):
    return product


@pytest.fixture(scope="module")
def station(file, tmp_path_factory):
    folder = tmp_path_factory.mktemp("station")
    file = Path(shutil.copy(file, folder / "part.golden"))
    tokens = ["--token", f"engineer:{ENGINEER}", "--token", f"operator:{OPERATOR}"]
    with run_station(folder / "kept", [file], *tokens) as one:
        client = one.client
        client.headers.update({"authorization": f"Bearer {ENGINEER}", "x-operator": "Eve"})
        for seed in range(300, 312):
            query = {"name": f"{seed}.png"}
            data = picture(seed, defect=seed >= 310)
            client.post("/api/inspect/part", params=query, content=data).raise_for_status()
        yield client


def test_other_limits_are_those_a_fit_would_have_set_and_come_back(file):
    fitted = load(file)
    other = set_rates(fitted, 0.2, 0.5, NOTE)
    known = calibration_of(fitted)
    assert other.threshold.score == np.sort(known.scores)[15]  # ceil(20 * 0.8) = 16th of 19
    assert (other.threshold.kind, other.threshold.review_rate) == ("split", 0.5)
    assert other.journal.revisions[-1].action == "calibrate"
    assert revert(other, 0, NOTE).threshold == fitted.threshold
    again = set_rates(other, 0.05, 0.2, NOTE)
    assert again.threshold == fitted.threshold
    with pytest.raises(ValueError, match="99 good pictures kept out; there are 19"):
        set_rates(fitted, 0.01, None, NOTE)  # 19 scores are too few even for an estimate
    without = replace(fitted, calibrations={})
    with pytest.raises(ValueError, match="must rest on good pictures"):
        set_rates(without, 0.2, None, NOTE)


def test_a_preview_counts_what_the_limits_would_change(station):
    used = station.get("/api/products/part/limits").json()
    assert [one["rate"] for one in used["choices"] if one["in_use"]] == [0.05]
    assert [one["rate"] for one in used["choices"]] == [0.2, 0.15, 0.1, 0.05]
    same = {"false_alarms": 0.05, "review": 0.2}
    found = station.get("/api/products/part/limits/preview", params=same).json()
    assert (found["same"], found["changed"], found["records"]) == (True, 0, 12)
    found = station.get("/api/products/part/limits/preview", params={"false_alarms": 0.5}).json()
    records = station.get("/api/records").json()["records"]
    now = used["in_use"]["score"]
    moved = [one["id"] for one in records if found["score"] < one["score"] <= now]
    moved += [one["id"] for one in records if one["verdict"] == "review" and one["id"] not in moved]
    assert found["changed"] == len(moved) > 0
    assert {one["id"] for one in found["examples"]} == set(moved)
    assert sum(one["count"] for one in found["changes"]) == len(moved)
    assert "of 100 good parts about 50 are called defects" in found["promise"]
    wrong = station.get("/api/products/part/limits/preview", params={"false_alarms": 0.001})
    assert wrong.status_code == 422


def test_limits_are_applied_by_engineers_to_what_they_looked_at_and_reverted(station):
    before = station.get("/api/products").json()[0]
    wanted = {"false_alarms": 0.2, "review": 0.5, "revision": before["revision"]}
    address = "/api/products/part/limits"
    as_operator = {"authorization": f"Bearer {OPERATOR}"}
    assert station.post(address, json=wanted, headers=as_operator).status_code == 403
    back = {"to": 0, "revision": 0}
    revert_address = "/api/products/part/revert"
    assert station.post(revert_address, json=back, headers=as_operator).status_code == 403
    assert station.post(address, json={}, headers=as_operator).status_code == 403  # not 422
    empty = station.post(address, json={"false_alarms": 2}).json()["error"]
    assert "revision is missing" in empty
    assert "false_alarms: Input should be less than 1" in empty
    done = station.post(address, json=wanted).json()
    assert done["revision"] == before["revision"] + 1
    late = station.post(address, json=wanted)
    assert late.status_code == 409
    assert "look at it again" in late.json()["error"]
    after = station.get("/api/products").json()[0]
    assert after["threshold"]["false_alarms"] == 0.2
    newest = station.get("/api/products/part/revisions").json()[0]
    assert (newest["action"], newest["in_use"]) == ("calibrate", True)
    assert "Eve" in newest["reason"]
    station.post(revert_address, json={"to": before["revision"], "revision": done["revision"]})
    assert station.get("/api/products").json()[0]["threshold"] == before["threshold"]
    page = station.get("/products/part", headers={**as_operator, "accept": "text/html"})
    assert "An engineer can apply other limits" in page.text
    assert 'id="apply"' not in page.text


def test_good_pictures_are_shown_from_the_file_and_learned_ones_from_the_archive(station):
    record = station.get("/api/records", params={"verdict": "defect"}).json()["records"][0]
    said = {"record": record["id"], "answer": "good"}
    station.post("/api/feedback", json=said).raise_for_status()
    page = station.get("/products/part", headers={"accept": "text/html"}).text
    assert "1 of them learned on the line" in page
    learned = page.split("/api/products/part/pictures/")[1].split('"')[0]
    shown = station.get(f"/api/products/part/pictures/{learned}")
    assert shown.content.startswith(b"\xff\xd8")
    assert station.get("/api/products/part/pictures/99999").status_code == 404


def test_a_changed_scene_is_told_once_kept_and_watched_anew(file, tmp_path):
    product, told = Product(file), []
    scene = SceneMonitor(tmp_path, lambda *words: told.append(words), interval_s=0)
    number = 0

    def see(count: int, darker: int) -> None:
        nonlocal number
        inspector = product.state.inspector
        for _ in range(count):
            number += 1
            pixels = np.clip(part(1000 + number).astype(int) - darker, 0, 255).astype(np.uint8)
            job = Job(product, None, "a.png", "api")
            scene.observe(job, product.state, Picture("a", pixels), inspector.inspect(pixels))
            job.answer.set_result(stored(id=number))

    see(20, darker=0)
    assert not told
    assert scene.status(product)["pictures"] == 20
    see(60, darker=60)
    [(key, words, since)] = told
    alarm = scene.status(product)["alarm"]
    assert (key, since, words) == ("part", alarm["since"], alarm["words"])
    assert since <= 20 < alarm["at"]  # a start is the likeliest one, a guess
    assert words.endswith("than the good pictures of the fit")
    scene.close()
    again = SceneMonitor(tmp_path, lambda *words: told.append(words), interval_s=0)
    assert again.status(product)["alarm"]["since"] == since
    assert again.acknowledge(product)
    assert again.status(product) == {"watched": True, "pictures": 0, "alarm": None, "lost": ""}
    state = replace(product.state.inspector, habits=None)
    product.state = replace(product.state, inspector=state)
    assert "fit it anew" in again.status(product)["why"]


def stored(**values) -> Record:
    """A record; what it says does not matter here."""
    plain = {
        "product": "part",
        "name": "a.png",
        "source": "api",
        "operator": "",
        "time": 0.0,
        "milliseconds": 1.0,
        "verdict": "good",
        "score": 1.0,
        "p_value": None,
        "limit_score": None,
        "limit_review": None,
        "limit_pixel": None,
        "regions": [],
        "note": "",
        "height": 1,
        "width": 1,
        "revision": 0,
        "file_sha256": "0" * 64,
        "picture_sha256": "0" * 64,
        "picture_bytes": 1,
        "heat_sha256": None,
    }
    return Record(**{**plain, **values})


class Kept:
    """A real archive and ledger, in which a test keeps pictures of a million bytes."""

    def __init__(self, folder, keep: RetentionLimits, learned: tuple[int, ...] = ()) -> None:
        self.archive = Archive(folder / "pictures")
        self.ledger = Ledger(open_database(f"sqlite:///{folder / 'records.sqlite'}"))
        self.now = time.time()
        self.retention = Retention(
            self.archive, self.ledger, keep, self.at_once, lambda: set(learned)
        )

    @staticmethod
    def at_once(do):
        done: Future = Future()
        done.set_result(do())
        return done

    def put(self, content: bytes) -> str:
        coming = self.archive.receive_bytes(content)
        self.archive.flush([coming])
        self.archive.commit([coming])
        return coming.sha256

    def add(self, content: bytes, days: float, **values) -> Record:
        content = content.ljust(1_000_000, b".")
        digests = {"picture_sha256": self.put(content), "heat_sha256": self.put(content[:99])}
        time = self.now - days * DAY_S
        return self.ledger.add([stored(time=time, picture_bytes=1_000_000, **digests, **values)])[0]

    def left(self) -> list[int]:
        """The records whose pictures are kept; each has its files, and no other has."""
        records = self.ledger.find(Filter())
        for one in records:
            assert self.archive.path(one.picture_sha256).exists() == one.kept
            assert self.archive.path(one.heat_sha256).exists() == one.kept
        return sorted(one.id for one in records if one.kept)


def test_pictures_go_when_no_record_needs_them_and_records_stay(tmp_path):
    kept = Kept(tmp_path, RetentionLimits(days=10, defect_days=100), learned=(6,))
    kept.add(b"good, old", 11)
    kept.add(b"good, new", 9)
    kept.add(b"defect", 99, verdict="defect")
    kept.add(b"defect, old", 101, verdict="defect")
    answered = kept.add(b"good, answered", 50)
    kept.ledger.labels.add(Answer(0, answered.id, kept.now, "Ada", "good"))
    kept.add(b"learned", 500)
    kept.add(b"shared", 50)
    kept.add(b"shared", 2)
    kept.add(b"without limits", 50, verdict=None)
    assert kept.retention.sweep(kept.now) == 2
    assert kept.left() == [2, 3, 5, 6, 7, 8, 9]
    assert kept.retention.sweep(kept.now) == 0
    kept.ledger.close()


def test_beyond_the_bytes_the_oldest_good_ones_go_first(tmp_path):
    kept = Kept(tmp_path, RetentionLimits(limit_bytes=2_500_000), learned=(2,))
    kept.add(b"defect, oldest", 60, verdict="defect")
    kept.add(b"good, old", 50)
    kept.add(b"defect, newer", 40, verdict="defect")
    kept.add(b"good, new", 1)
    kept.add(b"good, newest", 0)
    assert kept.retention.sweep(kept.now) == 3
    assert kept.left() == [2, 3]
    kept.ledger.close()


def test_a_crash_between_leaves_files_that_go_and_no_record_that_lies(tmp_path):
    kept = Kept(tmp_path, RetentionLimits())
    first, second = kept.add(b"marked", 1), kept.add(b"kept", 1)
    kept.ledger.mark_deleted([first.picture_sha256])  # and then the station was killed
    stray = kept.put(b"placed, and its record never stored")
    kept.retention.delete_orphans()
    assert kept.left() == [second.id]
    assert not kept.archive.path(stray).exists()
    kept.ledger.close()


def test_what_a_product_learned_from_is_in_use_until_it_is_forgotten(file):
    from goldensample.learning.learn import forget, learn

    taught = learn(load(file), [Picture("record-7-0123456789ab", part(77))], NOTE)
    assert records_in_use(taught) == {7}
    assert records_in_use(forget(taught, "record-7-0123456789ab", NOTE)) == set()
