"""The products of a station: fitted files, loaded once, changed one at a time."""

import re
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from goldensample.artifact.store import load, save
from goldensample.errors import ArtifactError
from goldensample.inspection.inspector import Inspector
from goldensample.storage.lock import locked

KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""What a product may be called: a file's name without `.golden`."""


Told = Callable[["Product", str], None]
"""Told, in words, that another program has changed a product's file."""


@dataclass(frozen=True, slots=True)
class State:
    """A product as it is in its file at a moment.

    Args:
        inspector: what judges.
        sha256: of the file.
        revision: number of the last change in its journal; 0 for a fresh fit.
    """

    inspector: Inspector
    sha256: str
    revision: int


class Product:
    """A `.golden` file in use. What judges takes `state` once, so that a change comes between
    pictures and never within one.

    Raises:
        ValueError: the file's name is none for a product.
        ArtifactError: the file cannot be used.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.key = path, path.stem
        if not KEY.fullmatch(self.key):
            raise ValueError(
                "a product's file must be named with letters, digits, dots, dashes and "
                f"underscores, 64 at most; got {path.name}; rename it"
            )
        self._lock = threading.Lock()
        self._stamp = _stamp(path)
        self.state = _read(path)
        self.trouble = ""
        self.told: Told = lambda product, words: None

    def fresh(self) -> State:
        """Return the product as its file has it now, should another program have changed it.

        A file that cannot be used leaves in service what is; `trouble` says why, then. Never
        waits for a change that is being made here.
        """
        if self._lock.acquire(blocking=False):
            try:
                words = self._renewed()
            finally:
                self._lock.release()
            if words:
                self.told(self, words)
        return self.state

    def _renewed(self) -> str:
        """Read the file if it is another one by now; return what is to be told of it, or ""."""
        stamp, trouble = _stamp(self.path), self.trouble
        if stamp == self._stamp:
            return ""
        try:
            state = _read(self.path)
        except Exception as error:  # whatever it is, the line goes on with what it has
            words = str(error).replace(str(self.path), self.path.name)
            self._stamp, self.trouble = stamp, f"revision {self.state.revision} stays: {words}"
            return "" if trouble else self.trouble  # a file may break anew as it is copied
        if _stamp(self.path) != stamp:
            return ""  # it is being written; the next look tells
        same = state.sha256 == self.state.sha256
        self._stamp, self.trouble = stamp, ""
        if same:
            return "the file can be used again" if trouble else ""
        self.state = state
        return f"the file was changed by another program; revision {state.revision} is in service"

    def change(self, do: Callable[[Inspector], Inspector]) -> State:
        """Change the file, as a whole, and what judges from now on.

        What another program wrote to the file since is kept: the change is made on top of it. It
        is made with a network of its own, since that of `state` is at work for the line.

        Raises:
            ArtifactError: another program is at the file, or it cannot be read or written.
            ValueError: the change cannot be made.
        """
        with self._lock, locked(self.path):
            save(do(_read(self.path).inspector), self.path)
            self._stamp, self.state, self.trouble = _stamp(self.path), _read(self.path), ""
        return self.state


class Products:
    """The products of a station by their keys.

    Args:
        paths: of `.golden` files.
        told: see Told.

    Raises:
        ValueError: two have the same name.
    """

    def __init__(self, paths: Sequence[Path], told: Told) -> None:
        self._known: dict[str, Product] = {}
        self._told = told
        for path in paths:
            self.add(Product(path))

    def __iter__(self) -> Iterator[Product]:
        return iter(list(self._known.values()))

    def __len__(self) -> int:
        return len(self._known)

    def get(self, key: str) -> Product | None:
        """Return a product, or None."""
        return self._known.get(key)

    def add(self, product: Product) -> None:
        """Put a product into service.

        Raises:
            ValueError: there is one of this name.
        """
        if product.key in self._known:
            raise ValueError(f"products must differ in name; two are called {product.key}")
        product.told = self._told
        self._known[product.key] = product


def _stamp(path: Path) -> tuple[int, int, int] | None:
    """Return what changes with a file: size, time, place on the disk; None where there is none."""
    try:
        about = path.stat()
    except OSError:
        return None
    return about.st_size, about.st_mtime_ns, about.st_ino


def _read(path: Path) -> State:
    """Load a file."""
    try:
        digest = sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise ArtifactError(f"cannot read {path}: {error.strerror}; check the path") from error
    inspector = load(path)
    return State(inspector, digest, revision_of(inspector))


def revision_of(inspector: Inspector) -> int:
    """Return the number of an inspector's last change; 0 for a fresh fit."""
    return inspector.journal.head if inspector.journal else 0
