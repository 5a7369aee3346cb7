"""Folders that results go to, on disk or at a URL: each file whole or not there."""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from goldensample.errors import ArtifactError, ImageError
from goldensample.storage import locations
from goldensample.storage.atomic import write_atomic

RUN = re.compile("[0-9a-f]{32}")
"""The name of the folder of a run."""


def parent_of(place: str) -> tuple[str, str]:
    """Return the folder of a file, by path or URL, and its name in it."""
    if locations.is_url(place):
        folder, _, name = place.rpartition("/")
        return folder, name
    return str(Path(place).parent), Path(place).name


@dataclass(frozen=True, slots=True)
class Shelf:
    """A folder of files that are written whole, at a URL as far as the store has it so.

    Args:
        place: its path, or its URL in a store that can be written.
    """

    place: str

    @property
    def is_remote(self) -> bool:
        """Whether it is at a URL, which all machines see alike."""
        return locations.is_url(self.place)

    def at(self, name: str) -> str:
        """Return where a file is, or a folder."""
        return f"{self.place.rstrip('/')}/{name}" if self.is_remote else str(Path(self.place, name))

    def has(self, name: str) -> bool:
        """Return whether a file is there."""
        if self.is_remote:
            return isinstance(locations.look(self.at(name)), locations.Remote)
        return Path(self.at(name)).is_file()

    def names(self) -> set[str]:
        """Return the names of the files and folders in it; none where it is not there."""
        if not self.is_remote:
            folder = Path(self.place)
            return {path.name for path in folder.iterdir()} if folder.is_dir() else set()
        with locations.in_words(self.place):
            store, path = locations.store_of(self.place)
            try:
                listed = store.ls(path, detail=False)
            except FileNotFoundError:
                return set()
        return {name.rstrip("/").rpartition("/")[2] for name in listed}

    def read(self, name: str) -> bytes:
        """Return what a file holds.

        Raises:
            ArtifactError: it is not there, or cannot be read.
        """
        at = self.at(name)
        try:
            return locations.read_bytes(locations.Remote(at) if self.is_remote else Path(at))
        except (ImageError, OSError) as error:
            raise ArtifactError(f"{at} must be there to be read; {error}") from error

    @contextmanager
    def reading(self, name: str) -> Iterator[BinaryIO]:
        """Give a file to read some of."""
        if not self.is_remote:
            with open(self.at(name), "rb") as file:
                yield file
            return
        with locations.in_words(self.at(name)):
            store, path = locations.store_of(self.at(name))
            with store.open(path, "rb") as file:
                yield file

    def write(self, name: str, data: bytes) -> None:
        """Write a file whole or not at all.

        Raises:
            ArtifactError: it cannot be written there.
        """
        if not self.is_remote:
            write_atomic(Path(self.at(name)), data)
            return
        with self._told(name):
            store, path = locations.store_of(self.at(name))
            store.pipe_file(path, data)

    @contextmanager
    def writing(self, name: str, output: str) -> Iterator[BinaryIO]:
        """Give a file to write piece by piece, and move it to the output when it is whole.

        Args:
            name: what it is called here until then.
            output: path or URL, in the same disk or store.

        Raises:
            ArtifactError: it cannot be written; what was there is untouched.
        """
        with self._told(name):
            if not self.is_remote:
                beside = Path(self.at(name))
                with open(beside, "wb") as file:
                    yield file
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(beside, os.path.realpath(output))
                return
            store, path = locations.store_of(self.at(name))
            with store.open(path, "wb") as file:
                yield file
            store.mv(path, locations.store_of(output)[1])

    def delete(self, name: str) -> None:
        """Delete a file, if it is there."""
        if not self.is_remote:
            Path(self.at(name)).unlink(missing_ok=True)
            return
        with self._told(name):
            store, path = locations.store_of(self.at(name))
            if store.exists(path):
                store.rm(path)

    def remove(self) -> None:
        """Delete the folder, if it is there, and the folders of runs in it with all they hold.

        On a disk it stays if something else is in it.
        """
        if not self.is_remote:
            for name in filter(RUN.fullmatch, self.names()):
                shutil.rmtree(self.at(name), ignore_errors=True)
            with suppress(OSError):
                Path(self.place).rmdir()
            return
        with self._told(""), locations.in_words(self.place):
            store, path = locations.store_of(self.place)
            if store.exists(path):
                store.rm(path, recursive=True)

    @contextmanager
    def _told(self, name: str) -> Iterator[None]:
        """Turn what a disk or a store raises into an `ArtifactError`."""
        at = self.at(name)
        try:
            if self.is_remote:
                with locations.in_words(at):
                    yield
            else:
                yield
        except (ImageError, OSError) as error:
            why = getattr(error, "strerror", None) or error
            raise ArtifactError(
                f"{at} must be written whole; it was not ({why}); make room, get the rights, or "
                "choose another place"
            ) from error
