"""The features that a fit keeps on disk, and that a stopped one leaves."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

from goldensample._version import __version__
from goldensample.backbones.network import Backbone
from goldensample.errors import ArtifactError, GoldenError
from goldensample.features.extraction import batch_size, level_shapes
from goldensample.fitting.spool import HEAD, Spool, open_spool
from goldensample.images.folder import Folder
from goldensample.preparation.preparation import Preparation


@contextmanager
def spooled(
    output: Path,
    pictures: Folder,
    network: Backbone,
    preparation: Preparation,
    held_out: int,
    resume: bool,
    tell: Callable[[str], None],
) -> Iterator[Spool]:
    """Give the store beside the output where features lie until the output is written.

    Whatever ends the work before that leaves them for --resume.
    """
    stamps = pictures.stamps()
    if resume and (unknown := [name for name, *_, tag in stamps if tag == ""]):
        raise ArtifactError(
            "--resume must know that pictures are those of before; nothing tells when "
            f"{unknown[0]} was changed; run without it"
        )
    known = network.network
    of = {
        "version": __version__,
        "pictures": [[str(path), *one] for path, one in zip(pictures.paths, stamps, strict=True)],
        "held_out": held_out,
        "network": [known.source_sha256, *known.levels, *known.mean, *known.std, known.stride],
        "computed_by": type(network).__name__,
        "preparation": asdict(replace(preparation, white=pictures.white)),
    }
    path = output.with_name(f"{output.name}.partial")
    if (path / HEAD).is_file() and not resume:
        tell(f"golden: replacing {path.name} of a stopped fit; --resume would have gone on from it")
    size = len(pictures) - held_out, batch_size(preparation)
    kept = open_spool(path, of, level_shapes(preparation, network), size, resume)
    if len(kept):
        tell(f"golden: going on from the features of {len(kept):,} pictures in {path.name}")
    try:
        yield kept
    except (KeyboardInterrupt, GoldenError):
        if done := len(kept):
            done_of = f"{done:,} pictures in {path.name}"
            tell(f"\ngolden: stopped; --resume goes on from the features of {done_of}")
        raise
    kept.remove()
