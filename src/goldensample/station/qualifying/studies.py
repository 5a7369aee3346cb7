"""Studies of appraisers: who calls which part what, blind, each in an own order, several times."""

import json
import secrets
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path

from goldensample.datasets.items import Item
from goldensample.errors import ArtifactError
from goldensample.qualification.blind import Sample, draw, order, read_sample, write_sample
from goldensample.storage.atomic import write_atomic

METADATA, CALLS = "study.json", "calls"


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """What is known of a study; the fields are the keys of its file.

    Args:
        id: name of its folder.
        product: its key.
        by: who began it, or "".
        made: when, in seconds since 1970.
        parts: pictures that are called.
        trials: how often each appraiser calls each.
        closed: when it was closed, or None; from then on nobody calls, and results are told.
    """

    id: str
    product: str
    by: str
    made: float
    parts: int
    trials: int
    closed: float | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """One call; see Study."""

    part: str
    trial: int
    call: str
    time: float


@dataclass(frozen=True, slots=True)
class Turn:
    """What an appraiser has to call next; `part` is None when all is called."""

    part: str | None
    trial: int
    done: int
    total: int


class Studies:
    """The studies of all products.

    Args:
        folder: created when the first is made.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._lock = folder, threading.Lock()

    def create(
        self, product: str, by: str, good: Sequence[Item], defects: Sequence[Item],
        parts: int, trials: int,
    ) -> Study:  # fmt: skip
        """Draw a sample, and begin a study of it.

        Raises:
            ValueError: there are too few pictures.
        """
        seed, made = secrets.randbelow(2**31), time.time()
        items = draw(good, defects, parts, seed)
        stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime(made))
        identity = f"{stamp}-{secrets.token_hex(4)}"
        study = Study(id=identity, product=product, by=by, made=made, parts=parts, trials=trials)
        write_sample(items, self.path(study), seed)
        self._save(study)
        return study

    def of(self, product: str) -> list[Study]:
        """Return the studies of a product, the newest first."""
        paths = (self._folder / product).glob(f"*/{METADATA}")
        found = [Study(**json.loads(path.read_text(encoding="utf-8"))) for path in paths]
        return sorted(found, key=lambda one: one.made, reverse=True)

    def get(self, product: str, identity: str) -> Study | None:
        """Return a study, or None."""
        return next((one for one in self.of(product) if one.id == identity), None)

    def sample(self, study: Study) -> Sample:
        """Return the pictures of a study with their references."""
        return read_sample(self.path(study))

    def close(self, study: Study) -> Study:
        """Take no more calls."""
        with self._lock:
            closed = replace(study, closed=time.time())
            self._save(closed)
        return closed

    def turn(self, study: Study, appraiser: str) -> Turn:
        """Return what an appraiser calls next, in the appraiser's own order."""
        done, total = len(self._calls(study, appraiser)), study.parts * study.trials
        if done >= total:
            return Turn(None, study.trials, done, total)
        trial, place = done // study.parts + 1, done % study.parts
        return Turn(order(self.sample(study), appraiser, trial)[place], trial, done, total)

    def call(self, study: Study, appraiser: str, part: str, trial: int, call: str) -> Turn:
        """Keep a call, and return what comes next.

        Raises:
            ArtifactError: it is not this part's turn, or the study is closed.
        """
        with self._lock:
            _check_open(study)
            turn = self.turn(study, appraiser)
            if (turn.part, turn.trial) != (part, trial):
                raise ArtifactError(
                    "a call must be of the part whose turn it is; another page has called it; load "
                    "the page anew"
                )
            calls = [*self._calls(study, appraiser), Call(part, trial, call, time.time())]
            self._save_calls(study, appraiser, calls)
        return self.turn(study, appraiser)

    def undo(self, study: Study, appraiser: str) -> Turn:
        """Take the appraiser's last call back, and return whose turn it is then.

        Raises:
            ArtifactError: the study is closed.
        """
        with self._lock:
            _check_open(study)
            self._save_calls(study, appraiser, self._calls(study, appraiser)[:-1])
        return self.turn(study, appraiser)

    def appraisers(self, study: Study) -> dict[str, int]:
        """Return how many calls each appraiser has made, by name."""
        values = [json.loads(path.read_text(encoding="utf-8")) for path in self._files(study)]
        return {one["appraiser"]: len(one["calls"]) for one in values}

    def rows(self, study: Study) -> list[dict[str, str]]:
        """Return all calls of those who have finished, as `read_appraisals` takes them."""
        sample, rows = self.sample(study), []
        for name, count in sorted(self.appraisers(study).items()):
            if count < study.parts * study.trials:
                continue
            for one in sorted(self._calls(study, name), key=lambda one: (one.trial, one.part)):
                reference = "defect" if sample.items[one.part].defect else "good"
                row = {"appraiser": name, "part": one.part, "trial": str(one.trial)}
                rows.append({**row, "call": one.call, "reference": reference})
        return rows

    def path(self, study: Study) -> Path:
        """Return the folder of a study."""
        return self._folder / study.product / study.id

    def _files(self, study: Study) -> list[Path]:
        return sorted((self.path(study) / CALLS).glob("*.json"))

    def _file(self, study: Study, appraiser: str) -> Path:
        name = sha256(appraiser.encode("utf-8", "surrogateescape")).hexdigest()[:32]
        return self.path(study) / CALLS / f"{name}.json"

    def _calls(self, study: Study, appraiser: str) -> list[Call]:
        path = self._file(study, appraiser)
        if not path.exists():
            return []
        return [Call(**one) for one in json.loads(path.read_text(encoding="utf-8"))["calls"]]

    def _save(self, study: Study) -> None:
        write_atomic(self.path(study) / METADATA, json.dumps(asdict(study)).encode())

    def _save_calls(self, study: Study, appraiser: str, calls: Sequence[Call]) -> None:
        values = {"appraiser": appraiser, "calls": [asdict(one) for one in calls]}
        write_atomic(self._file(study, appraiser), json.dumps(values).encode())


def _check_open(study: Study) -> None:
    if study.closed is not None:
        raise ArtifactError("a study must be open to be called; this one is closed")
