"""`golden info`: the contents of a .golden file, or the version of the package."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from goldensample._version import __version__
from goldensample.cli.console import print_json, say
from goldensample.cli.method_options import OwnMethod, open_own
from goldensample.cli.options import Json
from goldensample.cli.summary import summary
from goldensample.errors import ArtifactError
from goldensample.locales.language import language, speaking
from goldensample.methods.registry import is_own
from goldensample.records import Threshold
from goldensample.wording.intake import intake_notes
from goldensample.wording.licence import network_licence
from goldensample.wording.limits import exact_promise, kept_aside


def command(
    file: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE]", help="A .golden file; without one, the package itself."),
    ] = None,
    json: Json = False,
    method: OwnMethod = None,
) -> None:
    """Say what a .golden file holds, after checking all of it; or describe the package."""
    with speaking("en" if json else language()):
        values = _package_info() if file is None else _file_info(file, method)
    if json:
        print_json(values)
        return
    width = max(map(len, values))
    for name, value in values.items():
        say(f"{name.replace('_', ' '):{width}}  {_format_value(value)}")


def _format_value(value: Any) -> str:
    """Return a value as text."""
    if isinstance(value, dict) and set(value) == {"count", "names"}:
        names = ", ".join(value["names"]) + ", …" * (value["count"] > len(value["names"]))
        return f"{value['count']:,}" + (f" ({names})" if names else "")
    if isinstance(value, dict):
        return ", ".join(f"{k.replace('_', ' ')} {_format_value(v)}" for k, v in value.items())
    if isinstance(value, list | tuple) and value:
        return (" x " if isinstance(value[0], int) else ", ").join(map(str, value))
    return "none" if value is None or value == [] else str(value)


def _package_info() -> dict[str, Any]:
    """Return the version and the built-in network."""
    from hashlib import sha256

    from goldensample.graphs.open_backbone import builtin_graph
    from goldensample.native.library import library

    has_compiled = library() is not None
    graph = builtin_graph()
    return {
        "goldensample": __version__,
        "builtin_network_sha256": sha256(graph).hexdigest(),
        "builtin_network_bytes": len(graph),
        "search": "compiled"
        if has_compiled
        else "NumPy, slower: no compiled search was built, or it does not load",
    }


def _file_info(file: Path, method: str | None) -> dict[str, Any]:
    """Return the settings and the fitted state of a file."""
    from goldensample.artifact.container import read_parts
    from goldensample.artifact.store import assemble
    from goldensample.features.extraction import level_shapes

    own = open_own(method)
    header, arrays = read_parts(file)
    if own is None and is_own(str(header["method"])):
        return _header_info(file, header)
    inspector = assemble(file.name, header, arrays, own)
    preparation = inspector.preparation
    levels = preparation.grey_range
    return {
        "file": str(file),
        "bytes": file.stat().st_size,
        **summary(inspector),
        "grid_hw": level_shapes(inspector.preparation, inspector.backbone)[0][1:],
        "network_licence": network_licence(inspector.backbone.network.name),
        "threshold_in_words": exact_promise(inspector.threshold, inspector.journal),
        "kept_aside_in_words": kept_aside(inspector.hold_out) or None,
        "notes": intake_notes(inspector.intake) if inspector.intake else [],
        "preparation": {
            "size_hw": preparation.size_hw,
            "mode": preparation.mode,
            "crop_hw": preparation.crop_hw,
            "black": levels.black if levels else None,
            "white": levels.white if levels else None,
            "looked_at": round(preparation.view.share, 4) if preparation.view else 1.0,
            "aligned": preparation.reference is not None,
            "aligned_degrees": preparation.reference.degrees if preparation.reference else None,
            "zones": {zone.name: zone.limit for zone in preparation.zones} or None,
        },
        "method": inspector.method_name,
        "knobs": asdict(inspector.method),
    }


def _header_info(file: Path, header: dict[str, Any]) -> dict[str, Any]:
    """Return what the header of a file tells whose method is somebody's own; no code is run.

    Raises:
        ArtifactError: the header is not one that `golden fit` writes.
    """
    method = header["method"]
    try:
        network, preparation = header["network"], header["preparation"]
        limits = header["thresholds"].get(header["precision"])
        limit = Threshold(**limits) if limits else None
        return {
            "file": str(file),
            "bytes": file.stat().st_size,
            "method": method,
            "method_sha256": header.get("method_sha256"),
            "knobs": header["knobs"],
            "network": network["name"],
            "network_sha256": network["source_sha256"],
            "precision": header["precision"],
            "size_hw": preparation["size_hw"],
            "pictures": len(header["pictures"]),
            "threshold": limit.score if limit else None,
            "review_threshold": limit.review if limit else None,
            "threshold_in_words": exact_promise(limit),
            "the_rest": f"its method is somebody's own, and no code is run because a file asks for "
            f"it; if you have that Python file and trust it: golden info {file} --method {method}",
        }
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise ArtifactError(
            f"{file.name}: its header must be as golden fit writes it; it is not "
            f"({type(error).__name__}: {error}); fit it anew"
        ) from error
