"""What is drawn on a picture of a draft: where to look, zones with their limits, what to align to.

A fit takes it as `golden fit` takes files of `--look-at`, `--ignore`, `--zones` and `--align`; they
are written for it, and for people.
"""

import json
import zipfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from goldensample.errors import ImageError
from goldensample.features.extraction import align_to
from goldensample.images.codec import encode_png, read_image
from goldensample.images.folder import Folder
from goldensample.masks.drawing import Shape, draw_shapes
from goldensample.masks.zone_files import add_roi_and_zones
from goldensample.preparation.preparation import Preparation
from goldensample.records import Notify
from goldensample.station.setup.drafts import Draft
from goldensample.storage.atomic import write_atomic
from goldensample.wording.limits import percent

FILE = "regions.json"
Files = tuple[Path | None, Path | None, Path | None]
"""Of what is ignored, what is looked at, and zones."""


@dataclass(frozen=True, slots=True)
class DrawnZone:
    """A zone: how many times the limit elsewhere a defect must exceed there, and its shapes."""

    name: str
    limit: float
    shapes: list[dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Regions:
    """What was drawn, and by whom.

    Args:
        picture: number of the draft's picture that was drawn on, or of the record's.
        size_hw: (H, W) of it.
        look_at, ignore: the fields of `masks.drawing.Shape`; without any, all is
            looked at, or nothing is left out.
        zones: where two overlap, the later one counts.
        degrees: by how much a part may be turned that is aligned to the picture; None aligns
            nothing.
        by: who drew.
        time: seconds since 1970.
        looked_at: share of the picture.
    """

    picture: int
    size_hw: tuple[int, int]
    look_at: list[dict[str, Any]]
    ignore: list[dict[str, Any]]
    zones: list[DrawnZone]
    degrees: int | None
    by: str
    time: float
    looked_at: float = 1.0

    @property
    def is_empty(self) -> bool:
        """Whether nothing is drawn or aligned."""
        return not (self.look_at or self.ignore or self.zones or self.degrees)

    def words(self) -> str:
        """Return in words, for the record of changes, what is drawn."""
        parts = [f"{percent(self.looked_at)} of the picture looked at"]
        parts += [f"zone {zone.name} with {zone.limit:g} times the limit" for zone in self.zones]
        parts += ["pictures aligned"] if self.degrees else []
        return ", ".join(parts)

    def measured(self) -> "Regions":
        """Return the same with the share that is looked at.

        Raises:
            ImageError, ValueError: see `add_to`.
        """
        view = self.add_to(Preparation((16, 16)), [self.size_hw]).view
        return replace(self, looked_at=view.share if view else 1.0)

    def add_to(self, preparation: Preparation, shapes: Sequence[tuple[int, int]]) -> Preparation:
        """Return a preparation with the region of interest and the zones.

        Args:
            preparation: with neither; not changed.
            shapes: (H, W) of the pictures of the fit.

        Raises:
            ImageError, ValueError: nothing or all is marked, a zone has no name or limit of its
                own, or a picture another aspect.
        """
        with TemporaryDirectory() as folder:
            try:
                return add_roi_and_zones(preparation, self.write(Path(folder)), shapes)
            except ImageError as error:
                raise ImageError(str(error).replace(f"{folder}/", "")) from None

    def write(self, folder: Path) -> Files:
        """Write what was drawn as the files of `golden fit`; return those that there are."""
        files: dict[str, Path] = {}
        for name in ("ignore", "look_at"):
            if shapes := getattr(self, name):
                files[name] = self._write_mask(folder / f"{name}.png", shapes)
        entries = [
            {
                "name": zone.name,
                "limit": zone.limit,
                "mask": self._write_mask(folder / f"zone-{number}.png", zone.shapes).name,
            }
            for number, zone in enumerate(self.zones, 1)
        ]
        if entries:
            files["zones"] = folder / "zones.json"
            files["zones"].write_text(json.dumps({"zones": entries}), encoding="utf-8")
        return files.get("ignore"), files.get("look_at"), files.get("zones")

    def zipped(self) -> bytes:
        """Return the files of `write` in one."""
        with TemporaryDirectory() as folder, zipfile.ZipFile(file := BytesIO(), "w") as archive:
            self.write(Path(folder))
            for path in sorted(Path(folder).iterdir()):
                archive.write(path, path.name)
        return file.getvalue()

    def _write_mask(self, path: Path, shapes: list[dict[str, Any]]) -> Path:
        mask = draw_shapes([Shape(**shape) for shape in shapes], self.size_hw)
        path.write_bytes(encode_png(mask.astype(np.uint8) * 255))
        return path


def save_regions(folder: Path, regions: Regions) -> None:
    """Keep what was drawn in a draft's folder; the empty one keeps nothing.

    Raises:
        ImageError, ValueError: see `Regions.add_to`.
    """
    if regions.is_empty:
        (folder / FILE).unlink(missing_ok=True)
        return
    write_atomic(folder / FILE, json.dumps(asdict(regions.measured())).encode())


def read_regions(folder: Path) -> Regions | None:
    """Return what was drawn, or None."""
    path = folder / FILE
    if not path.exists():
        return None
    return from_json(path.read_bytes())


def from_json(data: bytes) -> Regions:
    """Return what was drawn from its file."""
    values = json.loads(data)
    zones = [DrawnZone(**zone) for zone in values["zones"]]
    height, width = values["size_hw"]
    return Regions(**{**values, "zones": zones, "size_hw": (height, width)})


def reference_path(draft: Draft) -> str | None:
    """Return the path of the picture that all others are aligned to, or None."""
    regions = read_regions(draft.folder)
    if regions is None or regions.degrees is None:
        return None
    return str(draft.pictures[regions.picture].path)


def add_regions(
    preparation: Preparation,
    drawn: tuple[Path, str | None],
    pictures: Folder,
    held_out: Sequence[int],
    notify: Notify,
) -> Preparation:
    """Return a preparation with what was drawn in a draft's folder, and with its reference.

    Args:
        preparation: with none of it; not changed.
        drawn: the draft's folder, and the path of the picture to align to, or None.
        pictures: of the fit.
        held_out: numbers of the calibration pictures, which have no part in the alignment.
        notify: called with ("align", pictures done, pictures).

    Raises:
        ImageError, ValueError: see `Regions.add_to` and `align_to`.
    """
    folder, reference = drawn
    regions = read_regions(folder)
    if regions is None:
        return preparation
    preparation = regions.add_to(preparation, list(pictures.shapes()))
    if regions.degrees is None or reference is None:
        return preparation
    chosen = [index for index in range(len(pictures)) if index not in set(held_out)]
    pixels = read_image(Path(reference), pictures.grey_range)
    return align_to(preparation, pixels, pictures, chosen, notify, regions.degrees)
