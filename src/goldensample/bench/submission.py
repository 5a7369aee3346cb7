"""A submission to MVTec AD 2's server: maps of its private test pictures, checked and packed.

Each run writes the maps of its object below the folder of results, picture by picture, so that
what was broken off goes on; only a whole set is put into the folder to submit.
"""

import gzip
import io
import os
import tarfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from goldensample.bench.data import Category
from goldensample.bench.runs import Run
from goldensample.bench.segmentation import Segmentation
from goldensample.datasets.items import join_names, pictures_below
from goldensample.errors import GoldenError
from goldensample.images.codec import encode_png, read_samples
from goldensample.images.folder import Folder
from goldensample.images.grey_range import GreyRange
from goldensample.inspection.inspector import Inspector
from goldensample.records import Array
from goldensample.storage.atomic import write_atomic

OBJECTS = ("can", "fabric", "fruit_jelly", "rice", "sheet_metal", "vial", "wallplugs", "walnuts")
SPLITS = ("test_private", "test_private_mixed")
MAPS, MASKS = "anomaly_images", "anomaly_images_thresholded"
ENDINGS = {MAPS: ".tiff", MASKS: ".png"}
INSTALL = 'a submission needs tifffile: pip install "goldensample[bench]"'


def find_private(category: Category) -> dict[Path, Path]:
    """Return the private test pictures of an object, by SPLIT/NAME without ending."""
    if category.location is None:
        return {}
    root = category.location.root / category.location.category
    files = [path for split in SPLITS for path in pictures_below(root / split)]
    return {path.relative_to(root).with_suffix(""): path for path in files}


def check_runs(runs: Mapping[str, tuple[Run, bool]], folder: Path) -> None:
    """Make sure, before the work, that the runs make one submission, and the folder can take it.

    Raises:
        ValueError: they are not one method's on the eight objects, or pictures are missing.
        GoldenError: the folder has other files, or tifffile is not installed.
    """
    categories = [run.category for run, _ in runs.values()]
    names = sorted(category.name for category in categories)
    if names != sorted(OBJECTS):
        found = ", ".join(sorted(set(names))) or "-"
        raise ValueError(
            f"a submission must be one run on each of {', '.join(OBJECTS)}; there are {len(names)} "
            f"runs, on {found}; give MVTec AD 2's folder by "
            "--data, and choose one method by --only, such as --only .patchcore."
        )
    for category in categories:
        splits = {name.parts[0] for name in find_private(category)}
        if lacking := set(SPLITS) - splits:
            raise ValueError(
                f"{category.name} must have pictures in {', '.join(SPLITS)}; there are none in "
                f"{', '.join(sorted(lacking))}; unpack the whole data set"
            )
    _check_names(folder, set(_expected(categories)), whole=False)
    try:
        import tifffile  # noqa: F401
    except ImportError as error:
        raise GoldenError(INSTALL) from error


def missing(run: Run, folder: Path) -> dict[Path, Path]:
    """Return the private pictures that lack their map below a run's folder, by SPLIT/NAME."""
    names = find_private(run.category)
    return {n: path for n, path in names.items() if not (folder / _file(MAPS, n)).is_file()}


def write_maps(
    inspector: Inspector,
    run: Run,
    at_limit: Segmentation | None,
    folder: Path,
    grey_range: GreyRange | None,
) -> None:
    """Write the maps that are missing below a run's folder, and what is above the limit.

    Args:
        folder: gets MAPS/SPLIT/NAME.tiff, written last, and MASKS/SPLIT/NAME.png.

    Raises:
        GoldenError: there is no limit, as there are no validation pictures or no heat maps.
    """
    if at_limit is None:
        raise GoldenError(
            "a submission must have heat maps, and a limit from pictures in validation/good; "
            f"{run.method} on {run.category.name} has not both"
        )
    pictures = missing(run, folder)
    names = tuple(map(str, pictures))
    found = inspector.inspect_many(Folder(names, tuple(pictures.values()), grey_range))
    for name, inspection in zip(pictures, found, strict=True):
        assert inspection.heat_map is not None, "the limit is one of heat maps"
        above = np.where(inspection.heat_map > at_limit.limit, 255, 0).astype(np.uint8)
        write_atomic(folder / _file(MASKS, name), encode_png(above))
        write_atomic(folder / _file(MAPS, name), encode_tiff(inspection.heat_map))


def encode_tiff(heat_map: Array) -> bytes:
    """Return a map (H, W) as a TIFF of half precision, as the server takes it, uncompressed.

    Raises:
        GoldenError: a value is too large for half precision, or not finite.
    """
    import tifffile

    with np.errstate(over="ignore"):
        half = heat_map.astype(np.float16)
    if not np.isfinite(half).all():
        raise GoldenError(
            f"anomaly maps must be finite and below 65,504; got {float(heat_map.max()):g}"
        )
    tifffile.imwrite(file := io.BytesIO(), half, metadata=None)
    return file.getvalue()


def write_submission(folders: Sequence[tuple[Run, Path]], folder: Path) -> Path:
    """Put the maps of all objects into one folder, check it, and pack it beside.

    Args:
        folders: the run of each object, and the folder that it wrote to.
        folder: to submit; holds nothing else.

    Returns:
        The archive, FOLDER.tar.gz.

    Raises:
        GoldenError: a file is missing, is not as the rules ask, or does not belong there.
    """
    for run, source in folders:
        for kind in ENDINGS:
            for name in find_private(run.category):
                _place(source / _file(kind, name), folder / _file(kind, run.category.name / name))
    check_submission(folder, [run.category for run, _ in folders])
    return pack(folder)


def check_submission(folder: Path, categories: Iterable[Category]) -> None:
    """Check a submission by the server's rules.

    All objects and pictures and nothing else; maps of half precision with two axes and the
    picture's size; the thresholded ones of 8 bits, of that size, and 0 or 255.

    Raises:
        GoldenError: it breaks a rule; names the file.
    """
    import tifffile

    expected = _expected(categories)
    _check_names(folder, set(expected), whole=True)
    for name, picture in expected.items():
        path, size = folder / name, read_samples(picture).shape[:2]
        is_map = name.suffix == ".tiff"
        values = tifffile.imread(path) if is_map else _read_grey(path)
        kind = np.dtype(np.float16 if is_map else np.uint8)
        if values.dtype != kind or values.shape != size:
            raise GoldenError(
                f"{path} must be {kind} of {size}; it is {values.dtype} of {values.shape}; remove "
                "it and run again"
            )
        if not (np.isfinite(values).all() if is_map else np.isin(values, (0, 255)).all()):
            raise GoldenError(
                f"values of {path} must be finite; remove it and run again"
                if is_map
                else f"values of {path} must be 0 or 255; remove it and run again"
            )


def _read_grey(path: Path) -> Array:
    """Return the pixels of a PNG, (H, W) where it is of 8 bits and grey; else (H, W, 3)."""
    with open(path, "rb") as file:
        depth_and_colour = file.read(26)[24:]
    pixels = read_samples(path)
    return pixels[..., 0] if depth_and_colour == b"\x08\x00" else pixels


def pack(folder: Path) -> Path:
    """Write FOLDER.tar.gz, whose bytes depend on the files alone; return it."""
    archive = folder.with_name(f"{folder.name}.tar.gz")
    partial = folder.with_name(f".{archive.name}.partial")
    with (
        open(partial, "wb") as file,
        gzip.GzipFile("", "wb", 6, file, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w") as tar,
    ):
        for path in _files_below(folder):
            entry = tarfile.TarInfo(path.relative_to(folder).as_posix())
            entry.size = path.stat().st_size
            with open(path, "rb") as source:
                tar.addfile(entry, source)
    os.replace(partial, archive)
    return archive


def _file(kind: str, name: Path) -> Path:
    return Path(kind, f"{name}{ENDINGS[kind]}")


def _expected(categories: Iterable[Category]) -> dict[Path, Path]:
    """Return the pictures by the files of a submission that belong to them."""
    return {
        _file(kind, category.name / name): picture
        for category in categories
        for name, picture in find_private(category).items()
        for kind in ENDINGS
    }


def _files_below(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if not path.is_dir())


def _check_names(folder: Path, expected: set[Path], whole: bool) -> None:
    """Refuse files that do not belong into a submission and, if it is to be whole, missing ones."""
    found = {path.relative_to(folder) for path in _files_below(folder)}
    if others := sorted(map(str, found - expected)):
        raise GoldenError(
            f"{folder} must hold a submission and nothing else; it has {join_names(others)}; "
            "remove them, or choose another folder"
        )
    if whole and (lacking := sorted(map(str, expected - found))):
        raise GoldenError(f"{folder} must be whole; it lacks {join_names(lacking)}; run again")


def _place(source: Path, target: Path) -> None:
    """Make a file appear at a second place, without a copy where the disk can."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:  # another disk, or one without links
        write_atomic(target, source.read_bytes())
