"""Write what others read: models for other runtimes, and reports."""

from collections.abc import Iterable
from itertools import tee
from pathlib import Path

from goldensample.export.export import ENDINGS, Export, export
from goldensample.features.extraction import as_picture
from goldensample.inspection.inspector import Inspector
from goldensample.records import Array, Notify, Picture, silent
from goldensample.report.facts import Occasion, new_report, now
from goldensample.storage.atomic import write_atomic


def export_model(
    fitted: Inspector,
    path: str | Path,
    size_hw: tuple[int, int] | None = None,
    notify: Notify = silent,
    contract: str = "golden",
) -> Export:
    """Write one model with everything in it, checked to compute the same first.

    Args:
        fitted: not changed.
        path: ends in .onnx, or in .xml for OpenVINO.
        size_hw: (H, W) that all pictures will have; None for any.
        notify: called with (stage, done, total) for progress.
        contract: what the model takes and gives: "golden", or as anomalib's exports: "anomalib",
            and "model-api" with what Intel's Model API reads in it.

    Raises:
        ValueError: the path ends otherwise, or the method cannot be exported so.
        ArtifactError: the model does not compute the same; nothing is written.
    """
    kinds = {ending: kind for kind, ending in ENDINGS.items()}
    if (suffix := Path(path).suffix) not in kinds:
        raise ValueError(f"path must end in {' or '.join(kinds)}; got {str(path)!r}")
    return export(fitted, path, kinds[suffix], notify, size_hw, contract)


def write_report(
    fitted: Inspector,
    images: Iterable[Array | Picture],
    path: str | Path,
    *,
    lot: str = "",
    operator: str = "",
) -> None:
    """Inspect pictures and write one page with all of them, which opens without a network.

    Args:
        fitted: not changed.
        images: the pictures; about 70 kB of memory each, whatever its size.
        path: of the page, ending in .html; replaced atomically if it exists.
        lot: its name or number, for the head of the page.
        operator: who inspects, for the head of the page.

    Raises:
        ValueError: a picture is of another shape or kind.
    """
    page = new_report(fitted, Occasion(lot=lot, operator=operator, date=now()))
    pictures = (as_picture(image, index) for index, image in enumerate(images))
    shown, given = tee(pictures)
    for picture, inspection in zip(shown, fitted.inspect_many(given), strict=True):
        page.add(picture.pixels, inspection)
    write_atomic(Path(path), page.html())
