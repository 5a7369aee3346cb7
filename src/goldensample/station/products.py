"""The products of a station: fitted files, loaded once, changed one at a time."""

import re
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from goldensample.errors import ArtifactError
from goldensample.inspector import Inspector
from goldensample.locking import locked
from goldensample.store import load, save

KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""What a product may be called: a file's name without `.golden`."""


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
        self.state = _read(path)

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
            self.state = _read(self.path)
        return self.state


class Products:
    """The products of a station by their keys.

    Args:
        paths: of `.golden` files.

    Raises:
        ValueError: two have the same name.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self._known: dict[str, Product] = {}
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
        self._known[product.key] = product


def _read(path: Path) -> State:
    """Load a file."""
    try:
        digest = sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise ArtifactError(f"cannot read {path}: {error.strerror}; check the path") from error
    inspector = load(path)
    return State(inspector, digest, inspector.journal.head if inspector.journal else 0)
