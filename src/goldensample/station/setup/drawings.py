"""Drawings that regions in use were made of, so that they can be drawn further, and who drew them.

A file has regions as masks; each drawing lies under the hash of what it made, so that a product
which goes back to a revision, or is copied, finds its own.
"""

import json
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path

from goldensample.inspection.inspector import Inspector
from goldensample.preparation.scope import Scope
from goldensample.station.setup.regions import Regions, from_json
from goldensample.storage.atomic import write_atomic


def scope_of(inspector: Inspector) -> Scope:
    """Return what an inspector looks at, and by which limits."""
    return Scope(inspector.preparation.view, inspector.preparation.zones)


def save_drawing(folder: Path, inspector: Inspector, regions: Regions) -> None:
    """Keep the drawing of an inspector's regions in the station's folder."""
    path = _path(folder, scope_of(inspector))
    path.parent.mkdir(exist_ok=True)
    write_atomic(path, json.dumps(asdict(regions)).encode())


def find_drawing(folder: Path, inspector: Inspector) -> Regions | None:
    """Return the drawing of an inspector's regions; None where they were not drawn here."""
    path = _path(folder, scope_of(inspector))
    return from_json(path.read_bytes()) if path.exists() else None


def _path(folder: Path, scope: Scope) -> Path:
    content = json.dumps(asdict(scope), sort_keys=True)
    return folder / "drawings" / f"{sha256(content.encode()).hexdigest()}.json"
