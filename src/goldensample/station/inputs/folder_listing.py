"""What lies in a watched folder: looked at where it has changed, whole now and then."""

import os
import time
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path

from watchfiles import Change, watch

from goldensample.errors import ImageError
from goldensample.images.codec import read_image, read_shape
from goldensample.images.listing import is_picture, list_pictures
from goldensample.station.settings import Settings

WAIT_MS = 100
"""Milliseconds for which events of the file system are waited for, and then gathered, at most."""
SHARES = ("nfs", "cifs", "smb", "9p", "fuse", "afs", "ceph", "glusterfs", "vboxsf", "virtiofs")
"""File systems, by the start of their names, where others write without an event here."""
HEADER_FIRST = (".bmp", ".dib", ".tif", ".tiff", ".pgm", ".ppm", ".pnm", ".pbm")
"""Endings of files that look like a picture as soon as their first bytes are there."""
MOUNTS = Path("/proc/mounts")


def stamp_of(path: Path) -> str:
    """Return size, time and identity of a file: another picture has another stamp.

    Raises:
        OSError: it is gone.
    """
    status = path.stat()
    identity = f"{status.st_ino}:{status.st_ctime_ns}".encode()
    return f"{content_stamp(status)}:{blake2b(identity, digest_size=8).hexdigest()}"


def content_stamp(status: os.stat_result) -> str:
    """Return size and time of a file, the stamp of earlier versions."""
    return f"{status.st_size}:{status.st_mtime_ns}"


def check_whole(path: Path, limits: Settings) -> None:
    """Check that a file is a picture within the station's limits, with all its pixels.

    Raises:
        ImageError: it is not; it may be one later, while it is being copied.
        OSError: it is gone.
    """
    if (size := path.stat().st_size) > limits.limit_bytes:
        raise ImageError(f"a file must have {limits.limit_bytes:,} bytes at most; it has {size:,}")
    height, width = read_shape(path)
    if height * width > limits.limit_px:
        raise ImageError(
            f"a picture must have {limits.limit_px:,} pixels at most; it has {height:,}x{width:,}"
        )
    if path.suffix.lower() in HEADER_FIRST:
        read_image(path)


def is_share(folder: Path) -> bool:
    """Tell whether a folder lies on a file system that other machines may write to."""
    if not MOUNTS.exists():
        return os.name == "nt" and str(folder.resolve()).startswith("\\\\")
    mounts = [line.split()[1:3] for line in MOUNTS.read_text(encoding="utf-8").splitlines()]
    resolved = folder.resolve()
    above = [(len(at), kind) for at, kind in mounts if resolved.is_relative_to(at)]
    return max(above, default=(0, ""))[1].startswith(SHARES)


def list_others(folder: Path) -> list[Path]:
    """Return the files below a folder that have not the ending of a picture, but hidden ones."""
    others: list[Path] = []
    for directory, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name[0] != "."]
        names = (name for name in files if name[0] != "." and not is_picture(name))
        others += [Path(directory, name) for name in names]
    return others


class FolderChanges:
    """Gives the files of a folder that may be new.

    Events of the file system tell them at once. All files are listed at the start, and then as
    often as it takes a hundredth of the time: on a network share, where there are no events of
    what others write, and in case an event is lost.

    Args:
        folder: with all below it.
        pause_s: seconds between two lists, at least.
    """

    def __init__(self, folder: Path, pause_s: float) -> None:
        self._folder, self._pause_s = folder, pause_s
        self._events: Iterator[set[tuple[Change, str]]] | None = None
        self._next_list, self._is_share = 0.0, is_share(folder)

    def next(self) -> tuple[list[Path], bool]:
        """Wait a little; return files that may be new, and whether these are all there are.

        Raises:
            ImageError: the folder cannot be listed.
        """
        changed = self._changed()
        if time.monotonic() < self._next_list:
            return changed, False
        began = time.monotonic()
        try:
            files = [*list_pictures(self._folder), *list_others(self._folder)]
        except ImageError:
            self._events = None  # a folder that is made anew has events of its own
            raise
        took = time.monotonic() - began
        factor = 20 if self._is_share else 100
        self._next_list = time.monotonic() + max(self._pause_s, factor * took)
        return files, True

    def _changed(self) -> list[Path]:
        """Return the files that events tell of."""
        if self._is_share:
            time.sleep(self._pause_s)
            return []
        try:
            if self._events is None:
                self._events = watch(
                    self._folder,
                    watch_filter=None,
                    debounce=WAIT_MS,
                    rust_timeout=WAIT_MS,
                    yield_on_timeout=True,
                    raise_interrupt=False,
                )
            paths = {Path(path) for _, path in next(self._events)}
        except (
            OSError,
            StopIteration,
            RuntimeError,
        ):  # the folder is gone, or too many are watched
            self._events, self._next_list = None, 0.0
            time.sleep(self._pause_s)
            return []
        below = (self._below(path) for path in sorted(paths))
        return [path for path in below if path and path.is_file()]

    def _below(self, path: Path) -> Path | None:
        """Return the path of an event as a list has it; None for what is hidden or elsewhere.

        Events name files in full, whatever form the folder was given in.
        """
        for root in (self._folder.absolute(), self._folder.resolve()):
            if path.is_relative_to(root):
                parts = path.relative_to(root).parts
                hidden = any(part.startswith(".") for part in parts)
                return None if hidden else self._folder.joinpath(*parts)
        return None
