"""Parts on the line: views are inspected one by one, and stored all together or not at all."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from functools import partial

from goldensample.station.line.deadline import LATE
from goldensample.station.line.jobs import Job, JobResult, seconds_since, stand_in
from goldensample.station.line.line import Line, Submit
from goldensample.station.line.storing import store_part, store_results
from goldensample.station.products.parts import PartProduct, PartProducts, PartVerdict
from goldensample.station.products.products import Products
from goldensample.station.records.archive import Archive
from goldensample.station.records.ledger import Ledger
from goldensample.station.records.parts import INTERRUPTED, PartRecord
from goldensample.station.records.rows import ERROR, Record
from goldensample.wording.numbers import count

Tell = Callable[[PartRecord, Sequence[Record]], None]
"""Called with a part and its views' records once they are stored."""
log = logging.getLogger(__name__)


class PartJob:
    """A part that was accepted. All methods are called in the line's thread that stores.

    Args:
        part: as it was begun.
        product: whose rule judges it.
        names: of the views that came, each of which gets a job.
        reason: why it cannot be judged, or "".
    """

    def __init__(
        self, part: PartRecord, product: PartProduct, names: Sequence[str], reason: str = ""
    ) -> None:
        self.part, self.answer = part, Future[tuple[PartRecord, list[Record]]]()
        self.answer.set_running_or_notify_cancel()
        self._product, self._names, self._reason = product, set(names), reason
        self._results: dict[str, JobResult] = {}
        self._failures: dict[str, str] = {}

    @property
    def complete(self) -> bool:
        """Whether it is known of every view what became of it."""
        return self._names <= {*self._results, *self._failures}

    def hold(self, result: JobResult, archive: Archive) -> None:
        """Keep the result of a view until those of all are there; a verdict rather than "late"."""
        held = self._results.setdefault(result.job.view, result)
        if held is result:
            return
        if held.record.note.startswith(LATE):
            self._results[result.job.view], result = result, held
        archive.discard(result.job.incoming)

    def fail(self, view: str, error: BaseException) -> None:
        """Note that a view could not be inspected."""
        self._failures[view] = str(error)

    def finish(self, archive: Archive, ledger: Ledger, tell: Tell) -> None:
        """Judge the part, store it with its views, and only then answer."""
        jobs = {view: result.job for view, result in self._results.items()}
        try:
            serial, found = self._judge()
            part = replace(
                self.part,
                serial=serial,
                milliseconds=round(1000 * seconds_since(self.part.time), 3),
                verdict=found.verdict,
                p_value=found.p_value,
                view=found.view,
                note=found.note,
            )
            results = [*self._results.values(), *self._stand_ins(archive)]
            results = [with_serial(result, serial) for result in results]
            results.sort(key=lambda result: self._product.names.index(result.job.view))
            stored = store_part(archive, ledger, results, part)
        except Exception as error:
            log.exception("could not store part %d", self.part.id)
            self._answer(jobs, error)
            self.answer.set_exception(error)
            return
        self._answer(jobs, {record.view or "": record for record in stored})
        self.answer.set_result((part, stored))
        try:
            tell(part, stored)
        except Exception:
            log.exception("could not tell of part %d", part.id)

    def _judge(self) -> tuple[str, PartVerdict]:
        """Return the serial number of the part, which a view's code may tell, and its verdict."""
        codes = sorted({result.job.serial for result in self._results.values()} - {""})
        if self._reason or len(codes) > 1:
            reason = self._reason or f"views of several serial numbers: {', '.join(codes)}"
            return self.part.serial, PartVerdict(ERROR, note=reason)
        records = {view: result.record for view, result in self._results.items()}
        serial = codes[0] if codes else self.part.serial
        return serial, self._product.judge(records, self._failures)

    def _stand_ins(self, archive: Archive) -> Iterator[JobResult]:
        """Give a record without a picture, an error, of each view that is not there and must be."""
        for name in self._product.required:
            if name not in self._results:
                reason = self._failures.get(name) or self._reason or f"view {name} missing"
                yield stand_in(archive, self._product.products[name], self.part, name, reason)

    def _answer(self, jobs: dict[str, Job], found: dict[str, Record] | Exception) -> None:
        """Answer the jobs of the views."""
        for view, job in jobs.items():
            if isinstance(found, Exception):
                job.answer.set_exception(found)
            else:
                job.answer.set_result(found[view])


def with_serial(result: JobResult, serial: str) -> JobResult:
    """Return the result of a view with the serial number of its part."""
    return replace(result, record=replace(result.record, serial=serial or None))


class PartStore:
    """Stores the results of a line: those of a part are held until all its views are there.

    Args:
        archive, ledger: where to.
        tell: see Tell.
    """

    def __init__(self, archive: Archive, ledger: Ledger, tell: Tell) -> None:
        self.archive, self.ledger, self._tell = archive, ledger, tell
        self._parts: dict[int, PartJob] = {}

    def begin(self, part: PartJob) -> None:
        """Expect the views of a part; from any thread, before they are submitted."""
        self._parts[part.part.id] = part

    def fail(self, part: PartJob, view: str, error: BaseException) -> None:
        """Note that a view of a part could not be inspected; in the line's thread that stores."""
        part.fail(view, error)
        self.finish_complete(part)

    def store(self, results: Sequence[JobResult]) -> list[Record | Exception | None]:
        """Store results.

        Returns:
            for each its stored record, or the error; None of a view that is held, or was stored and
            answered with its part.
        """
        parts = [self._parts.get(result.job.part or 0) for result in results]
        pairs = list(zip(results, parts, strict=True))
        alone = [result for result, part in pairs if part is None]
        stored = iter(store_results(self.archive, self.ledger, alone))
        for result, part in pairs:
            if part:
                part.hold(result, self.archive)
                self.finish_complete(part)
        return [None if part else next(stored) for part in parts]

    def finish_complete(self, part: PartJob) -> None:
        """Finish a part if all is known of it; in the line's thread that stores."""
        if part.complete and part.part.id in self._parts:
            del self._parts[part.part.id]
            part.finish(self.archive, self.ledger, self._tell)


def submit_part(
    line: Line, store: PartStore, part: PartJob, jobs: Mapping[str, Job], submits: Sequence[Submit]
) -> None:
    """Have the views of a part inspected.

    Args:
        line: which inspects them.
        store: which stores them.
        part: that waits for them.
        jobs: of its views, by name.
        submits: a reserved slot of the line for each job.
    """
    store.begin(part)
    if not jobs:
        line.run_exclusive(partial(store.finish_complete, part))
    for submit, (view, job) in zip(submits, jobs.items(), strict=False):
        watch_view(line, store, part, view, job.answer)
        submit(job)


def watch_view(
    line: Line, store: PartStore, part: PartJob, view: str, answer: "Future[Record]"
) -> None:
    """Let a part know when a view of it cannot be inspected."""

    def failed(answer: "Future[Record]") -> None:
        if not part.answer.done() and (error := answer.exception()):
            line.run_exclusive(partial(store.fail, part, view, error))

    answer.add_done_callback(failed)


def answer_interrupted(
    store: PartStore,
    parts: PartProducts,
    products: Products,
    on_stored: Callable[[Record, bool], None],
) -> str:
    """Answer what was under way when the last run ended; return how many parts, in words.

    Nothing else may be stored meanwhile. Parts of a folder begin anew: their files are still there.

    Args:
        store: of the line.
        parts, products: in service; nobody waits for others any more.
        on_stored: called with the record of each trigger, see `Line`.
    """
    answered, known = 0, store.ledger.parts
    for begun in known.under_way():
        if begun.source == "folder":
            known.forget(begun)
            continue
        answered += 1
        if part := parts.get(begun.product):
            interrupted = PartJob(begun, part, (), INTERRUPTED)
            store.begin(interrupted)
            store.finish_complete(interrupted)
        elif product := products.get(begun.product):
            [stored] = store.store([stand_in(store.archive, product, begun, "", INTERRUPTED)])
            if isinstance(stored, Record):  # else it is answered at the next start
                on_stored(stored, False)
        else:
            known.fail(replace(begun, verdict=ERROR, note=INTERRUPTED))
    words = "under way when the station stopped: no verdict"
    return f"{count(answered, 'part')} {words}" if answered else ""
