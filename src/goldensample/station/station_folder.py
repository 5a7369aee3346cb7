"""The folder of a station: locked, and with the products that were set up in it."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from goldensample.errors import ArtifactError
from goldensample.parts.manifest import ENDING
from goldensample.storage.lock import lock_file


@contextmanager
def lock_folder(folder: Path) -> Iterator[None]:
    """Lock a station's folder against other stations.

    Raises:
        ArtifactError: another station holds it.
    """
    with ExitStack() as stack:
        try:
            stack.enter_context(lock_file(folder / "station"))
        except ArtifactError as error:
            raise ArtifactError(
                f"a folder must be that of one station; another one runs in {folder}; stop it, or "
                "give another --folder"
            ) from error
        yield


def find_products(folder: Path, files: Sequence[Path]) -> list[Path]:
    """Return the products that were set up in a station's folder, without those in `files`."""
    return _find(folder, "*.golden", files)


def find_parts(folder: Path, files: Sequence[Path]) -> list[Path]:
    """Return the files of parts of several views in a station's folder, without those in `files`.

    They lie beside the products that are their views.
    """
    return _find(folder, f"*{ENDING}", files)


def _find(folder: Path, pattern: str, files: Sequence[Path]) -> list[Path]:
    resolved = {path.resolve() for path in files}
    paths = sorted((folder / "products").glob(pattern))
    return [path for path in paths if path.resolve() not in resolved]
