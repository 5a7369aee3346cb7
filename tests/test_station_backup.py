"""A station is backed up while it inspects, and comes back in another folder, all of it."""

import json
import shutil
import threading
import zipfile
from hashlib import sha256
from pathlib import Path

import httpx
import pytest
from station_parts import TIMEOUT_S, open_station, picture, run_station, wait
from typer.testing import CliRunner

from goldensample.cli.app import app
from goldensample.errors import ArtifactError
from goldensample.locales.language import speaking
from goldensample.records import silent
from goldensample.station.backup import MANIFEST, back_up, restore


def golden(*words: object) -> dict:
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == 0, done.exception
    return json.loads(done.stdout.splitlines()[-1])


def rewritten(source: Path, target: Path, **changes: bytes) -> Path:
    """A copy of a ZIP file with other contents of some of its files."""
    with zipfile.ZipFile(source) as before, zipfile.ZipFile(target, "w") as after:
        for name in before.namelist():
            after.writestr(name, changes.get(name, before.read(name)))
    return target


def test_a_backup_under_load_comes_back_whole(product, tmp_path):
    folder, file = tmp_path / "station", tmp_path / "backup.zip"
    (folder / "products").mkdir(parents=True)
    shutil.copy(product, folder / "products/part.golden")
    answered, ended = list[dict](), threading.Event()

    def load_it(url: str) -> None:
        with httpx.Client(base_url=url, timeout=TIMEOUT_S) as client:
            for seed in range(10_000):
                if ended.is_set():
                    return
                data = picture(seed, defect=seed % 3 == 0)
                answer = client.post("/api/inspect/part", params={"name": "a"}, content=data)
                answered.append(answer.json())

    with run_station(folder, []) as station:
        thread = threading.Thread(target=load_it, args=(station.url,))
        thread.start()
        wait(lambda: len(answered) > 20)
        before = list(answered)
        made = golden("station", "backup", file, "--folder", folder, "--json")
        during = len(answered)
        wait(lambda: len(answered) > during)  # it goes on
        ended.set()
        thread.join()
    assert made["records"] >= len(before)
    assert (made["deleted"], made["products_elsewhere"]) == (0, [])
    restored = golden("station", "restore", file, "--folder", tmp_path / "new", "--json")
    assert restored["records"] == made["records"]
    with run_station(tmp_path / "new", []) as station:
        found = station.client.get("/api/records", params={"limit": 500}).json()["records"]
        there = {one["id"]: one for one in found}
        assert len(there) == made["records"]
        for one in before:
            assert there[one["id"]]["picture_sha256"] == one["picture_sha256"]
            path = tmp_path / "new/pictures" / one["picture_sha256"][:2] / one["picture_sha256"]
            assert sha256(path.read_bytes()).hexdigest() == one["picture_sha256"]
        again = station.client.post("/api/inspect/part", content=picture(3))
        assert again.json()["id"] > max(there)


@pytest.fixture(scope="module")
def backup(product, tmp_path_factory) -> Path:
    """A backup of a station with two records, of a product that lies elsewhere."""
    folder = tmp_path_factory.mktemp("station")
    with open_station(folder, product) as client:
        for seed in range(2):
            client.post("/api/inspect/part", content=picture(seed)).raise_for_status()
    made = back_up(folder, folder.with_name("backup.zip"), silent)
    assert (made.records, made.elsewhere) == (2, ("part",))
    return folder.with_name("backup.zip")


def test_a_damaged_or_foreign_backup_is_refused_and_leaves_nothing(backup, tmp_path):
    manifest = json.loads(zipfile.ZipFile(backup).read(MANIFEST))
    stored = next(name for name in manifest["sha256"] if name.startswith("pictures/"))
    damaged = rewritten(backup, tmp_path / "damaged.zip", **{stored: b"something else"})
    names = {**manifest, "sha256": {**manifest["sha256"], "../outside": "0" * 64}}
    outside = rewritten(backup, tmp_path / "o.zip", **{MANIFEST: json.dumps(names).encode()})
    later = rewritten(
        backup, tmp_path / "l.zip", **{MANIFEST: json.dumps({**manifest, "format": 99}).encode()}
    )
    (tmp_path / "text.zip").write_text("no archive")
    for file, reason in (
        (damaged, f"{stored} in .* must be as it was backed up"),
        (outside, "must be a backup by golden station backup"),
        (later, "update goldensample"),
        (tmp_path / "text.zip", "must be restored whole"),
        (tmp_path / "none.zip", "must be restored whole"),
    ):
        with pytest.raises(ArtifactError, match=reason):
            restore(file, tmp_path / "new", silent)
    assert {path.suffix for path in tmp_path.iterdir()} == {".zip"}
    (tmp_path / "full").mkdir()
    (tmp_path / "full/of.txt").write_text("things")
    with pytest.raises(ArtifactError, match="must be a new folder"):
        restore(backup, tmp_path / "full", silent)
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["of.txt"]


def test_what_was_backed_up_is_told_in_the_language(backup, tmp_path):
    with speaking("ko"):
        words = ["station", "restore", str(backup), "--folder", str(tmp_path / "new")]
        assert "기록 2건" in CliRunner().invoke(app, words).stdout
        words = ["station", "backup", str(tmp_path / "b.zip"), "--folder", str(tmp_path / "new")]
        assert "기록 2건" in CliRunner().invoke(app, words).stdout


def test_what_is_no_station_or_damaged_is_not_backed_up(backup, tmp_path):
    with pytest.raises(ArtifactError, match=r"must be a station.s folder with its records\.sqlite"):
        back_up(tmp_path, tmp_path / "b.zip", silent)
    restore(backup, tmp_path / "new", silent)
    with pytest.raises(ArtifactError, match="must be outside"):
        back_up(tmp_path / "new", tmp_path / "new/b.zip", silent)
    stored = next(path for path in (tmp_path / "new/pictures").rglob("*") if path.is_file())
    data = stored.read_bytes()
    stored.write_bytes(data[:-1])
    with pytest.raises(ArtifactError, match="SHA-256; it is damaged"):
        back_up(tmp_path / "new", tmp_path / "b.zip", silent)
    stored.unlink()  # as if it had been too old
    assert back_up(tmp_path / "new", tmp_path / "b.zip", silent).deleted == 1
    assert {path.name for path in tmp_path.iterdir()} == {"new", "b.zip"}
