"""Where pictures lie: paths on disk, and URLs in object stores and on web servers.

The only module that imports fsspec, and only once a URL is to be read.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from goldensample.errors import ArtifactError, GoldenError, ImageError, StoreError

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_WEB = ("http://", "https://")
_STAMPS = ("ETag", "etag", "md5Hash", "content_md5", "Content-MD5", "Last-Modified")
_TIMES = ("LastModified", "last_modified", "updated", "mtime", "created")
_CREDENTIALS = re.compile(r"(?i)credential|expired|signature|token|access ?key")
"""Words in a permission error that blame the credentials, not the one file."""


@dataclass(frozen=True, slots=True)
class Remote:
    """A remote file, at a URL.

    Args:
        url: of the file.
        size_bytes: of the file; None where a listing lacks it.
        stamp: the store's entity tag, checksum or modification time: it changes with the contents.
    """

    url: str
    size_bytes: int | None = None
    stamp: str = ""

    def __str__(self) -> str:
        return self.url

    @property
    def parts(self) -> tuple[str, ...]:
        """Components of the path, percent-decoded: the last ones make the name."""
        path = unquote(self.url) if is_web(self.url) else self.url
        return tuple(path.split("/"))


Location = Path | Remote


def is_url(value: object) -> bool:
    """Return whether a value is a URL: text with ://; a `Path` never is one."""
    return isinstance(value, str) and _URL.match(value) is not None


def is_web(url: str) -> bool:
    """Return whether a URL is of a web server, which has no folders, only pages with links."""
    return url.lower().startswith(_WEB)


def local_path(text: str) -> str:
    """Return the path of a file:// URL, as `Path.as_uri` writes it; other text unchanged.

    Example: "file:///a%20b/*.png" is "/a b/*.png".
    """
    if not text.lower().startswith("file://"):
        return text
    host, slash, path = text[len("file://") :].partition("/")
    if host not in ("", "localhost") or not slash:
        raise ImageError(f"a file URL must be file:///PATH, of this machine; got {text}")
    from urllib.request import url2pathname  # with it come TLS, HTTP and mail

    return url2pathname(slash + path)


def read_bytes(location: Location) -> bytes:
    """Return the contents of a file.

    Raises:
        ImageError: it cannot be read; the message has the reason, without the file's name.
        StoreError: its store does not answer, so the state of the file is unknown.
        OSError: the disk refused.
    """
    if isinstance(location, Path):
        if not location.is_file():
            raise ImageError("it is not a file" if location.exists() else "there is no such file")
        return location.read_bytes()
    with translate_errors(location.url):
        store, path = file_system_of(location.url)
        data: bytes = store.cat_file(path)
    return data


def stamp(location: Location) -> tuple[int, int | str]:
    """Return a file's size in bytes, and a time or a tag that changes with it; (0, "") if gone."""
    try:
        if isinstance(location, Path):
            status = location.stat()
            return status.st_size, status.st_mtime_ns
        listed = location.size_bytes is not None and location.stamp
        entry = location if listed else lookup(location.url)
        return (entry.size_bytes or 0, entry.stamp) if isinstance(entry, Remote) else (0, "")
    except (OSError, ImageError):
        return 0, ""


def lookup(url: str) -> Remote | str | None:
    """Return the file at a URL; "folder" for a folder; None where nothing is.

    Raises:
        ImageError: permission is denied.
        StoreError: the store does not answer, or its package is not installed.
    """
    try:
        with translate_errors(url):
            store, path = file_system_of(url)
            info = store.info(path)
    except _MissingError:
        return None
    return "folder" if info["type"] == "directory" else _remote(url, info)


def list_files(url: str) -> list[Remote]:
    """Return all files below a URL, sorted as paths are; hidden files and folders are left out.

    Raises:
        ImageError: there is no such folder, or permission to list it is denied.
        StoreError: see `lookup`.
    """
    root = url.rstrip("/") if is_url(url.rstrip("/")) else url
    with translate_errors(url):
        store, path = file_system_of(root)
        path = path.rstrip("/")
        if is_web(url):  # a subfolder that fails would be left out otherwise
            entries = store.find(f"{path}/", detail=True, on_error="raise")
        else:
            entries = store.find(path, detail=True)
    remotes = []
    for name, info in entries.items():
        inner = name[len(path) + 1 :]
        if inner and not any(part.startswith(".") for part in inner.split("/")):
            remotes.append(_remote(f"{root}/{inner}", info))
    return sorted(remotes, key=lambda remote: remote.parts)


def _remote(url: str, info: dict[str, Any]) -> Remote:
    """Return a file with the size and the stamp that fsspec's info on it has."""
    stamps = (info.get(key) for key in (*_STAMPS, *_TIMES))
    return Remote(url, info.get("size"), next((str(stamp) for stamp in stamps if stamp), ""))


def file_system_of(url: str) -> tuple[Any, str]:
    """Return fsspec's file system for a URL, and the path in it.

    Raises:
        StoreError: fsspec, or its package for the scheme, is not installed.
    """
    scheme, path = url.split("://", 1)
    store = _open_file_system(f"{scheme}://{path.split('/', 1)[0]}")
    return store, store._strip_protocol(url)


@cache
def _open_file_system(root: str) -> Any:
    """Return the file system of a bucket or a server: one a process, as each has its connections.

    Listings are not cached: they would be stale, and large.
    """
    scheme = root.split("://", 1)[0]
    try:
        from fsspec.core import url_to_fs
        from fsspec.registry import known_implementations
    except ImportError:
        raise StoreError(
            f'{scheme}:// must have the extra [remote]; pip install "goldensample[remote]"'
        ) from None
    # one request a picture on S3: to fetch pieces concurrently, s3fs would first ask for its size
    options = {"max_concurrency": 1} if scheme in ("s3", "s3a") else {}
    try:
        return url_to_fs(root, use_listings_cache=False, **options)[0]
    except ImportError as error:
        package = known_implementations[scheme]["class"].split(".")[0]
        how = f"install it with pip install {package}" if package != "fsspec" else str(error)
        raise StoreError(
            f"{scheme}:// must have a package of its own; it is not here; {how}"
        ) from (error)
    except ValueError as error:
        raise StoreError(
            f"a URL must be of a kind that fsspec knows (s3://, gs://, https://); got {root}"
        ) from error


class _MissingError(ImageError):
    """There is no file at a URL."""


@contextmanager
def translate_errors(url: str) -> Iterator[None]:
    """Turn exceptions of an fsspec file system into a `GoldenError`.

    Raises:
        ImageError: the one file is missing, or permission to it is denied.
        StoreError: the store fails: no server, no answer, wrong credentials.
    """
    try:
        yield
    except GoldenError:
        raise
    except NotImplementedError as error:
        raise ArtifactError(f"{url} must be where files can be written; it is not") from error
    except Exception as error:  # each store has its own exceptions
        # for web servers, fsspec says "not found" whatever the reason was
        cause = (error.__cause__ if is_web(url) else None) or error
        raise _translate(url, cause) from error


def _translate(url: str, error: BaseException) -> GoldenError:
    """Return an exception of a file system as a `GoldenError`, see `translate_errors`."""
    status = getattr(error, "status", None)
    if isinstance(error, FileNotFoundError | IsADirectoryError) or status in (404, 410):
        return _MissingError("there is no such file")
    message = " ".join(str(error).split()) or type(error).__name__
    denied = isinstance(error, PermissionError) or status in (401, 403)
    if denied and not _CREDENTIALS.search(f"{message} {error.__cause__}"):
        return ImageError(f"there are no rights to it ({message})")
    return StoreError(
        f"{url} must be in a store that answers; it did not ({message}); check its address, the "
        "network and your credentials"
    )
