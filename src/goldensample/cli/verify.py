"""`golden verify`: compare an exported model with its .golden file on the user's pictures."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from goldensample.cli.console import print_json, progress, tell
from goldensample.cli.export import agreement_json, print_agreements
from goldensample.errors import ImageError
from goldensample.images.folder import Folder
from goldensample.inspection.inspector import Inspector
from goldensample.inspection.streams import inspect_stream
from goldensample.locales.language import gettext
from goldensample.locales.unmarked import translated
from goldensample.records import Inspection, Notify, Picture


def command(
    exported: Annotated[
        Path, typer.Argument(metavar="EXPORTED", help="What golden export wrote: .onnx or .xml.")
    ],
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="The .golden file it was made from.")
    ],
    paths: Annotated[
        list[str], typer.Argument(metavar="PATH...", help="Pictures: folders, files, globs.")
    ],
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object a runtime.")] = False,
) -> None:
    """Compare a model's scores, heat maps and verdicts with the inspector's, picture by picture.

    ONNX models run in OpenVINO and, where it is installed, in ONNX Runtime, with their defaults.
    Where OpenVINO's defaults compute in bf16 or f16 on this processor (tolerance 3 %), the model
    runs again in f32. Exit code 2 when a picture differs by more than the tolerance of a run, or
    cannot be read.
    """
    from goldensample.artifact.store import load
    from goldensample.export.export import check, open_export, reference_inspector
    from goldensample.export.parity import compare
    from goldensample.graphs.runtimes import contract_of, open_all
    from goldensample.graphs.static_size import SIZE
    from goldensample.images.folder import open_images

    model = open_export(exported)
    contract = contract_of(model)
    inspector = reference_inspector(load(file), contract["precision"])
    runs = open_all(model)
    if model.weights is None and "ONNX Runtime" not in runs:
        advice = gettext("ONNX Runtime is not installed, so not compared: %(command)s")
        tell(advice % {"command": 'pip install "goldensample[verify]"'})
    size_hw = contract.get(SIZE)
    pictures = open_images(paths, grey_range=inspector.preparation.grey_range)
    failures: list[ImageError] = []
    with progress() as notify:
        agreements = compare(
            inspector, runs, inspect_readable(inspector, pictures, size_hw, failures, notify)
        )
    for failure in failures:
        tell(f"golden: {translated(str(failure))}")
    if len(failures) == len(pictures):
        raise typer.Exit(2)
    if json:
        for agreement in agreements:
            print_json(agreement_json(agreement))
    else:
        print_agreements(agreements)
    check(model.name, agreements)
    if failures:
        raise typer.Exit(2)


def other_size(picture: Picture, size_hw: list[int]) -> ImageError:
    """Return the error of a picture that a model of one size cannot take."""
    must, was = ("x".join(map(str, size)) for size in (size_hw, picture.pixels.shape[:2]))
    return ImageError(
        f"a picture for this export must have {must} pixels (height x width); {picture.name} has "
        f"{was}; give pictures of that size, or export anew with --picture-size {was}, or without "
        "--picture-size for any"
    )


def inspect_readable(
    inspector: Inspector,
    pictures: Folder,
    size_hw: list[int] | None,
    failures: list[ImageError],
    notify: Notify,
) -> Iterator[tuple[Picture, Inspection]]:
    """Inspect the pictures that can be read and have the size, and collect the others' errors."""
    results = inspect_stream(inspector, pictures.attempts())
    for done, (picture, result) in enumerate(results, start=1):
        if isinstance(result, ImageError):
            failures.append(result)
        elif picture and size_hw and list(picture.pixels.shape[:2]) != size_hw:
            failures.append(other_size(picture, size_hw))
        elif picture:
            yield picture, result
        notify("parity", done, len(pictures))
