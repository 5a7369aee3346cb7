"""The spool of features of a fit, which a stopped fit leaves for --resume."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from goldensample._version import __version__
from goldensample.backbones.network import Backbone
from goldensample.errors import ArtifactError, GoldenError
from goldensample.features.extraction import batch_size, level_shapes
from goldensample.fitting.spool import METADATA_NAME, Spool, open_spool
from goldensample.images.folder import Folder
from goldensample.locales.language import counted, gettext
from goldensample.preparation.preparation import Preparation


@contextmanager
def feature_spool(
    output: Path,
    pictures: Folder,
    network: Backbone,
    preparation: Preparation,
    held_out: int,
    resume: bool,
    tell: Callable[[str], None],
) -> Iterator[Spool]:
    """Open the store beside the output, for the features until the output is written.

    If the fit ends before that, they are left for --resume.
    """
    prepared = replace(preparation, grey_range=pictures.grey_range)
    metadata = _identity(network, prepared)
    metadata["held_out"] = [held_out, *pictures.groups] if pictures.groups else held_out
    metadata["pictures"] = _stamps(pictures, resume)
    path = output.with_name(f"{output.name}.partial")
    if (path / METADATA_NAME).is_file() and not resume:
        text = gettext(
            "golden: replacing %(file)s of a stopped fit; --resume would have gone on from it"
        )
        tell(text % {"file": path.name})
    size = len(pictures) - held_out, batch_size(preparation)
    spool = open_spool(path, metadata, level_shapes(preparation, network), size, resume)
    if len(spool):
        text = gettext("golden: going on from the features of %(pictures)s in %(file)s")
        tell(text % _kept(spool, path))
    try:
        yield spool
    except (KeyboardInterrupt, GoldenError):
        if len(spool):
            text = gettext(
                "golden: stopped; --resume goes on from the features of %(pictures)s in %(file)s"
            )
            tell("\n" + text % _kept(spool, path))
        raise
    spool.remove()


def _stamps(pictures: Folder, resume: bool) -> list[list[Any]]:
    """Return the path of each picture, and what tells that it was not changed."""
    stamps = pictures.stamps()
    if resume and (unstamped := [name for name, *_, tag in stamps if tag == ""]):
        raise ArtifactError(
            "--resume must know that pictures are those of before; nothing tells when "
            f"{unstamped[0]} was changed; run without it"
        )
    return [[str(path), *one] for path, one in zip(pictures.paths, stamps, strict=True)]


def _identity(network: Backbone, preparation: Preparation) -> dict[str, Any]:
    """Return what the features of a picture depend on."""
    graph = network.network
    return {
        "version": __version__,
        "network": [graph.source_sha256, *graph.levels, *graph.mean, *graph.std, graph.stride],
        "computed_by": type(network).__name__,
        "preparation": asdict(preparation),
    }


def _kept(spool: Spool, path: Path) -> dict[str, str]:
    """Return how many pictures' features a store holds, and its name, as a text has them."""
    pictures = counted("%(num)s picture", "%(num)s pictures", len(spool))
    return {"pictures": pictures, "file": path.name}
