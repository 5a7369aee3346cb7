"""A PostgreSQL server for tests, and databases as the first version of the station left them."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

DATABASES = Path(__file__).parent / "databases"
"""Dumps that a station wrote whose database was of version 0001: it had judged four pictures, one
from a watched folder, where another could not be read; people had answered three times, and taken
one answer back."""
TABLES = ("records", "feedback", "changes", "seen")
"""Those of version 0001."""
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


@contextmanager
def run_server() -> Iterator[Server]:
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


def fill(url: str) -> str:
    """Make the tables of version 0001, with rows; return the URL."""
    engine = create_engine(url)
    dump = (DATABASES / f"{engine.dialect.name}.sql").read_text(encoding="utf-8")
    with closing(engine.raw_connection()) as connection:
        run = connection.executescript if engine.dialect.name == "sqlite" else connection.execute
        run(dump)
        connection.commit()
    engine.dispose()
    return url


def all_rows(url: str) -> dict[str, list]:
    """Read the tables that the first version had, by SQL alone."""
    engine = create_engine(url)
    with engine.connect() as connection:
        rows = {
            name: list(map(dict, connection.execute(text(f"SELECT * FROM {name}")).mappings()))
            for name in TABLES
        }
    engine.dispose()
    return rows
