"""The identity of a run of a table: parts of another run are never reused."""

import json
from collections import Counter
from hashlib import sha256
from pathlib import Path

from goldensample._version import __version__
from goldensample.cli.console import tell
from goldensample.errors import ArtifactError
from goldensample.images.folder import Folder
from goldensample.inspection.inspector import Inspector
from goldensample.locales.language import gettext
from goldensample.storage import verdict_table
from goldensample.storage.output_folder import RUN, OutputFolder, split_path


def partial_folder(output: str) -> OutputFolder:
    """Return the folder beside an output that holds its parts until it is written."""
    return OutputFolder(f"{output}.partial")


def table_metadata(file: Path, data: bytes, inspector: Inspector) -> dict[str, str]:
    """Return the metadata of a table: the versions and the file it was computed with."""
    journal = inspector.journal
    return {
        "goldensample": __version__,
        "inspector": file.name,
        "inspector_sha256": sha256(data).hexdigest(),
        **({"inspector_revision": str(journal.head)} if journal else {}),
        "precision": inspector.backbone.precision,
    }


def run_id(options: object, pictures: Folder) -> str:
    """Return the identifier of a run: a hash of everything that its rows depend on."""
    digest = sha256(json.dumps(options, sort_keys=True).encode())
    for path, stamp in zip(pictures.paths, pictures.stamps(), strict=True):
        digest.update(json.dumps([str(path), *stamp]).encode())
    return digest.hexdigest()[:32]


def finished_counts(output: str, run: str) -> Counter[str] | None:
    """Return the counts of an existing table of this very run, or None."""
    folder, name = split_path(output)
    if not OutputFolder(folder).has(name):
        return None
    with OutputFolder(folder).open_reader(name) as file:
        if verdict_table.read_metadata(file).get("run") != run:
            return None
        return verdict_table.count_verdicts(file)


def open_parts(output: str, run: str, resume: bool) -> OutputFolder:
    """Return the folder of this run's parts: within `NAME.partial`, each run has its own.

    So a worker of another run that outlives it for a while cannot write into it.

    Raises:
        ArtifactError: there are parts of another run, and `resume` is set.
    """
    partial = partial_folder(output)
    if not partial.is_remote and Path(partial.location).is_file():
        raise ArtifactError(
            f"{partial.location} must be a folder of parts; it is a file; remove it"
        )
    runs = set(filter(RUN.fullmatch, partial.names()))
    if runs and resume and run not in runs:
        raise ArtifactError(
            f"{partial.location} must be of the same pictures, file and options to go on with; it "
            "is not; run without --resume to begin anew"
        )
    if runs and not resume:
        name = split_path(partial.location)[1]
        text = gettext(
            "golden: replacing %(name)s of a stopped run; --resume would have gone on from it"
        )
        tell(text % {"name": name})
        partial.remove()
    return OutputFolder(partial.path(run))
