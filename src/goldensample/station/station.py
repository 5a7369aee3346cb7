"""Everything that runs in a station, opened and closed together."""

import logging
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy.exc import SQLAlchemyError

from goldensample.errors import ArtifactError
from goldensample.learning.revisions import Note
from goldensample.station.line.events import Events
from goldensample.station.line.line import Line
from goldensample.station.line.scene import Scene
from goldensample.station.line.storing import keep
from goldensample.station.products.good_pictures import learned, records_in_use
from goldensample.station.products.products import Product, Products
from goldensample.station.records.archive import Archive
from goldensample.station.records.ledger import Ledger
from goldensample.station.records.migration import open_database
from goldensample.station.records.retention import Retention
from goldensample.station.records.rows import Change, Record
from goldensample.station.settings import Settings
from goldensample.station.setup.setup import SettingUp
from goldensample.storage.lock import locked

log = logging.getLogger(__name__)


class Input(Protocol):
    """Brings pictures to the line."""

    def close(self) -> None:
        """Bring no more."""


class Output(Protocol):
    """Is told of records."""

    def send(self, record: Record) -> None:
        """Take a record; never waits."""

    def close(self) -> None:
        """Take no more."""


class Station:
    """Archive, records, products, line and news, made for each other.

    Args:
        settings: as given at the start.
        files: the products' `.golden` files.

    Raises:
        ArtifactError: a file, the folder or the database cannot be used.
        ValueError: two products have the same name.
    """

    def __init__(self, settings: Settings, files: Sequence[Path]) -> None:
        self.settings = settings
        self.products = Products([*files, *made_here(settings.folder, files)], self._changed)
        self.archive = Archive(settings.folder / "pictures")
        self._mine = ExitStack()
        self._mine.enter_context(alone(settings.folder))
        self.ledger = Ledger(open_database(settings.url))
        self.archive.recover(self.ledger.newest_files())
        self.events = Events()
        self.answering = threading.Lock()
        self.scene = Scene(settings.folder / "scene", self._alarm)
        stores = partial(keep, self.archive, self.ledger)
        self.line = Line(self.archive, settings.waiting, stores, self._stored, self.scene.seen)
        self.setting_up = SettingUp(
            settings.folder, self.products, settings.backbone, self.events.send
        )
        self.retention = Retention(
            self.archive, self.ledger, settings.keep, self.line.between, self._records_in_use
        )
        self.began = time.monotonic()
        self._inputs: list[Input] = []
        self._outputs: list[Output] = []

    def feed(self, source: Input) -> None:
        """Keep a source of pictures, to be closed before the line is."""
        self._inputs.append(source)

    def tell(self, output: Output) -> None:
        """Tell an output of each record from now on."""
        self._outputs.append(output)

    def close(self) -> None:
        """Finish what was accepted, then let go of everything."""
        for source in self._inputs:
            source.close()
        self.setting_up.close()
        self.retention.close()
        self.line.stop()
        self.scene.close()
        for output in self._outputs:
            output.close()
        self.events.close()
        self.ledger.close()
        self._mine.close()

    def note(
        self, product: str, operator: str, action: str, revision: int | None, words: str
    ) -> None:
        """Keep a change, and tell open pages.

        What is told is done already, and inputs and outputs tell of it from threads of their own:
        a database that is away ends none of them, and the log has the words then.
        """
        try:
            self.ledger.note(Change(0, product, time.time(), operator, action, revision, words))
        except SQLAlchemyError:
            log.exception("cannot keep of %s: %s", product or "the station", words)
        self.events.send("change", {"product": product, "action": action, "words": words})

    def _stored(self, record: Record) -> None:
        """Tell open pages of a new record."""
        self.events.send("record", shown(record))
        for output in self._outputs:
            output.send(record)

    def _records_in_use(self) -> set[int]:
        """Return the numbers of the records that any product has learned from."""
        return {number for one in self.products for number in records_in_use(one.state.inspector)}

    def _changed(self, product: Product, words: str) -> None:
        """Keep that another program has changed a product's file."""
        self.note(product.key, "", "file", product.state.revision, words)

    def _alarm(self, product: str, words: str, since: int) -> None:
        """Keep that a scene has changed."""
        self.note(
            product, "", "alarm", None, f"the scene has changed since record {since}: {words}"
        )


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keep a station's folder for one station.

    Raises:
        ArtifactError: another station has it.
    """
    with ExitStack() as stack:
        try:
            stack.enter_context(locked(folder / "station"))
        except ArtifactError as error:
            raise ArtifactError(
                f"a folder must be that of one station; another one runs in {folder}; stop it, or "
                "give another --folder"
            ) from error
        yield


def made_here(folder: Path, given: Sequence[Path]) -> list[Path]:
    """Return the products that were set up in a station's folder, but for those given anyway."""
    known = {path.resolve() for path in given}
    found = sorted((folder / "products").glob("*.golden"))
    return [path for path in found if path.resolve() not in known]


def shown(record: Record) -> dict[str, Any]:
    """Return what a page needs to show a new record."""
    return {
        "id": record.id,
        "product": record.product,
        "name": record.name,
        "verdict": record.verdict,
        "score": record.score,
        "p_value": record.p_value,
    }


def note_of(operator: str, words: str) -> Note:
    """Return what a product's journal says of a change made now."""
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime())
    return Note(stamp, f"{words} ({operator or 'station'})")


def learned_name(record: Record) -> str:
    """Return the name under which a product learns a record's picture.

    The hash tells it from that of another station's record with the same number.
    """
    return f"record-{record.id}-{record.picture_sha256[:12]}"


def learned_from(station: Station, name: str) -> Record | None:
    """Return the record whose picture a product learned here under a name, or None.

    A file that learned at another station has names of that one's records: they are not ours.
    """
    number = learned(name)
    record = station.ledger.one(number) if number else None
    return record if record and learned_name(record) == name else None
