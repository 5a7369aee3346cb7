"""Export a fitted inspector as an ONNX or OpenVINO model, after checking that both agree."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from goldensample.errors import ArtifactError
from goldensample.export.parity import Agreement, Difference, brought_to, compare, extremes
from goldensample.fitting.precision import convert_precision
from goldensample.graphs.anomalib import CONTRACTS, to_anomalib
from goldensample.graphs.graph import to_onnx
from goldensample.graphs.runtimes import Exported, open_all, to_openvino
from goldensample.graphs.static_size import fix_size
from goldensample.inspection.inspector import Inspector
from goldensample.locales.language import gettext
from goldensample.methods.patchcore import PatchCoreDetector
from goldensample.records import Inspection, Notify, Picture, silent
from goldensample.storage.atomic import check_writable, write_atomic

ENDINGS = {"onnx": ".onnx", "openvino": ".xml"}


@dataclass(frozen=True, slots=True)
class Export:
    """An exported model.

    Args:
        paths: the files written.
        bytes: their total size.
        precision: of its network, "fp32" or "int8".
        agreements: with the inspector, by runtime; one that computed in bfloat16 or half precision
            may be beyond its tolerance, since float32 can be asked for.
    """

    paths: tuple[Path, ...]
    bytes: int
    precision: str
    agreements: tuple[Agreement, ...]


def export(
    inspector: Inspector,
    path: str | Path,
    to: str,
    notify: Notify = silent,
    size_hw: tuple[int, int] | None = None,
    contract: str = "golden",
) -> Export:
    """Write an inspector as one model: a decoded picture in, score, map and verdict out.

    An ONNX model computes in fp32; an OpenVINO model in int8 where the inspector does.

    Args:
        inspector: what to write; not changed.
        path: ending in .onnx or .xml; the weights of an OpenVINO model go to .bin next to it.
        to: "onnx" or "openvino".
        notify: called with ("parity", pictures compared, pictures).
        size_hw: height and width in pixels of the pictures that the model is to take, one at a
            time; None for any size.
        contract: what it takes and gives. "golden": see `graph.to_onnx`; "anomalib": as anomalib's
            exports, see `anomalib.to_anomalib`; "model-api": the same, with the `model_info` that
            Model API reads.

    Raises:
        ValueError: `to`, the size, the ending or the contract is invalid, or the method cannot be
            exported so.
        ArtifactError: the model differs from the inspector on a picture, in float32 or int8, or
            cannot be written; then no file is written.
    """
    path = Path(path)
    if to not in ENDINGS:
        raise ValueError(f"to must be one of {', '.join(ENDINGS)}; got {to!r}")
    if path.suffix != ENDINGS[to]:
        raise ValueError(f"a file for {to} must end in {ENDINGS[to]}; got {path.name}")
    if contract not in CONTRACTS:
        raise ValueError(f"contract must be one of {', '.join(CONTRACTS)}; got {contract!r}")
    if size_hw and min(size_hw) < 1:
        raise ValueError(f"size_hw must be height and width of at least 1; got {size_hw}")
    check_writable(path)
    int8 = to == "openvino" and inspector.backbone.precision == "int8"
    reference = reference_inspector(inspector, "int8" if int8 else "fp32")
    model = _convert(reference, path.name, to, size_hw, contract)
    agreements = compare(
        reference, open_all(model), _reference_inspections(reference, size_hw, notify)
    )
    check(path.name, [agreement for agreement in agreements if not agreement.half])
    files = model.files(path)
    for file, data in files:
        write_atomic(file, data)
    return Export(
        paths=tuple(file for file, _ in files),
        bytes=sum(len(data) for _, data in files),
        precision=reference.backbone.precision,
        agreements=tuple(agreements),
    )


def _convert(
    reference: Inspector, name: str, to: str, size_hw: tuple[int, int] | None, contract: str
) -> Exported:
    """Return the model of an inspector, see `export`."""
    graph = to_onnx(reference, one_size=size_hw is not None)
    if size_hw:
        graph = fix_size(graph, size_hw)
    model_info = contract == "model-api"
    if contract != "golden":
        graph = to_anomalib(graph, model_info)
    if to == "openvino":
        return to_openvino(name, graph, reference.backbone.network, model_info)
    return Exported(name, graph)


def reference_inspector(inspector: Inspector, precision: str) -> Inspector:
    """Return the inspector that a model must agree with: in its precision, with exact search."""
    converted = convert_precision(inspector, precision)
    detector = converted.detector
    if not isinstance(detector, PatchCoreDetector) or detector.settings.search == "exact":
        return converted
    exact = replace(detector.settings, search="exact")
    return replace(converted, detector=replace(detector, settings=exact))


def _reference_inspections(
    inspector: Inspector, size_hw: tuple[int, int] | None, notify: Notify
) -> Iterator[tuple[Picture, Inspection]]:
    """Inspect the samples stored for checks, and synthetic extremes, all in one size if asked."""
    samples = enumerate(inspector.samples, start=1)
    pictures = [Picture(f"kept picture {k}", sample) for k, sample in samples] + extremes()
    if size_hw:
        pictures = [brought_to(picture, size_hw) for picture in pictures]
    inspections = inspector.inspect_many(pictures)
    for done, pair in enumerate(zip(pictures, inspections, strict=True), start=1):
        yield pair
        notify("parity", done, len(pictures))


def open_export(path: str | Path) -> Exported:
    """Read an exported model.

    Raises:
        ArtifactError: it is missing, or of another kind.
    """
    path = Path(path)
    if path.suffix not in ENDINGS.values():
        raise ArtifactError(
            f"an export must end in one of {', '.join(ENDINGS.values())}; {path.name} does not; "
            "make one with golden export"
        )
    files = [path] if path.suffix == ENDINGS["onnx"] else [path, path.with_suffix(".bin")]
    for file in files:
        if not file.is_file():
            reason = "it is a folder" if file.is_dir() else "there is none"
            raise ArtifactError(f"{file} must be a file; {reason}; make one with golden export")
    return Exported(path.name, *(file.read_bytes() for file in files))


def check(name: str, agreements: Sequence[Agreement]) -> None:
    """Refuse a model that differs from the inspector beyond the tolerance, in any runtime.

    Raises:
        ArtifactError: it does; the message names the worst picture.
    """
    # float32 first: who is wrong there is helped by no hint
    for agreement in sorted(agreements, key=lambda one: one.half):
        if not agreement.worst.within:
            raise ArtifactError(disagreement(name, agreement))


def disagreement(name: str, agreement: Agreement) -> str:
    """Return the sentence on a model that differs from the inspector, and what to do."""
    worst = agreement.worst
    text = gettext(
        "%(model)s must agree with its .golden file, score and heat map within %(tolerance)s of "
        "their size; in %(runtime)s, %(picture)s differs in %(what)s; %(advice)s"
    )
    return text % {
        "model": name,
        "tolerance": f"{worst.tolerance:g}",
        "runtime": agreement.runtime,
        "picture": worst.picture,
        "what": _difference_text(worst),
        "advice": _advice(agreement),
    }


def _difference_text(worst: Difference) -> str:
    """Return what differs beyond the tolerance, in words."""
    score, heat_map = worst.score, worst.heat_map or 0.0
    if score > worst.tolerance and heat_map > worst.tolerance:
        text = gettext("the score by %(score)s and the heat map by %(heat_map)s")
    elif score > worst.tolerance:
        text = gettext("the score by %(score)s")
    elif heat_map > worst.tolerance:
        text = gettext("the heat map by %(heat_map)s")
    else:
        text = gettext("its verdict alone")
    return text % {"score": f"{score:.2g}", "heat_map": f"{heat_map:.2g}"}


def _advice(agreement: Agreement) -> str:
    """Return what to do about a model that differs."""
    if not agreement.half:
        return gettext(
            "do not use it: export anew with this goldensample, and if that is refused keep to "
            "golden inspect and report it"
        )
    text = gettext(
        "this processor computed in %(precision)s: ask for float32 where the model is used, "
        "%(code)s"
    )
    code = 'compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})'
    return text % {"precision": agreement.computed_in, "code": code}
