"""Qualifications that are kept in the station's folder, each in a folder of its own."""

import json
import secrets
import shutil
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from goldensample.qualification.files import FILES
from goldensample.storage.atomic import write_atomic

METADATA = "made.json"
MAX_KEPT = 50
"""Of a product; the oldest are deleted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Qualification:
    """What is known of a qualification; the fields are the keys of its file.

    Args:
        id: name of its folder.
        product: its key.
        by: who asked for it, or "".
        made: when, in seconds since 1970.
        revision, file_sha256: of the product's file that was qualified.
        good, defects: names of the folders of the pictures; defects "" for those answered here.
        state: "working", "ready" or "failed".
        error: why it failed, or "".
    """

    id: str
    product: str
    by: str
    made: float
    revision: int
    file_sha256: str
    good: str
    defects: str
    state: str = "working"
    error: str = ""


class Qualifications:
    """The kept qualifications of all products.

    Args:
        folder: created when the first is made.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        for path in folder.glob(f"*/*/{METADATA}"):
            one = Qualification(**json.loads(path.read_text(encoding="utf-8")))
            if one.state == "working":
                self.change(one, state="failed", error="the station stopped meanwhile")

    def create(self, **values: Any) -> Qualification:
        """Begin a qualification, and delete the oldest of its product beyond MAX_KEPT."""
        made = time.time()
        stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime(made))
        one = Qualification(id=f"{stamp}-{secrets.token_hex(4)}", made=made, **values)
        self.path(one).mkdir(parents=True)
        self.change(one)
        for old in self.of(one.product)[MAX_KEPT:]:
            shutil.rmtree(self.path(old))
        return one

    def change(self, one: Qualification, **values: Any) -> Qualification:
        """Change what is known of a qualification, and save it."""
        changed = replace(one, **values)
        write_atomic(self.path(one) / METADATA, json.dumps(asdict(changed)).encode())
        return changed

    def of(self, product: str) -> list[Qualification]:
        """Return the qualifications of a product, the newest first."""
        paths = (self._folder / product).glob(f"*/{METADATA}")
        found = [Qualification(**json.loads(path.read_text(encoding="utf-8"))) for path in paths]
        return sorted(found, key=lambda one: one.made, reverse=True)

    def path(self, one: Qualification) -> Path:
        """Return the folder of a qualification."""
        return self._folder / one.product / one.id

    def file(self, product: str, identity: str, name: str) -> Path | None:
        """Return one of the FILES of a qualification that is ready, or None."""
        ready = (one for one in self.of(product) if one.id == identity and one.state == "ready")
        one = next(ready, None)
        return self.path(one) / name if one and name in FILES else None
