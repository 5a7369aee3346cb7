"""Courier: takes records from the outbox to a receiver, at least once, oldest first."""

import logging
import threading
import time
from contextlib import suppress
from dataclasses import dataclass

from sqlalchemy.exc import SQLAlchemyError

from goldensample.station.connection_state import ConnectionState
from goldensample.station.outputs.receiver import Receiver, RefusedError, UnreachableError
from goldensample.station.records.outbox import Outbox
from goldensample.station.records.rows import Record
from goldensample.station.troubles import JournalLine, Trouble

BATCH = 20
"""Records that are read from the outbox at a time."""
PAUSES_S = (1.0, 60.0)
"""Seconds between two attempts: at first, and at most; each is twice the one before."""
IDLE_S = 3600.0
"""Seconds after which an idle courier looks for entries that have become too old."""
LAST_S = 5.0
"""Seconds that a station that stops goes on delivering; the rest stays in the outbox."""
DAY_S = 86_400.0
REFUSED = "refused verdicts before the station last started; try again when that is mended"
DATABASE_AWAY = "the station's database is away"
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class OutboxLimits:
    """What waits for a receiver; beyond it the oldest is dropped.

    Args:
        records: how many, at least 1.
        days: how old, above 0.

    Raises:
        ValueError: a number is out of its range.
    """

    records: int = 100_000
    days: float = 7.0

    def __post_init__(self) -> None:
        if self.records < 1:
            raise ValueError(f"--outbox-limit must be 1 or more; got {self.records}")
        if not self.days > 0:
            raise ValueError(f"--outbox-days must be above 0; got {self.days:g}")


class Courier:
    """An output that delivers in a thread of its own; an `Output` of a station.

    Args:
        receiver: where to.
        outbox: of the station.
        limits: of what waits.
        trouble: of reaching the receiver.
        refusals: of records that it refuses.
        dropped: line of the journal for what was dropped.
    """

    def __init__(
        self,
        receiver: Receiver,
        outbox: Outbox,
        limits: OutboxLimits,
        trouble: Trouble,
        refusals: Trouble,
        dropped: JournalLine,
    ) -> None:
        self._receiver, self._outbox, self._limits = receiver, outbox, limits
        self._trouble, self._refusals, self._dropped = trouble, refusals, dropped
        self._change = threading.Condition()
        self._woken, self._hurried, self._stopping = False, False, False
        self._tested: Record | None = None
        self._last_success: float | None = None
        self._connected, self._lost, self._first_lost = False, 0, 0
        self._counts, self._look_again = (0, 0), 0.0
        outbox.open(receiver.kind)
        self._thread = threading.Thread(
            target=self._run, name=f"station-{receiver.kind}", daemon=True
        )
        self._thread.start()

    def send(self, record: Record) -> None:
        """Have a record, which is in the outbox already, delivered soon."""
        self.wake()

    def wake(self) -> None:
        """Look at outbox and connection now, unless an attempt has just failed; any thread."""
        with self._change:
            self._woken = True
            self._change.notify_all()

    def test(self, record: Record) -> None:
        """Have a record that is no part's delivered now, before all that waits."""
        with self._change:
            self._tested, self._hurried = record, True
            self._change.notify_all()

    def retry(self) -> int:
        """Try refused records again, and whatever waits, now; return how many were refused."""
        count = self._outbox.retry(self._receiver.kind)
        with self._change:
            self._hurried = True
            self._change.notify_all()
        return count

    def state(self) -> ConnectionState:
        """Return how the receiver is connected now."""
        with suppress(SQLAlchemyError):  # away: the last counts are told
            self._counts = self._outbox.count(self._receiver.kind)
        waiting, failed = self._counts
        state, since, words = "working", self._trouble.since, "takes verdicts"
        if self._trouble.words:
            state, words = "trouble", self._trouble.words
        elif failed:
            state, since, words = "trouble", self._refusals.since, self._refusals.words or REFUSED
        elif not self._connected:
            state, words = "waiting", "is being connected"
        return ConnectionState(
            name=self._receiver.name,
            kind=self._receiver.kind,
            state=state,
            since=since,
            last_success=self._last_success,
            waiting=waiting,
            lost=self._lost,
            failed=failed,
            words=words,
        )

    def close(self) -> None:
        """Deliver what waits, for seconds and as long as it succeeds, and stop."""
        with self._change:
            self._stopping = True
            self._change.notify_all()
        self._thread.join()

    def _run(self) -> None:
        pause_s = PAUSES_S[0]
        while True:
            stopping = self._stopping
            error = self._attempt()
            if error is None:
                self._trouble.end("verdicts are taken again")
                pause_s = PAUSES_S[0]
            else:
                self._trouble.begin(str(error))
            if stopping:
                break
            self._wait(error, pause_s)
            if error is not None:
                pause_s = min(2 * pause_s, PAUSES_S[1])
        self._receiver.close()

    def _wait(self, error: UnreachableError | None, pause_s: float) -> None:
        """Wait for a record, or after a failure for the time until the next attempt."""
        with self._change:
            if error is None:
                self._change.wait_for(
                    lambda: self._woken or self._hurried or self._stopping, IDLE_S
                )
            else:
                pause_s = min(max(pause_s, error.pause_s), PAUSES_S[1])
                self._change.wait_for(lambda: self._hurried or self._stopping, pause_s)
            self._woken = self._hurried = False

    def _attempt(self) -> UnreachableError | None:
        """Connect and deliver all that waits; return why that failed, or None."""
        try:
            self._drop_old()
            self._receiver.connect(self.wake)
            self._connected = True
            end = time.monotonic() + LAST_S
            while self._deliver_batch():
                if self._stopping and time.monotonic() > end:
                    break
        except UnreachableError as error:
            return error
        except SQLAlchemyError:
            return UnreachableError(DATABASE_AWAY)
        except Exception as error:  # it must not end in silence
            log.exception("%s: an error of golden itself", self._receiver.name)
            return UnreachableError(f"an error of golden itself, {type(error).__name__}: {error}")
        return None

    def _deliver_batch(self) -> bool:
        """Deliver the oldest records; tell whether there were any."""
        kind, is_taken = self._receiver.kind, False
        self._deliver_test()
        batch = self._outbox.next(kind, BATCH)
        for record in batch:
            try:
                self._receiver.deliver(record)
            except RefusedError as error:
                self._outbox.refuse(kind, record.id, str(error))
                self._refusals.begin(f"{error}; kept until somebody tries again under Health")
            else:
                self._outbox.remove(kind, record.id)  # at once: a kill repeats this one alone
                self._last_success, is_taken = time.time(), True
        if is_taken and self._refusals.words and not self._outbox.count(kind)[1]:
            self._refusals.end("what was refused has been taken")
        return bool(batch)

    def _deliver_test(self) -> None:
        """Deliver a record that is no part's, once: where it is refused, its sender is told."""
        with self._change:
            record, self._tested = self._tested, None
        if record is not None:
            try:
                self._receiver.deliver(record)
            except RefusedError as error:
                raise UnreachableError(f"a test was refused: {error}") from error
            self._last_success = time.time()

    def _drop_old(self) -> None:
        """Drop what is beyond the limits, and say which records that were."""
        if time.monotonic() < self._look_again:
            return
        self._look_again = time.monotonic() + PAUSES_S[0]
        before = time.time() - self._limits.days * DAY_S
        dropped = self._outbox.drop(self._receiver.kind, self._limits.records, before)
        if not dropped:
            return
        if not self._lost:
            self._first_lost = min(dropped)
        self._lost += len(dropped)
        verdicts = "1 verdict" if self._lost == 1 else f"{self._lost:,} verdicts"
        self._dropped.write(
            f"{self._receiver.name}: {verdicts}, of records {self._first_lost} to "
            f"{max(dropped)}, not delivered in time: dropped",
            now=True,
        )
