"""Which run the parts of a table are of: nothing is taken over from another one."""

import json
from collections import Counter
from hashlib import sha256
from pathlib import Path

from goldensample._version import __version__
from goldensample.cli.console import tell
from goldensample.errors import ArtifactError
from goldensample.images.folder import Folder
from goldensample.inspection.inspector import Inspector
from goldensample.storage import verdict_table
from goldensample.storage.output_folder import RUN, Shelf, parent_of


def partial_of(output: str) -> Shelf:
    """Return the folder beside an output that parts are kept in until it is written."""
    return Shelf(f"{output}.partial")


def about_of(file: Path, data: bytes, inspector: Inspector) -> dict[str, str]:
    """Return what a table says of its making."""
    journal = inspector.journal
    return {
        "goldensample": __version__,
        "inspector": file.name,
        "inspector_sha256": sha256(data).hexdigest(),
        **({"inspector_revision": str(journal.head)} if journal else {}),
        "precision": inspector.backbone.precision,
    }


def run_of(options: object, pictures: Folder) -> str:
    """Return what tells this run from all others, as a hash of all that its rows hang on."""
    digest = sha256(json.dumps(options, sort_keys=True).encode())
    for place, known in zip(pictures.paths, pictures.stamps(), strict=True):
        digest.update(json.dumps([str(place), *known]).encode())
    return digest.hexdigest()[:32]


def finished(output: str, run: str) -> Counter[str] | None:
    """Return the counts of a table that is there, if it is of this very run."""
    folder, name = parent_of(output)
    if not Shelf(folder).has(name):
        return None
    with Shelf(folder).reading(name) as file:
        if verdict_table.read_about(file).get("run") != run:
            return None
        return verdict_table.count(file)


def parts_of(output: str, run: str, resume: bool) -> Shelf:
    """Return the folder of this run's parts: within `NAME.partial`, each run has its own.

    So a worker of another run that outlives it for a while cannot write among them.

    Raises:
        ArtifactError: parts of another run are there, and are to be gone on with.
    """
    partial = partial_of(output)
    if not partial.is_remote and Path(partial.place).is_file():
        raise ArtifactError(f"{partial.place} must be a folder of parts; it is a file; remove it")
    found = set(filter(RUN.fullmatch, partial.names()))
    if found and resume and run not in found:
        raise ArtifactError(
            f"{partial.place} must be of the same pictures, file and options to go on with; it is "
            "not; run without --resume to begin anew"
        )
    if found and not resume:
        name = parent_of(partial.place)[1]
        tell(f"golden: replacing {name} of a stopped run; --resume would have gone on from it")
        partial.remove()
    return Shelf(partial.at(run))
