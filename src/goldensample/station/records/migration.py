"""Migration of a database of any earlier version to the tables of this one."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.script.revision import ResolutionError
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from goldensample.errors import ArtifactError

SCRIPTS = Path(__file__).parent / "migrations"
BUSY_S = 30


def open_database(url: str) -> Engine:
    """Connect to a database, and create or migrate its tables.

    SQLite writes ahead to a log (WAL) and flushes at each commit, so that what was answered
    survives a crash of the process and of the machine.

    Args:
        url: SQLAlchemy URL.

    Raises:
        ValueError: the URL is invalid, or its driver is not installed.
        ArtifactError: the database cannot be reached, or is of a later version.
    """
    try:
        masked_url = make_url(url).render_as_string(hide_password=True)
        engine = create_engine(url, pool_pre_ping=True)
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
        raise ValueError(
            f"--db must be an SQLAlchemy URL with its driver installed; {error}; for PostgreSQL: "
            "postgresql+psycopg://user@host/name and pip install psycopg[binary]"
        ) from error
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _set_pragmas)
        event.listen(engine, "begin", _begin)
    try:
        _migrate_or_raise(engine, masked_url)
    except ArtifactError:
        engine.dispose()
        raise
    return engine


def _migrate_or_raise(engine: Engine, url: str) -> None:
    """Migrate; raise an error that names the cause and the remedy."""
    try:
        migrate(engine)
    except (CommandError, ResolutionError) as error:
        raise ArtifactError(
            f"{url} must be of this version or an earlier one; it is of a later one ({error}); "
            "update goldensample, or give another --db"
        ) from error
    except (SQLAlchemyError, OSError) as error:
        raise ArtifactError(
            f"cannot use the database {url}: {str(error).splitlines()[0]}; check that it runs "
            "and may be written"
        ) from error


def migrate(engine: Engine) -> None:
    """Run, in one transaction, the migrations that a database lacks."""
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def latest() -> str:
    """Return the name of the last migration."""
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    return str(ScriptDirectory.from_config(config).get_current_head())


def _set_pragmas(connection: object, _: object) -> None:
    """Set the pragmas of a SQLite connection; transactions are begun by `_begin`."""
    connection.isolation_level = None  # type: ignore[attr-defined]
    cursor = connection.cursor()  # type: ignore[attr-defined]
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.execute(f"PRAGMA busy_timeout={BUSY_S * 1000}")
    cursor.close()


def _begin(connection: Connection) -> None:
    """Begin a transaction before any statement, so that tables are created all or none."""
    connection.exec_driver_sql("BEGIN")
