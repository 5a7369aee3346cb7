"""The products of a station: `.golden` files, loaded once, changed one at a time."""

import re
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from goldensample.artifact.store import load, save
from goldensample.errors import ArtifactError
from goldensample.inspection.inspector import Inspector
from goldensample.storage.lock import lock_file

KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""Valid keys of a product: its file's name without `.golden`."""


ChangeListener = Callable[["Product", str], None]
"""Called with a message when another program has changed a product's file."""


@dataclass(frozen=True, slots=True)
class State:
    """A snapshot of a product's file.

    Args:
        inspector: loaded from the file.
        sha256: of the file.
        revision: number of the last change in its journal; 0 for a fresh fit.
    """

    inspector: Inspector
    sha256: str
    revision: int


class Product:
    """A `.golden` file in use. An inspection reads `state` once, so that the product never changes
    within one picture.

    Raises:
        ValueError: the file's name is no valid key.
        ArtifactError: the file cannot be loaded.
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
        self.load_error = ""
        self.on_change: ChangeListener = lambda product, message: None

    def refresh(self) -> State:
        """Reload the file if another program has changed it; return the state.

        Where it cannot be loaded, the last state stays in use and `load_error` says why. Never
        waits for a change that is in progress in this process.
        """
        if self._lock.acquire(blocking=False):
            try:
                message = self._reload()
            finally:
                self._lock.release()
            if message:
                self.on_change(self, message)
        return self.state

    def _reload(self) -> str:
        """Load the file if it has changed; return a message for the listener, or ""."""
        stamp, previous_error = _stamp(self.path), self.load_error
        if stamp == self._stamp:
            return ""
        try:
            state = _read(self.path)
        except Exception as error:  # of any kind: the line goes on with the last state
            reason = str(error).replace(str(self.path), self.path.name)
            self._stamp, self.load_error = stamp, f"revision {self.state.revision} stays: {reason}"
            return "" if previous_error else self.load_error  # not once for each part of a copy
        if _stamp(self.path) != stamp:
            return ""  # it is being written: check again at the next call
        is_same = state.sha256 == self.state.sha256
        self._stamp, self.load_error = stamp, ""
        if is_same:
            return "the file can be used again" if previous_error else ""
        self.state = state
        return f"the file was changed by another program; revision {state.revision} is in service"

    def change(self, edit: Callable[[Inspector], Inspector]) -> State:
        """Change the file atomically, and use the changed inspector from now on.

        What another program wrote to the file since is kept: the edit applies to the file as it
        is. It runs on a newly loaded network, since the line uses that of `state`.

        Raises:
            ArtifactError: another program holds the file, or it cannot be read or written.
            ValueError: the edit cannot be made.
        """
        with self._lock, lock_file(self.path):
            save(edit(_read(self.path).inspector), self.path)
            self._stamp, self.state, self.load_error = _stamp(self.path), _read(self.path), ""
        return self.state


class Products:
    """The products of a station by their keys.

    Args:
        paths: of `.golden` files.
        on_change: see ChangeListener.

    Raises:
        ValueError: two have the same key.
    """

    def __init__(self, paths: Sequence[Path], on_change: ChangeListener) -> None:
        self._products: dict[str, Product] = {}
        self._on_change = on_change
        for path in paths:
            self.add(Product(path))

    def __iter__(self) -> Iterator[Product]:
        return iter(list(self._products.values()))

    def __len__(self) -> int:
        return len(self._products)

    def get(self, key: str) -> Product | None:
        """Return a product, or None."""
        return self._products.get(key)

    def add(self, product: Product) -> None:
        """Put a product into service.

        Raises:
            ValueError: there is one with its key.
        """
        if product.key in self._products:
            raise ValueError(f"products must differ in name; two are called {product.key}")
        product.on_change = self._on_change
        self._products[product.key] = product


def _stamp(path: Path) -> tuple[int, int, int] | None:
    """Return size, modification time and inode of a file; None where there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns, status.st_ino


def _read(path: Path) -> State:
    """Load a file, with its hash and revision."""
    try:
        digest = sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise ArtifactError(f"cannot read {path}: {error.strerror}; check the path") from error
    inspector = load(path)
    return State(inspector, digest, revision_of(inspector))


def check_revision(inspector: Inspector, expected: int) -> None:
    """Refuse a change where the product is no longer at the revision it is based on.

    Raises:
        ArtifactError: it is at another.
    """
    current = revision_of(inspector)
    if current != expected:
        raise ArtifactError(
            f"a change must be made to what was looked at, revision {expected}; the product is at "
            f"revision {current} by now; look at it again"
        )


def revision_of(inspector: Inspector) -> int:
    """Return the number of an inspector's last change; 0 for a fresh fit."""
    return inspector.journal.head if inspector.journal else 0
