"""Drafts of products: the pictures and metadata of a first fit, each draft in a folder."""

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
from goldensample.station.records.archive import IncomingFile
from goldensample.storage.atomic import write_atomic

log = logging.getLogger(__name__)
DRAFT_ID = re.compile(r"[0-9a-f]{32}")
MAX_PICTURES = 5000
"""Pictures of a draft, at most; larger fits are for `golden fit`."""
MAX_DRAFTS = 20
"""Drafts at a time, at most."""
METADATA_FILE, PICTURE_LIST, FITTED, RESULT = (
    "draft.json",
    "pictures.jsonl",
    "fitted.golden",
    "result.json",
)


@dataclass(frozen=True, slots=True)
class DraftPicture:
    """A picture of a draft.

    Args:
        name: given by the client, made unique within the draft.
        path: location: in the draft's folder, or in a source folder.
        sha256: of its bytes; "" where it was not uploaded but is in a source folder.
    """

    name: str
    path: Path
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftMetadata:
    """Metadata of a draft; the fields are the keys of its file.

    Args:
        by: operator who created it.
        made: time of creation, seconds since 1970.
        origin: name of the source folder of its pictures; "" for uploads.
        stage: "open", "fitting", "ready" or "failed".
        error: why the last fit ended without a product, or "".
        name: of the new product.
        false_alarms, review: as in `calibrate.Promise`.
        left_out: numbers of pictures that are not used in the fit.
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
    """One draft; all of it is on disk, so that it survives a restart.

    Args:
        folder: its name is the draft's id.
        metadata: of a new draft; None reads that of the folder.

    Raises:
        ArtifactError: the folder is no draft.
    """

    def __init__(self, folder: Path, metadata: DraftMetadata | None = None) -> None:
        self.folder, self.id = folder, folder.name
        self._lock = threading.Lock()
        self.metadata = metadata or self._read_metadata()
        self.pictures: list[DraftPicture] = self._read_pictures()

    def change(self, **values: Any) -> None:
        """Change fields of the metadata, and save it."""
        with self._lock:
            self.metadata = replace(self.metadata, **values)
            write_atomic(self.folder / METADATA_FILE, json.dumps(asdict(self.metadata)).encode())

    def add(self, incoming: IncomingFile, name: str) -> int:
        """Add an uploaded picture; return its number.

        A duplicate, byte for byte, has the number of the first.

        Raises:
            ImageError: the draft is full.
        """
        with self._lock:
            hashes = [picture.sha256 for picture in self.pictures]
            if incoming.sha256 in hashes:
                incoming.path.unlink()
                return hashes.index(incoming.sha256)
            if len(self.pictures) >= MAX_PICTURES:
                raise ImageError(
                    f"a draft must have {MAX_PICTURES:,} pictures at most; this one has; use "
                    "golden fit for more"
                )
            suffix = Path(name).suffix.lower()
            suffix = suffix if suffix in ENDINGS else ".png"  # the decoder goes by the bytes
            path = self.folder / f"{len(self.pictures):05d}{suffix}"
            os.replace(incoming.path, path)
            self._append([DraftPicture(self._unique_name(name), path, incoming.sha256)])
            return len(self.pictures) - 1

    def add_references(self, files: Sequence[tuple[str, Path]]) -> None:
        """Add pictures of a source folder, by (name, path), without copying them."""
        with self._lock:
            self._append([DraftPicture(name, path, "") for name, path in files])

    def included(self) -> list[int]:
        """Return the numbers of the pictures that are used in the fit."""
        left_out = set(self.metadata.left_out)
        return [number for number in range(len(self.pictures)) if number not in left_out]

    def result(self) -> dict[str, Any] | None:
        """Return the result of the last fit, or None."""
        try:
            result: dict[str, Any] = json.loads((self.folder / RESULT).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return result

    def _unique_name(self, name: str) -> str:
        """Return a name, numbered where another picture has it."""
        taken, base, number = {picture.name for picture in self.pictures}, name or "picture", 1
        while name in taken or not name:
            number += 1
            name = f"{base} ({number})"
        return name

    def _append(self, pictures: Sequence[DraftPicture]) -> None:
        with open(self.folder / PICTURE_LIST, "a", encoding="utf-8") as file:
            for picture in pictures:
                file.write(json.dumps([picture.name, str(picture.path), picture.sha256]) + "\n")
        self.pictures += pictures

    def _read_pictures(self) -> list[DraftPicture]:
        path = self.folder / PICTURE_LIST
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        pictures = []
        for line in lines:
            try:
                name, location, digest = json.loads(line)
            except ValueError:
                break  # the station was killed while it wrote the last line
            pictures.append(DraftPicture(name, Path(location), digest))
        return pictures

    def _read_metadata(self) -> DraftMetadata:
        try:
            values = json.loads((self.folder / METADATA_FILE).read_text(encoding="utf-8"))
            return DraftMetadata(**{**values, "left_out": tuple(values["left_out"])})
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise ArtifactError(
                f"{self.folder} must be a draft of a product; it is not; delete it"
            ) from error


class Drafts:
    """The drafts of a station.

    Args:
        folder: created if missing; drafts of an earlier run are read. A folder without metadata is
            deleted; a damaged draft stays on disk, as it holds pictures, and is logged.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._drafts: dict[str, Draft] = {}
        for path in sorted(folder.iterdir()) if folder.exists() else []:
            if not DRAFT_ID.fullmatch(path.name):
                continue
            try:
                draft = Draft(path)
            except ArtifactError as error:
                log.error("%s", error)
                if not (path / METADATA_FILE).exists():
                    shutil.rmtree(path, ignore_errors=True)
                continue
            if draft.metadata.stage == "fitting":
                draft.change(
                    stage="failed", error="the station stopped during the fit; begin again"
                )
            self._drafts[draft.id] = draft

    def __iter__(self) -> Any:
        return iter(sorted(self._drafts.values(), key=lambda draft: -draft.metadata.made))

    def get(self, draft_id: str) -> Draft | None:
        """Return a draft, or None."""
        return self._drafts.get(draft_id)

    def create(self, by: str, origin: str = "") -> Draft:
        """Create a draft.

        Raises:
            ArtifactError: there are too many drafts.
        """
        if len(self._drafts) >= MAX_DRAFTS:
            raise ArtifactError(
                f"drafts must be {MAX_DRAFTS} at most; there are as many; put one into service or "
                "discard one"
            )
        folder = self._folder / secrets.token_hex(16)
        folder.mkdir(parents=True)
        draft = Draft(folder, DraftMetadata(by=by, made=time.time(), origin=origin))
        draft.change()
        self._drafts[draft.id] = draft
        return draft

    def discard(self, draft: Draft) -> None:
        """Delete a draft and its uploaded pictures."""
        self._drafts.pop(draft.id, None)
        shutil.rmtree(draft.folder, ignore_errors=True)
