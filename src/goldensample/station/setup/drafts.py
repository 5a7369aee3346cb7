"""Drafts of products: good pictures on their way to a first fit, each draft in a folder."""

import json
import logging
import os
import re
import secrets
import shutil
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from goldensample.errors import ArtifactError, ImageError
from goldensample.images.listing import ENDINGS
from goldensample.station.records.archive import Coming
from goldensample.storage.atomic import write_atomic

log = logging.getLogger(__name__)
IDENTITY = re.compile(r"[0-9a-f]{32}")
PICTURES = 5000
"""Of a draft, at most; larger fits are for `golden fit`."""
DRAFTS = 20
"""At a time, at most."""
FACTS, LISTED, FITTED, RESULT = "draft.json", "pictures.jsonl", "fitted.golden", "result.json"


@dataclass(frozen=True, slots=True)
class DraftPicture:
    """A picture of a draft.

    Args:
        name: as told by who brought it; no other picture of the draft has it.
        path: where it lies: in the draft's folder, or where the station may look.
        sha256: of its bytes; "" where it was not brought but is read where it lies.
    """

    name: str
    path: Path
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of a draft.

    Args:
        by: who began it.
        made: seconds since 1970.
        origin: the folder its pictures are in, as the page shows it; "" for those brought.
        stage: "open", "fitting", "ready" or "failed".
        error: why the last fit ended without a product, or "".
        name: of the product to be.
        false_alarms, review: as in `calibrating.Promise`.
        left_out: numbers of pictures that are not to be learned.
    """

    by: str
    made: float
    origin: str = ""
    stage: str = "open"
    error: str = ""
    name: str = ""
    false_alarms: float = 0.05
    review: float | None = None
    left_out: tuple[int, ...] = ()


class Draft:
    """One draft; all of it is on disk, so that it outlives the station.

    Args:
        folder: named by the draft's identity.
        facts: of a new draft; None reads those that are there.

    Raises:
        ArtifactError: what is there is no draft.
    """

    def __init__(self, folder: Path, facts: Facts | None = None) -> None:
        self.folder, self.id = folder, folder.name
        self._lock = threading.Lock()
        self.facts = facts or self._read()
        self.pictures: list[DraftPicture] = self._listed()

    def change(self, **values: Any) -> None:
        """Keep other facts."""
        with self._lock:
            self.facts = replace(self.facts, **values)
            write_atomic(self.folder / FACTS, json.dumps(asdict(self.facts)).encode())

    def add(self, coming: Coming, name: str) -> int:
        """Take a picture that has arrived; return its number.

        One that is there already, byte for byte, keeps its number.

        Raises:
            ImageError: the draft is full.
        """
        with self._lock:
            same = (k for k, one in enumerate(self.pictures) if one.sha256 == coming.sha256)
            if (found := next(same, None)) is not None:
                coming.path.unlink()
                return found
            if len(self.pictures) >= PICTURES:
                raise ImageError(
                    f"a draft must have {PICTURES:,} pictures at most; this one has; use golden "
                    "fit for more"
                )
            ending = Path(name).suffix.lower()
            ending = ending if ending in ENDINGS else ".png"  # what it is its bytes tell
            path = self.folder / f"{len(self.pictures):05d}{ending}"
            os.replace(coming.path, path)
            self._append([DraftPicture(self._own(name), path, coming.sha256)])
            return len(self.pictures) - 1

    def refer(self, found: Sequence[tuple[str, Path]]) -> None:
        """Take pictures where they lie, by (name, path)."""
        with self._lock:
            self._append([DraftPicture(name, path, "") for name, path in found])

    def kept(self) -> list[int]:
        """Return the numbers of the pictures that are to be learned."""
        out = set(self.facts.left_out)
        return [number for number in range(len(self.pictures)) if number not in out]

    def result(self) -> dict[str, Any] | None:
        """Return what the last fit found, or None."""
        try:
            found: dict[str, Any] = json.loads((self.folder / RESULT).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return found

    def _own(self, name: str) -> str:
        """Return a name that no other picture has."""
        known, base, number = {one.name for one in self.pictures}, name or "picture", 1
        while name in known or not name:
            number += 1
            name = f"{base} ({number})"
        return name

    def _append(self, some: Sequence[DraftPicture]) -> None:
        with open(self.folder / LISTED, "a", encoding="utf-8") as file:
            for one in some:
                file.write(json.dumps([one.name, str(one.path), one.sha256]) + "\n")
        self.pictures += some

    def _listed(self) -> list[DraftPicture]:
        path = self.folder / LISTED
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        found = []
        for line in lines:
            try:
                name, where, digest = json.loads(line)
            except ValueError:
                break  # the station was killed while it wrote the last line
            found.append(DraftPicture(name, Path(where), digest))
        return found

    def _read(self) -> Facts:
        try:
            values = json.loads((self.folder / FACTS).read_text(encoding="utf-8"))
            return Facts(**{**values, "left_out": tuple(values["left_out"])})
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise ArtifactError(
                f"{self.folder} must be a draft of a product; it is not; delete it"
            ) from error


class Drafts:
    """The drafts of a station.

    Args:
        folder: made if need be; drafts of an earlier run are read. What was only begun goes; what
            cannot be read stays on the disk, and the log tells of it: pictures are in it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, Draft] = {}
        for path in sorted(folder.iterdir()) if folder.exists() else []:
            if not IDENTITY.fullmatch(path.name):
                continue
            try:
                draft = Draft(path)
            except ArtifactError as error:
                log.error("%s", error)
                if not (path / FACTS).exists():
                    shutil.rmtree(path, ignore_errors=True)
                continue
            if draft.facts.stage == "fitting":
                draft.change(
                    stage="failed", error="the station stopped during the fit; begin again"
                )
            self._known[draft.id] = draft

    def __iter__(self) -> Any:
        return iter(sorted(self._known.values(), key=lambda one: -one.facts.made))

    def get(self, identity: str) -> Draft | None:
        """Return a draft, or None."""
        return self._known.get(identity)

    def new(self, by: str, origin: str = "") -> Draft:
        """Begin a draft.

        Raises:
            ArtifactError: there are as many as may be.
        """
        if len(self._known) >= DRAFTS:
            raise ArtifactError(
                f"drafts must be {DRAFTS} at most; there are as many; put one into service or "
                "discard one"
            )
        folder = self._folder / secrets.token_hex(16)
        folder.mkdir(parents=True)
        draft = Draft(folder, Facts(by=by, made=time.time(), origin=origin))
        draft.change()
        self._known[draft.id] = draft
        return draft

    def discard(self, draft: Draft) -> None:
        """Delete a draft and the pictures that were brought for it."""
        self._known.pop(draft.id, None)
        shutil.rmtree(draft.folder, ignore_errors=True)
