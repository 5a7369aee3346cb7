"""The station: owns archive, database, products, line and monitors; opens and closes them."""

import logging
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from goldensample.inspection.inspector import Inspector
from goldensample.learning.revisions import Note
from goldensample.records import Inspection, Picture
from goldensample.station.connection_state import ConnectionState
from goldensample.station.line.connectors import Input, Output
from goldensample.station.line.controller_image import ControllerImage
from goldensample.station.line.controller_words import ERRORS, error_code
from goldensample.station.line.events import Events, record_event
from goldensample.station.line.jobs import Job
from goldensample.station.line.line import Line
from goldensample.station.line.part_job import PartStore, answer_interrupted
from goldensample.station.line.scene import SceneMonitor
from goldensample.station.line.serials import with_code
from goldensample.station.line.triggers import Triggers
from goldensample.station.metrics import Metrics
from goldensample.station.products.good_pictures import record_number, records_in_use
from goldensample.station.products.parts import PartProducts, split_files
from goldensample.station.products.products import Product, Products, State
from goldensample.station.qualifying.qualifier import Qualifier
from goldensample.station.records.archive import Archive
from goldensample.station.records.ledger import Ledger
from goldensample.station.records.migration import open_database
from goldensample.station.records.parts import PartRecord, whole_part
from goldensample.station.records.retention import Retention
from goldensample.station.records.rows import Change, Record
from goldensample.station.settings import Settings
from goldensample.station.setup.setup import ProductSetup
from goldensample.station.station_folder import find_parts, find_products, lock_folder
from goldensample.station.troubles import Trouble

log = logging.getLogger(__name__)


class Station:
    """Archive, database, products, line and events of one station folder.

    Args:
        settings: configuration.
        files: the products' `.golden` files, and `.golden-part` files of parts of several views.

    Raises:
        ArtifactError: a file, the folder or the database cannot be used.
        ValueError: two products have the same name.
    """

    def __init__(self, settings: Settings, files: Sequence[Path]) -> None:
        self.settings = settings
        files, part_files = split_files([*files, *find_parts(settings.folder, files)])
        paths = [*files, *find_products(settings.folder, files)]
        self.products = Products(paths, self._log_file_change)
        self.parts = PartProducts(part_files, self.products, settings.waiting)
        self.archive = Archive(settings.folder / "pictures")
        self._resources = ExitStack()
        self._resources.enter_context(lock_folder(settings.folder))
        self.ledger = Ledger(open_database(settings.url))
        self.archive.recover(self.ledger.newest_hashes())
        self.events, self.metrics = Events(), Metrics()
        self.answer_lock = threading.Lock()
        self.teaching_lock = threading.Lock()
        self.tried: tuple[int, Any, Inspector] | None = None  # see `misses.cost_of`
        self.scene = SceneMonitor(settings.folder / "scene", self._log_alarm)
        self.part_store = PartStore(self.archive, self.ledger, self._publish_part)
        self.triggers = Triggers()
        limit, late_s = settings.waiting, settings.deadline_s
        self.line = Line(
            self.archive, limit, self.part_store.store, self._publish, self._observe, late_s
        )
        self.image = ControllerImage(self.triggers, self.line, self._in_trouble)
        self.image.restore(self.ledger, self.answered_keys)
        self.setup = ProductSetup(
            settings.folder, self.products, settings.backbone, self.events.send
        )
        self.qualifier = Qualifier(settings.folder, self.events.send)
        self.retention = Retention(
            self.archive,
            self.ledger,
            settings.retention,
            self.line.run_exclusive,
            self._records_in_use,
        )
        self.started = time.monotonic()
        self.read_codes: set[str] = set()  # keys of products in whose pictures codes are read
        self._inputs: list[Input] = []
        self.outputs: list[Output] = []

    @property
    def answered_keys(self) -> list[str]:
        """Keys of parts of several views, then of products: each has verdicts of its own."""
        return [one.key for one in (*self.parts, *self.products)]

    def answer_interrupted(self) -> None:
        """Answer the parts that were under way when the last run ended, at all outputs."""
        if words := answer_interrupted(self.part_store, self.parts, self.products, self._publish):
            self.log_change("", "", "trouble", None, words)

    def add_input(self, source: Input) -> None:
        """Register a source of pictures, which is closed before the line."""
        self._inputs.append(source)

    def add_output(self, output: Output) -> None:
        """Send each record to an output from now on."""
        self.outputs.append(output)

    def connection_states(self) -> list[ConnectionState]:
        """Return how each input and output is connected now."""
        return [connection.state() for connection in (*self._inputs, *self.outputs)]

    def retry_outputs(self, kind: str) -> int | None:
        """Try again what a kind of output refused; return how many records, None without such."""
        outputs = [output for output in self.outputs if output.state().kind == kind]
        return sum(output.retry() for output in outputs) if outputs else None

    def close(self) -> None:
        """Finish accepted pictures, then release all resources."""
        for source in self._inputs:
            source.close()
        self.setup.close()
        self.qualifier.close()
        self.retention.close()
        self.line.stop()
        self.scene.close()
        for output in self.outputs:
            output.close()
        self.events.close()
        self.ledger.close()
        self._resources.close()

    def log_change(
        self, product: str, operator: str, action: str, revision: int | None, message: str
    ) -> int | None:
        """Store a change or an incident, and send it to open pages; return its id, or None.

        It has happened already, and inputs and outputs report from their own threads: where the
        database cannot be reached, the message goes to the log and nothing is raised.
        """
        change = Change(0, product, time.time(), operator, action, revision, message)
        change_id = None
        try:
            change_id = self.ledger.add_change(change)
        except SQLAlchemyError:
            log.error("the station's database is away and does not keep: %s", message)
        self.events.send("change", {"product": product, "action": action, "words": message})
        return change_id

    def amend_change(self, change_id: int, message: str) -> None:
        """Replace the words of a change or an incident; the log has them where that fails."""
        try:
            self.ledger.amend_change(change_id, message)
        except SQLAlchemyError:
            log.error("the station's database is away and does not keep: %s", message)

    def trouble(self, name: str, product: str = "", action: str = "output") -> Trouble:
        """Return a connection's trouble: one line of the journal each time, with a count.

        Args:
            name: of the connection, as people call it.
            product: its product's key, or "" for all.
            action: of the changes, such as "camera".
        """
        add = partial(self.log_change, product, "", action, None)
        return Trouble(name, add, self.amend_change)

    def _observe(self, job: Job, state: State, picture: Picture, inspection: Inspection) -> Job:
        """Watch the scene of an inspected picture, and read the code of its part."""
        job = replace(job, scene=self.scene.observe(job, state, picture, inspection))
        return with_code(job, picture) if job.product.key in self.read_codes else job

    def _publish(self, record: Record, answered: bool) -> None:
        """Send a new record to open pages, and to outputs unless they had an answer already."""
        self.metrics.add(record)
        self.events.send("record", record_event(record))
        if not answered:
            self._answer(record)

    def _answer(self, record: Record) -> None:
        """Send a record, or a part, to controllers and outputs."""
        self.image.answer(record)
        for output in self.outputs:
            output.send(record)

    def _in_trouble(self) -> bool:
        """Tell whether a source of pictures is in trouble."""
        return any(source.state().state == "trouble" for source in self._inputs)

    def _publish_part(self, part: PartRecord, records: Sequence[Record]) -> None:
        """Send a part and its views' new records to open pages, and the part to outputs."""
        self.metrics.add_part(part)
        for record in records:
            self.metrics.add(record)
            self.events.send("record", record_event(record, part.verdict))
        whole = whole_part(part, records)
        self.line.late += error_code(whole) == ERRORS["late"]
        self._answer(whole)
        self.events.send("part", asdict(part))

    def _records_in_use(self) -> set[int]:
        """Return the ids of the records that any product has learned from."""
        return {
            record_id
            for product in self.products
            for record_id in records_in_use(product.state.inspector)
        }

    def _log_file_change(self, product: Product, message: str) -> None:
        """Log that another program has changed a product's file."""
        self.log_change(product.key, "", "file", product.state.revision, message)

    def _log_alarm(self, product: str, message: str, since: int) -> None:
        """Log that a scene has changed."""
        self.log_change(
            product, "", "alarm", None, f"the scene has changed since record {since}: {message}"
        )


def make_note(operator: str, message: str) -> Note:
    """Return the journal entry of a change made now."""
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime())
    return Note(stamp, f"{message} ({operator or 'station'})")


def learned_name(record: Record) -> str:
    """Return the name under which a product learns a record's picture.

    The hash distinguishes it from another station's record with the same number.
    """
    return f"record-{record.id}-{record.picture_sha256[:12]}"


def find_learned_record(station: Station, name: str) -> Record | None:
    """Return the record whose picture a product learned here under a name, or None.

    A file that learned at another station has names of that station's records, which never match.
    """
    number = record_number(name)
    record = station.ledger.get(number) if number else None
    return record if record and learned_name(record) == name else None
