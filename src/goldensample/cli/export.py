"""`golden export`: write a model that other programs run."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from goldensample.cli.console import print_json, progress, say, tell

if TYPE_CHECKING:
    from goldensample.export.parity import Agreement


def command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A .golden file.")],
    to: Annotated[
        str,
        typer.Option(help="onnx: for ONNX Runtime and others; openvino: .xml and .bin."),
    ],
    out: Annotated[
        Path | None,
        typer.Option(help="Where to write. \\[default: FILE's name with .onnx or .xml, here]"),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Write one model with everything in it: a decoded picture in, score and heat map out.

    It is compared with the inspector first, on pictures kept at the fit and on synthetic ones, in
    each runtime that is here; nothing is written where they differ.
    """
    from goldensample.artifact.store import load
    from goldensample.export.export import ENDINGS, export
    from goldensample.graphs.graph import OPSET, TOLERANCES

    inspector = load(file)
    with progress() as notify:
        written = export(inspector, out or Path(file.stem + ENDINGS.get(to, "")), to, notify)
    if written.precision != inspector.backbone.precision:
        tell(
            f"{file} computes in {inspector.backbone.precision}, what was written in "
            f"{written.precision}, with the threshold of that: as golden inspect --precision "
            f"{written.precision}"
        )
    if json:
        print_json(
            {
                "files": [str(path) for path in written.paths],
                "bytes": written.bytes,
                "opset": OPSET if to == "onnx" else None,
                "precision": written.precision,
                "tolerance": TOLERANCES[written.precision],
                "runtimes": [agreement_json(one) for one in written.agreements],
            }
        )
        return
    opset = f", opset {OPSET}" if to == "onnx" else ""
    names = " and ".join(map(str, written.paths))
    say(f"{names}: {written.bytes / 1e6:,.1f} MB, {written.precision}{opset}")
    show(written.agreements)


def agreement_json(agreement: "Agreement") -> dict[str, Any]:
    """Return how a model agrees in one runtime, for machines."""
    return {
        "runtime": agreement.runtime,
        "pictures": len(agreement.differences),
        "score": finite(agreement.score),
        "heat_map": None if agreement.heat_map is None else finite(agreement.heat_map),
        "worst": agreement.worst.picture,
        "verdicts_differ": agreement.turned(at_limit=False),
        "verdicts_differ_at_limit": agreement.turned(at_limit=True),
    }


def finite(value: float) -> float | None:
    """Return a number as JSON has it: None for what is infinite."""
    return value if value < float("inf") else None


def show(agreements: "Sequence[Agreement]") -> None:
    """Print how a model agrees, a line for each runtime."""
    say(f"{'runtime':14}{'pictures':>8}  {'score off by':>12}  {'map off by':>10}  verdicts")
    for one in agreements:
        differ, turned = len(one.turned(at_limit=False)), len(one.turned(at_limit=True))
        words = f"{differ} differ" if differ else "all the same"
        words += f" but {turned}, right at the threshold" if turned else ""
        of_map = "no map" if one.heat_map is None else f"{one.heat_map:.1e}"
        say(f"{one.runtime:14}{len(one.differences):8,}  {one.score:12.1e}  {of_map:>10}  {words}")
