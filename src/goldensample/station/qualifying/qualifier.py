"""Makes qualifications, one at a time, each in a subprocess."""

import json
import shutil
import subprocess
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from goldensample.errors import ArtifactError
from goldensample.station.products.products import Product
from goldensample.station.qualifying.kept import Qualification, Qualifications
from goldensample.station.qualifying.studies import Studies
from goldensample.station.setup.child_process import follow, launch

TASK = "task.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is to be qualified, on which pictures.

    Args:
        by: who asks, or "".
        good: name and path of the folder of good parts.
        defects: the same of defects; None for `answered`.
        answered: (name, path) of pictures that people here called defects.
        study: folder of a study of appraisers and all its calls, or None.
        mm_per_px, rate: as for `golden qualify`.
        language: of the paper.
    """

    by: str
    good: tuple[str, Path]
    defects: tuple[str, Path] | None
    answered: Sequence[tuple[str, Path]] = ()
    study: tuple[Path, list[dict[str, str]]] | None = None
    mm_per_px: float | None = None
    rate: float | None = None
    language: str = "en"


class Qualifier:
    """Makes qualifications of products, and keeps them and the studies of their appraisers.

    Args:
        folder: of the station.
        send: sends an event (kind, values) to open pages.
    """

    def __init__(self, folder: Path, send: Callable[[str, dict[str, Any]], None]) -> None:
        self.kept = Qualifications(folder.absolute() / "qualifications")
        self.studies = Studies(folder.absolute() / "studies")
        self._send = send
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._thread: threading.Thread | None = None
        self._running: Qualification | None = None
        self._share, self._cancelled = 0.0, False

    def start(self, product: Product, request: Request) -> Qualification:
        """Start a qualification.

        Raises:
            ArtifactError: another one is being made.
            ValueError: there are no defects.
        """
        if request.defects is None and not request.answered:
            raise ValueError(
                "a qualification must have defects; nobody has called a part of this product one; "
                "choose a folder of defects"
            )
        with self._lock:
            if self._running is not None:
                raise ArtifactError(
                    "qualifications must be made one at a time; another is being made; wait for it"
                )
            state = product.refresh()
            one = self.kept.create(
                product=product.key,
                by=request.by,
                revision=state.revision,
                file_sha256=state.sha256,
                good=request.good[0],
                defects=request.defects[0] if request.defects else "",
            )
            folder = self.kept.path(one)
            shutil.copyfile(product.path, folder / f"{product.key}.golden")
            (folder / TASK).write_text(json.dumps(_task(product, request)), encoding="utf-8")
            self._running, self._share, self._cancelled = one, 0.0, False
            self._process = launch("goldensample.station.qualifying.process", folder)
        self._thread = threading.Thread(target=self._follow, args=(one,), name="station-qualify")
        self._thread.start()
        return one

    def cancel(self, product: str) -> None:
        """Cancel the qualification of a product, if one is being made, and wait for its end."""
        with self._lock:
            if self._running is None or self._running.product != product or not self._process:
                return
            self._cancelled = True
            self._process.terminate()
        if self._thread:
            self._thread.join()

    def close(self) -> None:
        """Cancel what is being made."""
        if running := self._running:
            self.cancel(running.product)

    def status(self, product: str) -> dict[str, Any] | None:
        """Return how far the qualification of a product is as JSON values; None without one."""
        running = self._running
        if running is None or running.product != product:
            return None
        return {"product": product, "id": running.id, "state": "working", "share": self._share}

    def _follow(self, one: Qualification) -> None:
        """Read the progress of a qualification until it ends."""
        assert self._process, "it was launched"

        def advance(_: str, done: int, total: int) -> None:
            self._share = round(min(done / max(total, 1), 1.0), 4)
            if status := self.status(one.product):
                self._send("qualification", status)

        code, error = follow(self._process, advance)
        if code and not error:
            error = f"its process ended at once (code {code}), perhaps for want of memory"
        error = "it was cancelled" if self._cancelled else error
        for left in (TASK, f"{one.product}.golden"):
            (self.kept.path(one) / left).unlink(missing_ok=True)
        with self._lock:
            self.kept.change(one, state="failed" if error else "ready", error=error)
            self._running, self._process = None, None
        self._send("qualification", {"product": one.product, "id": one.id, "state": "ended"})


def _task(product: Product, request: Request) -> dict[str, Any]:
    return {
        "product": product.key,
        "by": request.by,
        "good": str(request.good[1]),
        "defects": str(request.defects[1]) if request.defects else None,
        "answered": [(name, str(path)) for name, path in request.answered],
        "study": request.study and (str(request.study[0]), request.study[1]),
        "mm_per_px": request.mm_per_px,
        "rate": request.rate,
        "language": request.language,
    }
