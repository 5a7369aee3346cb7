"""Fits of drafts, one at a time, each in a process of its own; and what becomes of them."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from goldensample.errors import ArtifactError
from goldensample.fitting.calibrate import Promise
from goldensample.station.products.products import KEY, Product, Products
from goldensample.station.setup.drafts import FITTED, RESULT, Draft, Drafts
from goldensample.station.setup.source_folders import printable
from goldensample.wording.progress import STAGES as WORDS

WEIGHTS = {"check": 0.1, "features": 1.0, "coreset": 0.5, "threshold": 1.0, "audit": 1.5}
"""How long the stages take beside each other, about; others are short."""
ROUND = ("check", "features", "coreset", "threshold", "thumbnails")
AUDIT = ("audit features", "audit denoise", "audit coreset", "audit")
ORDER = (*ROUND, *AUDIT)
STEP = {"thumbnails": 0.1, "audit features": 0.8, "audit denoise": 0.2, "audit coreset": 0.4}


@dataclass(frozen=True, slots=True)
class Working:
    """A fit that is being made.

    Args:
        draft: identity of its draft.
        began: when, on the monotonic clock.
        stage: in words.
        done, total: of the stage.
        share: of all the work, in [0, 1], about.
    """

    draft: str
    began: float
    stage: str = "starting"
    done: int = 0
    total: int = 0
    share: float = 0.0

    def told(self) -> dict[str, Any]:
        """Return what a page shows: with the seconds passed, and those left where one can tell."""
        passed = time.monotonic() - self.began
        left = passed * (1 - self.share) / self.share if self.share > 0.03 else None
        return {
            "draft": self.draft,
            "state": "fitting",
            "stage": self.stage,
            "done": self.done,
            "total": self.total,
            "share": round(self.share, 4),
            "passed_s": round(passed, 1),
            "left_s": None if left is None else round(left, 1),
        }


class SettingUp:
    """Makes products of drafts.

    Args:
        folder: of the station; new products go to `products` there.
        products: those in service.
        backbone: network of new products, as for `golden fit`.
        send: tells open pages (kind, values).
    """

    def __init__(
        self,
        folder: Path,
        products: Products,
        backbone: str,
        send: Callable[[str, dict[str, Any]], None],
    ) -> None:
        self._folder, self._products = folder.absolute() / "products", products
        self._backbone, self._send = backbone, send
        self.drafts = Drafts(folder.absolute() / "drafts")
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._thread: threading.Thread | None = None
        self._cancelled = False
        self.working: Working | None = None

    def check_name(self, name: str) -> None:
        """Refuse what a product cannot be called.

        Raises:
            ValueError: it is no name, or a product has it.
        """
        if not KEY.fullmatch(name):
            raise ValueError(
                "a product must be named with letters, digits, dots, dashes and underscores, 64 at "
                "most, the first a letter or digit; choose another name"
            )
        taken = {one.key.casefold() for one in self._products}
        if name.casefold() in taken or (self._folder / f"{name}.golden").exists():
            raise ValueError(f"a product must have a name of its own; {name} is taken")

    def start(self, draft: Draft, name: str, false_alarms: float, review: float | None) -> None:
        """Begin the fit of a draft.

        Raises:
            ValueError: the name or a rate cannot be.
            ArtifactError: another fit is being made.
        """
        self.check_name(name)
        Promise(false_alarms, review)
        with self._lock:
            if self.working is not None:
                raise ArtifactError(
                    "fits must be one at a time; another is being made; wait for it or cancel it"
                )
            task = {
                "pictures": [
                    (number, draft.pictures[number].name, str(draft.pictures[number].path))
                    for number in draft.kept()
                ],
                "false_alarms": false_alarms,
                "review": review,
                "backbone": self._backbone,
            }
            if not task["pictures"]:
                raise ValueError("a fit must have pictures; the draft has none; add some")
            for left in (FITTED, RESULT):
                (draft.folder / left).unlink(missing_ok=True)
            (draft.folder / "task.json").write_text(json.dumps(task), encoding="utf-8")
            rates = {"false_alarms": false_alarms, "review": review}
            draft.change(stage="fitting", error="", name=name, **rates)
            self.working, self._cancelled = Working(draft.id, time.monotonic()), False
            self._process = _launch(draft.folder)
        self._thread = threading.Thread(target=self._follow, args=(draft,), name="station-fit")
        self._thread.start()

    def cancel(self, draft: Draft) -> None:
        """End the fit of a draft, if it is being made, and return when it has ended."""
        with self._lock:
            mine = self.working is not None and self.working.draft == draft.id
            process, thread = self._process, self._thread
            if not mine or process is None:
                return
            self._cancelled = True
            process.terminate()
        if thread:
            thread.join()

    def close(self) -> None:
        """End whatever is being made."""
        working = self.working
        if working and (draft := self.drafts.get(working.draft)):
            self.cancel(draft)

    def serve(self, draft: Draft) -> Product:
        """Put a fitted draft into service; the draft is done with.

        Raises:
            ArtifactError: it is not fitted.
            ValueError: a product of its name has come meanwhile.
        """
        with self._lock:
            if draft.facts.stage != "ready":
                raise ArtifactError("a product must be fitted to be put into service; fit it first")
            self.check_name(draft.facts.name)
            self._folder.mkdir(parents=True, exist_ok=True)
            path = self._folder / f"{draft.facts.name}.golden"
            os.replace(draft.folder / FITTED, path)
            product = Product(path)
            self._products.add(product)
        self.drafts.discard(draft)
        return product

    def told(self, draft: Draft) -> dict[str, Any]:
        """Return how a draft's fit is."""
        working = self.working
        if working is not None and working.draft == draft.id:
            return working.told()
        return {"draft": draft.id, "state": draft.facts.stage, "error": draft.facts.error}

    def _follow(self, draft: Draft) -> None:
        """Read what a fit tells, until it ends."""
        process, error = self._process, ""
        assert process, "a fit was launched"
        assert process.stdout, "it tells its progress"
        for line in process.stdout:
            if not line.startswith("{"):
                continue  # a library's own words
            values = json.loads(line)
            error = printable(values.get("error", error))
            if "stage" in values and self.working:
                self.working = further(self.working, **values)
                self._send("fit", self.working.told())
        code = process.wait()
        self._end(draft, ending(code, self._cancelled, error))

    def _end(self, draft: Draft, error: str) -> None:
        """Keep how a fit ended, and tell."""
        ready = not error and (draft.folder / FITTED).exists() and draft.result() is not None
        with self._lock:
            self.working, self._process = None, None
            cancelled = "open" if self._cancelled else "failed"
            draft.change(stage="ready" if ready else cancelled, error=error)
        self._send("fit", self.told(draft))


def further(before: Working, stage: str, done: int, total: int) -> Working:
    """Return the work after a step; it never goes backwards."""
    sizes = {name: STEP.get(name, WEIGHTS.get(name, 0.1)) for name in ORDER}
    plain = stage if stage in sizes else stage.removeprefix("audit ")
    share = before.share
    if plain in sizes:
        earlier = sum(sizes[name] for name in ORDER[: ORDER.index(plain)])
        now = earlier + sizes[plain] * (done / total if total else 0)
        share = max(share, now / sum(sizes.values()))
    spoken = WORDS.get(stage.removeprefix("audit "), stage)
    if stage in AUDIT[:-1]:
        spoken = f"looking for odd pictures: {spoken}"
    return replace(before, stage=spoken, done=done, total=total, share=share)


def ending(code: int, cancelled: bool, error: str) -> str:
    """Return why a fit ended without a product, or ""."""
    if cancelled:
        return "the fit was cancelled"
    if error or code == 0:
        return error
    return (
        f"the fit must run to its end; its process ended at once (code {code}), perhaps for want "
        "of memory; use fewer pictures, or golden fit on a larger machine"
    )


def _launch(folder: Path) -> "subprocess.Popen[str]":
    """Start the process of a fit, below the line in priority."""
    log = open(folder / "fit.log", "w", encoding="utf-8")  # noqa: SIM115 (the child's)
    with log:
        return subprocess.Popen(
            [sys.executable, "-m", "goldensample.station.setup.fit_process", str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            encoding="utf-8",
            start_new_session=True,  # Ctrl-C is the station's, which then ends the fit itself
        )
