"""The records, on SQLite and on PostgreSQL: the same tables, the same answers."""

import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, inspect, text
from station_parts import open_station, picture, run_station

from goldensample.errors import ArtifactError
from goldensample.station.line import storing
from goldensample.station.records.ledger import Ledger
from goldensample.station.records.migration import latest, migrate, open_database
from goldensample.station.records.tables import metadata

USER = "postgres"
"""PostgreSQL refuses to run as root; Debian's package makes this user."""


@dataclass
class Server:
    """A PostgreSQL server of our own, reached through a socket in its folder."""

    programs: Path
    folder: Path
    process: subprocess.Popen | None = None

    def run(self, program: str, *words: str) -> subprocess.Popen:
        """Start one of its programs, as another user where we are root."""
        who = {"user": USER, "group": USER} if os.geteuid() == 0 else {}
        with (self.folder / "log").open("ab") as log:
            words = [self.programs / program, *words]
            return subprocess.Popen(words, stdout=log, stderr=log, cwd=self.folder, **who)

    def start(self) -> None:
        """Run until it answers."""
        data, place = str(self.folder / "data"), str(self.folder)
        words = ["-D", data, "-k", place, "-c", "listen_addresses=", "-c", "fsync=off"]
        self.process = self.run("postgres", *words)
        while self.run("pg_isready", "-q", "-h", place).wait():
            assert self.process.poll() is None, (self.folder / "log").read_text()
            time.sleep(0.05)

    def stop(self) -> None:
        """Stop at once, as it would when its machine is restarted."""
        if self.process:
            self.run("pg_ctl", "stop", "-m", "immediate", "-D", str(self.folder / "data")).wait()
            self.process.wait()

    def url(self, name: str) -> str:
        """Return the URL of a new database."""
        admin = create_engine(f"postgresql+psycopg://golden@/postgres?host={self.folder}")
        with admin.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT")
            connection.execute(text(f"CREATE DATABASE {name}"))
        admin.dispose()
        return f"postgresql+psycopg://golden@/{name}?host={self.folder}"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        pytest.skip("PostgreSQL is not installed; tests/programs.sh installs it on Debian")
    folder = Path(tempfile.mkdtemp(prefix="golden"))  # a short path that others may enter
    if os.geteuid() == 0:
        shutil.chown(folder, USER, USER)
    one = Server(found[-1].parent, folder)
    words = ["-D", str(folder / "data"), "-A", "trust", "-U", "golden", "-E", "UTF8", "--no-sync"]
    assert one.run("initdb", *words, "--locale=C").wait() == 0, (folder / "log").read_text()
    one.start()
    yield one
    one.stop()
    shutil.rmtree(folder)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'records.sqlite'}"
    return request.getfixturevalue("server").url(f"d{abs(hash(request.node.name))}")


def test_migrations_give_the_tables_that_the_code_speaks_of(url):
    engine = open_database(url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
        assert context.get_current_revision() == latest()
    engine.dispose()


def test_migrating_again_changes_nothing(url):
    with closing(Ledger(open_database(url))) as ledger:
        ledger.refuse_file("a", "1", "no picture")
    engine = open_database(url)
    migrate(engine)
    with closing(Ledger(engine)) as ledger:
        assert list(ledger.seen_files(["a"])["a"]) == ["1"]


def test_a_database_of_a_later_version_is_refused(url):
    engine = open_database(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(ArtifactError, match="a later one"):
        open_database(url)


def test_a_migration_is_done_whole_or_not_at_all(url):
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE seen (mine INTEGER)"))  # in the way of the last table
    with pytest.raises(ArtifactError, match="cannot use the database"):
        open_database(url)
    assert set(inspect(engine).get_table_names()) == {"seen"}
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE seen"))
    engine.dispose()
    open_database(url).dispose()


def test_a_password_is_not_shown(server):
    with pytest.raises(ArtifactError) as error:
        open_database(f"postgresql+psycopg://golden:secret@/nobody?host={server.folder}")
    assert "secret" not in str(error.value)
    with pytest.raises(ValueError, match="SQLAlchemy URL"):
        open_database("nothing")


@pytest.fixture(scope="module")
def client(server, product, tmp_path_factory) -> Iterator[httpx.Client]:
    folder = tmp_path_factory.mktemp("station") / "kept"
    with run_station(folder, [product], "--db", server.url("station")) as one:
        yield one.client


def post(client: httpx.Client, seed: int, **params) -> httpx.Response:
    data = picture(seed, defect=True)
    return client.post("/api/inspect/part", content=data, params=params)


def test_the_api_runs_on_postgresql(client):
    name = "a 'b' \"c\" ü 部品 %s.png"
    first = post(client, 200, name=name).json()
    assert (first["verdict"], first["name"]) == ("defect", name)
    said = client.post("/api/feedback", json={"record": first["id"], "answer": "good"}).json()
    assert said["revision"] == 1
    assert post(client, 200).json()["verdict"] == "good"
    asked = {"answer": "good", "verdict": "defect", "text": "'b'", "since": 0, "product": "part"}
    found = client.get("/api/records", params=asked).json()["records"]
    assert found == [{**first, "answer": "good"}]
    assert client.delete(f"/api/feedback/{said['id']}").json() == {"undone": said["id"]}
    one = client.get(f"/api/records/{first['id']}").json()
    assert one["answer"] is None
    assert one["answers"][0]["undone"]
    assert len(client.get("/api/records.csv").text.splitlines()) == 3
    for path in ("records", "records.csv"):
        assert client.get(f"/api/{path}", params={"text": "a\0b"}).status_code == 422
    assert post(client, 200, name="a\0b").status_code == 422


def test_a_database_that_is_away_for_a_moment_costs_nothing(server, product, tmp_path, monkeypatch):
    monkeypatch.setattr(storing, "RETRY_PAUSES_S", (0.1,) * 1200)  # however long it takes to start
    found: list[httpx.Response] = []
    with open_station(tmp_path / "kept", product, database=server.url("away")) as client:
        assert post(client, 201).status_code == 200
        server.stop()
        poster = threading.Thread(target=lambda: found.append(post(client, 202)))
        poster.start()
        away = client.get("/api/records")
        assert (away.status_code, away.headers["retry-after"]) == (503, "5")
        assert "database" in away.json()["error"]
        server.start()
        poster.join()
        assert found[0].status_code == 200
        assert len(client.get("/api/records").json()["records"]) == 2
