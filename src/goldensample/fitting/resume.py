"""The spool of features of a fit, which a stopped fit leaves for --resume."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

from goldensample._version import __version__
from goldensample.backbones.network import Backbone
from goldensample.errors import ArtifactError, GoldenError
from goldensample.features.extraction import batch_size, level_shapes
from goldensample.fitting.spool import METADATA_NAME, Spool, open_spool
from goldensample.images.folder import Folder
from goldensample.preparation.preparation import Preparation
from goldensample.wording.numbers import count


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
    stamps = pictures.stamps()
    if resume and (unstamped := [name for name, *_, tag in stamps if tag == ""]):
        raise ArtifactError(
            "--resume must know that pictures are those of before; nothing tells when "
            f"{unstamped[0]} was changed; run without it"
        )
    graph = network.network
    metadata = {
        "version": __version__,
        "pictures": [[str(path), *one] for path, one in zip(pictures.paths, stamps, strict=True)],
        "held_out": held_out,
        "network": [graph.source_sha256, *graph.levels, *graph.mean, *graph.std, graph.stride],
        "computed_by": type(network).__name__,
        "preparation": asdict(replace(preparation, grey_range=pictures.grey_range)),
    }
    path = output.with_name(f"{output.name}.partial")
    if (path / METADATA_NAME).is_file() and not resume:
        tell(f"golden: replacing {path.name} of a stopped fit; --resume would have gone on from it")
    size = len(pictures) - held_out, batch_size(preparation)
    spool = open_spool(path, metadata, level_shapes(preparation, network), size, resume)
    if len(spool):
        tell(f"golden: going on from the features of {count(len(spool), 'picture')} in {path.name}")
    try:
        yield spool
    except (KeyboardInterrupt, GoldenError):
        if kept := len(spool):
            source = f"{count(kept, 'picture')} in {path.name}"
            tell(f"\ngolden: stopped; --resume goes on from the features of {source}")
        raise
    spool.remove()
