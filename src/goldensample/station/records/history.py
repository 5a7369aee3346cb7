"""Records of a station's folder for control charts, read while the station may run."""

from pathlib import Path
from typing import Any

from sqlalchemy import create_engine
from sqlalchemy.exc import OperationalError

from goldensample.errors import ArtifactError
from goldensample.station.records.ledger import Ledger
from goldensample.station.records.rows import Filter

DATABASE = "records.sqlite"
MAX_RECORDS = 1_000_000
"""The newest that are read, at most."""


def history_of(folder: Path, product: str) -> list[dict[str, Any]]:
    """Return the newest records of a product, see `Ledger.history`; nothing is changed.

    Raises:
        ArtifactError: the folder has no records of this version.
    """
    database = folder / DATABASE
    if not database.is_file():
        raise ArtifactError(
            f"{folder} must be a station's folder; it has no {DATABASE}; where the records are in "
            "another database, download them from the page History"
        )
    ledger = Ledger(create_engine(f"sqlite:///file:{database.absolute()}?mode=ro&uri=true"))
    try:
        return ledger.history(Filter(product=product), MAX_RECORDS)
    except OperationalError as error:
        raise ArtifactError(
            f"{folder} must be of a station of this version; its records cannot be read "
            f"({error.orig}); start golden serve on it once"
        ) from None
    finally:
        ledger.close()
