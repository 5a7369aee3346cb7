"""Output folders, on disk or at a URL: each file is written atomically."""

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
"""Pattern of the name of a run's folder."""


def split_path(location: str) -> tuple[str, str]:
    """Return the folder of a file, by path or URL, and its name in it."""
    if locations.is_url(location):
        folder, _, name = location.rpartition("/")
        return folder, name
    return str(Path(location).parent), Path(location).name


@dataclass(frozen=True, slots=True)
class OutputFolder:
    """A folder of files that are written atomically; at a URL, as far as the store supports it.

    Args:
        location: its path, or its URL in a store that can be written.
    """

    location: str

    @property
    def is_remote(self) -> bool:
        """Whether it is at a URL, which all machines share."""
        return locations.is_url(self.location)

    def path(self, name: str) -> str:
        """Return the path or URL of a file or a folder in it."""
        if self.is_remote:
            return f"{self.location.rstrip('/')}/{name}"
        return str(Path(self.location, name))

    def has(self, name: str) -> bool:
        """Return whether a file exists."""
        if self.is_remote:
            return isinstance(locations.lookup(self.path(name)), locations.Remote)
        return Path(self.path(name)).is_file()

    def names(self) -> set[str]:
        """Return the names of the files and folders in it; none if it does not exist."""
        if not self.is_remote:
            folder = Path(self.location)
            return {path.name for path in folder.iterdir()} if folder.is_dir() else set()
        with locations.translate_errors(self.location):
            store, path = locations.file_system_of(self.location)
            try:
                listed = store.ls(path, detail=False)
            except FileNotFoundError:
                return set()
        return {name.rstrip("/").rpartition("/")[2] for name in listed}

    def read(self, name: str) -> bytes:
        """Return the contents of a file.

        Raises:
            ArtifactError: it does not exist, or cannot be read.
        """
        path = self.path(name)
        try:
            return locations.read_bytes(locations.Remote(path) if self.is_remote else Path(path))
        except (ImageError, OSError) as error:
            raise ArtifactError(f"{path} must be there to be read; {error}") from error

    @contextmanager
    def open_reader(self, name: str) -> Iterator[BinaryIO]:
        """Open a file for random access."""
        if not self.is_remote:
            with open(self.path(name), "rb") as file:
                yield file
            return
        with locations.translate_errors(self.path(name)):
            store, path = locations.file_system_of(self.path(name))
            with store.open(path, "rb") as file:
                yield file

    def write(self, name: str, data: bytes) -> None:
        """Write a file atomically.

        Raises:
            ArtifactError: it cannot be written there.
        """
        if not self.is_remote:
            write_atomic(Path(self.path(name)), data)
            return
        with self._translate_errors(name):
            store, path = locations.file_system_of(self.path(name))
            store.pipe_file(path, data)

    @contextmanager
    def open_writer(self, name: str, output: str) -> Iterator[BinaryIO]:
        """Open a file for writing in pieces, and move it to the output once it is complete.

        Args:
            name: its temporary name in this folder.
            output: path or URL, on the same disk or in the same store.

        Raises:
            ArtifactError: it cannot be written; an existing output is untouched.
        """
        with self._translate_errors(name):
            if not self.is_remote:
                temporary = Path(self.path(name))
                with open(temporary, "wb") as file:
                    yield file
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(temporary, os.path.realpath(output))
                return
            store, path = locations.file_system_of(self.path(name))
            with store.open(path, "wb") as file:
                yield file
            store.mv(path, locations.file_system_of(output)[1])

    def delete(self, name: str) -> None:
        """Delete a file, if it exists."""
        if not self.is_remote:
            Path(self.path(name)).unlink(missing_ok=True)
            return
        with self._translate_errors(name):
            store, path = locations.file_system_of(self.path(name))
            if store.exists(path):
                store.rm(path)

    def remove(self) -> None:
        """Delete the folder, if it exists, and the folders of runs in it with their contents.

        On a disk it stays if it holds anything else.
        """
        if not self.is_remote:
            for name in filter(RUN.fullmatch, self.names()):
                shutil.rmtree(self.path(name), ignore_errors=True)
            with suppress(OSError):
                Path(self.location).rmdir()
            return
        with self._translate_errors(""), locations.translate_errors(self.location):
            store, path = locations.file_system_of(self.location)
            if store.exists(path):
                store.rm(path, recursive=True)

    @contextmanager
    def _translate_errors(self, name: str) -> Iterator[None]:
        """Turn exceptions of a disk or a store into an `ArtifactError`."""
        path = self.path(name)
        try:
            if self.is_remote:
                with locations.translate_errors(path):
                    yield
            else:
                yield
        except (ImageError, OSError) as error:
            reason = getattr(error, "strerror", None) or error
            raise ArtifactError(
                f"{path} must be written whole; it was not ({reason}); make room, get the rights, "
                "or choose another place"
            ) from error
