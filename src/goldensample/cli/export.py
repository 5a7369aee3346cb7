"""`golden export`: write an ONNX or OpenVINO model that other programs run."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from goldensample.cli.console import print_json, progress, say, table_lines, tell
from goldensample.cli.options import GoldenFile, Json, parse_size
from goldensample.locales.language import counted, gettext

if TYPE_CHECKING:
    from goldensample.export.export import Export
    from goldensample.export.parity import Agreement
    from goldensample.inspection.inspector import Inspector


def command(
    file: GoldenFile,
    to: Annotated[
        str,
        typer.Option(help="onnx: for ONNX Runtime and others; openvino: .xml and .bin."),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            "--out",
            help="Where to write. \\[default: FILE's name with .onnx or .xml, here]",
        ),
    ] = None,
    picture_size: Annotated[
        str | None,
        typer.Option(
            metavar="HxW",
            help="The one size of the pictures to come, where a runtime must know it beforehand. "
            "\\[default: any size]",
        ),
    ] = None,
    contract: Annotated[
        str,
        typer.Option(
            help="What the model takes and gives. golden: a decoded picture, and distances. "
            "anomalib: as anomalib's exports (pred_score, pred_label, anomaly_map, pred_mask). "
            "model-api: the same, and what Intel's Model API reads in it.",
        ),
    ] = "golden",
    json: Json = False,
) -> None:
    """Write one model with everything in it: a decoded picture in, score and heat map out.

    It is compared with the inspector first, on pictures kept at the fit and on synthetic ones, in
    each runtime that is here; nothing is written where they differ. Where OpenVINO's defaults
    compute in bf16 or f16 on this processor and differ by more than 3 %, it says so.
    """
    from goldensample.artifact.store import load
    from goldensample.export.export import ENDINGS, disagreement, export
    from goldensample.graphs.graph import OPSET, TOLERANCES
    from goldensample.storage.lock import lock_files

    inspector = load(file)
    size_hw = parse_size(picture_size) if picture_size else None
    target = output or Path(file.stem + ENDINGS.get(to, ""))
    with lock_files(target if target.suffix in ENDINGS.values() else None), progress() as notify:
        written = export(inspector, target, to, notify, size_hw, contract)
    if written.precision != inspector.backbone.precision:
        tell_other_precision(inspector, written, target, file)
    for agreement in written.agreements:
        if not agreement.worst.within:
            reason = disagreement(written.paths[-1].name, agreement)
            tell(gettext("written, but %(reason)s") % {"reason": reason})
    if json:
        print_json(
            {
                "files": [str(path) for path in written.paths],
                "bytes": written.bytes,
                "contract": contract,
                "opset": OPSET if to == "onnx" else None,
                "precision": written.precision,
                "picture_size_hw": size_hw,
                "tolerance": TOLERANCES[written.precision],
                "runtimes": [agreement_json(item) for item in written.agreements],
            }
        )
        return
    text = gettext("%(files)s: %(size)s MB, %(precision)s") % {
        "files": ", ".join(map(str, written.paths)),
        "size": f"{written.bytes / 1e6:,.1f}",
        "precision": written.precision,
    }
    text += f", opset {OPSET}" if to == "onnx" else ""
    if size_hw:
        size = gettext("pictures of %(size)s px, one at a time")
        text += ", " + size % {"size": f"{size_hw[0]}x{size_hw[1]}"}
    say(text)
    print_agreements(written.agreements)


def tell_other_precision(
    inspector: "Inspector", written: "Export", target: Path, file: Path
) -> None:
    """Say that a model computes in another precision than its file, and what that means."""
    text = gettext(
        "%(model)s computes in %(precision)s and has the limits for it; %(file)s itself computes "
        "in %(own)s. The model's scores are those of %(command)s"
    )
    values = {
        "model": target,
        "precision": written.precision,
        "file": file,
        "own": inspector.backbone.precision,
        "command": f"golden inspect {file} --precision {written.precision}",
    }
    tell(text % values)


def agreement_json(agreement: "Agreement") -> dict[str, Any]:
    """Return the agreement of a model in one runtime as JSON values."""
    return {
        "runtime": agreement.runtime,
        "computed_in": agreement.computed_in,
        "tolerance": agreement.worst.tolerance,
        "within": agreement.worst.within,
        "pictures": len(agreement.differences),
        "score": finite_or_none(agreement.score),
        "heat_map": None if agreement.heat_map is None else finite_or_none(agreement.heat_map),
        "worst": agreement.worst.picture,
        "verdicts_differ": agreement.changed_verdicts(at_limit=False),
        "verdicts_differ_at_limit": agreement.changed_verdicts(at_limit=True),
    }


def finite_or_none(value: float) -> float | None:
    """Return a number, or None for an infinite one, which JSON lacks."""
    return value if value < float("inf") else None


def print_agreements(agreements: "Sequence[Agreement]") -> None:
    """Print the agreement of a model, one line for each runtime."""
    rows = []
    for agreement in agreements:
        heat_map = agreement.heat_map
        rows.append(
            {
                gettext("runtime"): agreement.runtime,
                gettext("computed in"): agreement.computed_in,
                gettext("pictures"): f"{len(agreement.differences):,}",
                gettext("score off by"): f"{agreement.score:.1e}",
                gettext("map off by"): gettext("no map") if heat_map is None else f"{heat_map:.1e}",
                gettext("verdicts"): changed_text(agreement),
            }
        )
    for line in table_lines(rows, gettext("runtime"), gettext("computed in"), gettext("verdicts")):
        say(line)
    if not any(agreement.half for agreement in agreements):
        text = gettext(
            "OpenVINO's defaults do not compute in bf16 or f16 on this processor: what they do on "
            "others was not measured here; ask for f32 there"
        )
        say(text)


def changed_text(agreement: "Agreement") -> str:
    """Return how many verdicts differ, in words."""
    differ = len(agreement.changed_verdicts(at_limit=False))
    at_limit = len(agreement.changed_verdicts(at_limit=True))
    parts = []
    if differ:
        parts.append(counted("%(num)s differs", "%(num)s differ", differ))
    if at_limit:
        parts.append(
            counted(
                "%(num)s differs right at the limit",
                "%(num)s differ right at the limit",
                at_limit,
            )
        )
    return ", ".join(parts) or gettext("all the same")
