"""Fits of drafts, one at a time, each in a subprocess; and how their products enter service."""

import json
import os
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from goldensample.errors import ArtifactError
from goldensample.fitting.calibrate import Promise
from goldensample.station.products.products import KEY, Product, Products
from goldensample.station.setup.child_process import follow, launch
from goldensample.station.setup.drafts import FITTED, RESULT, Draft, Drafts
from goldensample.station.setup.regions import reference_path
from goldensample.wording.progress import STAGES as STAGE_NAMES

FIT_WEIGHTS = {"check": 0.1, "features": 1.0, "coreset": 0.5, "threshold": 1.0, "thumbnails": 0.1}
AUDIT_WEIGHTS = {"audit features": 0.8, "audit denoise": 0.2, "audit coreset": 0.4, "audit": 1.5}
STAGE_WEIGHTS = FIT_WEIGHTS | AUDIT_WEIGHTS
"""Estimated relative duration of the stages, in order."""


@dataclass(frozen=True, slots=True)
class FitProgress:
    """Progress of a running fit.

    Args:
        draft: id of its draft.
        started: time of the start, by the monotonic clock.
        stage: name of the stage, for people.
        done, total: steps of the stage.
        share: estimated share of all the work, in [0, 1].
    """

    draft: str
    started: float
    stage: str = "starting"
    done: int = 0
    total: int = 0
    share: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """Return the progress as JSON values, with elapsed and estimated remaining seconds."""
        elapsed_s = time.monotonic() - self.started
        left_s = elapsed_s * (1 - self.share) / self.share if self.share > 0.03 else None
        return {
            "draft": self.draft,
            "state": "fitting",
            "stage": self.stage,
            "done": self.done,
            "total": self.total,
            "share": round(self.share, 4),
            "passed_s": round(elapsed_s, 1),
            "left_s": None if left_s is None else round(left_s, 1),
        }


class ProductSetup:
    """Fits drafts and puts them into service as products.

    Args:
        folder: of the station; new products go to `products` there.
        products: products in service.
        backbone: network of new products, as for `golden fit`.
        send: sends an event (kind, values) to open pages.
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
        self.progress: FitProgress | None = None

    def check_name(self, name: str) -> None:
        """Check the name of a new product.

        Raises:
            ValueError: it is no valid key, or is taken.
        """
        if not KEY.fullmatch(name):
            raise ValueError(
                "a product must be named with letters, digits, dots, dashes and underscores, 64 at "
                "most, the first a letter or digit; choose another name"
            )
        taken = {product.key.casefold() for product in self._products}
        if name.casefold() in taken or (self._folder / f"{name}.golden").exists():
            raise ValueError(f"a product must have a name of its own; {name} is taken")

    def start(self, draft: Draft, name: str, false_alarms: float, review: float | None) -> None:
        """Start the fit of a draft.

        Raises:
            ValueError: the name or a rate is invalid.
            ArtifactError: another fit is running.
        """
        self.check_name(name)
        Promise(false_alarms, review)
        with self._lock:
            if self.progress is not None:
                raise ArtifactError(
                    "fits must be one at a time; another is being made; wait for it or cancel it"
                )
            task = {
                "pictures": [
                    (number, draft.pictures[number].name, str(draft.pictures[number].path))
                    for number in draft.included()
                ],
                "false_alarms": false_alarms,
                "review": review,
                "backbone": self._backbone,
                "reference": reference_path(draft),
            }
            if not task["pictures"]:
                raise ValueError("a fit must have pictures; the draft has none; add some")
            for old_file in (FITTED, RESULT):
                (draft.folder / old_file).unlink(missing_ok=True)
            (draft.folder / "task.json").write_text(json.dumps(task), encoding="utf-8")
            rates = {"false_alarms": false_alarms, "review": review}
            draft.change(stage="fitting", error="", name=name, **rates)
            self.progress, self._cancelled = FitProgress(draft.id, time.monotonic()), False
            self._process = launch("goldensample.station.setup.fit_process", draft.folder)
        self._thread = threading.Thread(target=self._follow, args=(draft,), name="station-fit")
        self._thread.start()

    def cancel(self, draft: Draft) -> None:
        """Cancel the fit of a draft, if it is running, and return when it has ended."""
        with self._lock:
            is_running = self.progress is not None and self.progress.draft == draft.id
            process, thread = self._process, self._thread
            if not is_running or process is None:
                return
            self._cancelled = True
            process.terminate()
        if thread:
            thread.join()

    def close(self) -> None:
        """Cancel the running fit."""
        progress = self.progress
        if progress and (draft := self.drafts.get(progress.draft)):
            self.cancel(draft)

    def serve(self, draft: Draft) -> Product:
        """Put a fitted draft into service, and delete the draft.

        Raises:
            ArtifactError: it is not fitted.
            ValueError: its name was taken meanwhile.
        """
        with self._lock:
            if draft.metadata.stage != "ready":
                raise ArtifactError("a product must be fitted to be put into service; fit it first")
            self.check_name(draft.metadata.name)
            self._folder.mkdir(parents=True, exist_ok=True)
            path = self._folder / f"{draft.metadata.name}.golden"
            os.replace(draft.folder / FITTED, path)
            product = Product(path)
            self._products.add(product)
        self.drafts.discard(draft)
        return product

    def fit_status(self, draft: Draft) -> dict[str, Any]:
        """Return the status of a draft's fit as JSON values."""
        progress = self.progress
        if progress is not None and progress.draft == draft.id:
            return progress.to_json()
        return {"draft": draft.id, "state": draft.metadata.stage, "error": draft.metadata.error}

    def _follow(self, draft: Draft) -> None:
        """Read the progress of a fit until it ends."""
        assert self._process, "a fit was launched"
        code, error = follow(self._process, self._advance)
        self._end(draft, failure_reason(code, self._cancelled, error))

    def _advance(self, stage: str, done: int, total: int) -> None:
        """Take a step of the running fit."""
        if self.progress:
            self.progress = advance(self.progress, stage, done, total)
            self._send("fit", self.progress.to_json())

    def _end(self, draft: Draft, error: str) -> None:
        """Save the outcome of a fit, and send it to open pages."""
        ready = not error and (draft.folder / FITTED).exists() and draft.result() is not None
        with self._lock:
            self.progress, self._process = None, None
            cancelled = "open" if self._cancelled else "failed"
            draft.change(stage="ready" if ready else cancelled, error=error)
        self._send("fit", self.fit_status(draft))


def advance(progress: FitProgress, stage: str, done: int, total: int) -> FitProgress:
    """Return the progress after a step; its share never decreases."""
    base_stage = stage if stage in STAGE_WEIGHTS else stage.removeprefix("audit ")
    share = progress.share
    if base_stage in STAGE_WEIGHTS:
        weights, index = list(STAGE_WEIGHTS.values()), list(STAGE_WEIGHTS).index(base_stage)
        weight_done = sum(weights[:index]) + weights[index] * (done / total if total else 0)
        share = max(share, weight_done / sum(weights))
    stage_name = STAGE_NAMES.get(stage.removeprefix("audit "), stage)
    if stage in AUDIT_WEIGHTS and stage != "audit":
        stage_name = "looking for odd pictures"
    return replace(progress, stage=stage_name, done=done, total=total, share=share)


def failure_reason(code: int, cancelled: bool, error: str) -> str:
    """Return why a fit failed, or ""."""
    if cancelled:
        return "the fit was cancelled"
    if error or code == 0:
        return error
    return (
        f"the fit must run to its end; its process ended at once (code {code}), perhaps for want "
        "of memory; use fewer pictures, or golden fit on a larger machine"
    )
