"""What tests of parts share: three views, each fitted on its own pictures, and parts of them."""

from pathlib import Path

import httpx
import numpy as np
from conftest import fit, part

import goldensample
from goldensample import PatchCore, Preparation
from goldensample.images.codec import encode_png
from goldensample.parts.manifest import PartManifest, View, hash_file, write_manifest
from goldensample.records import Picture

VIEWS = ("top", "left", "under")


def view_pixels(view: str, seed: int, defect: bool = False) -> np.ndarray:
    """A picture of one view of a part; views are turned otherwise."""
    turn = VIEWS.index(view)
    return np.rot90(part(10 * seed + turn, defect=defect), turn).copy()


def view_files(seed: int, defect: str = "", without: str = "") -> dict[str, bytes]:
    """The pictures of a part as PNG files, by view."""
    return {
        view: encode_png(view_pixels(view, seed, view == defect))
        for view in VIEWS
        if view != without
    }


def form(files: dict[str, bytes]) -> list[tuple[str, tuple[str, bytes]]]:
    """The pictures of a part as the fields of a form."""
    return [(view, (f"{view}.png", data)) for view, data in files.items()]


def post_part(client: httpx.Client, files: dict[str, bytes], **query: str) -> httpx.Response:
    """Send a part to a station."""
    return client.post("/api/parts/bracket", params=query, files=form(files))


def fit_views(tiny, folder: Path) -> None:
    """Write a file of each view, fitted on 60 good pictures, of which 30 set the limits."""
    folder.mkdir(exist_ok=True)
    for view in VIEWS:
        good = [Picture(f"{seed}.png", view_pixels(view, 500 + seed)) for seed in range(60)]
        inspector = fit(
            good,
            backbone=tiny,
            method=PatchCore(coreset=0.05, composition="off"),
            preparation=Preparation((48, 48)),
            calibration="split",
            false_alarms=1 / 31,
        )
        goldensample.save(inspector, folder / f"{view}.golden")


def make_part(views: Path, folder: Path) -> Path:
    """Write a part's file beside copies of its views' files."""
    folder.mkdir(exist_ok=True)
    for view in VIEWS:
        (folder / f"{view}.golden").write_bytes((views / f"{view}.golden").read_bytes())
    listed = [View(v, f"{v}.golden", hash_file(folder / f"{v}.golden")) for v in VIEWS]
    write_manifest(folder / "bracket.golden-part", PartManifest(tuple(listed), 0.1))
    return folder / "bracket.golden-part"
