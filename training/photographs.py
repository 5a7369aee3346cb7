"""Photographs that may be used commercially and changed: `python -m training.photographs`.

They come out of packages of Debian and of the Python registry, whose copyright files say who made
each picture and on which terms. A picture is kept only if every statement about it allows both.
"""

import argparse
import csv
import hashlib
import io
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import numpy as np
from debian.copyright import Copyright, MachineReadableFormatError, NotMachineReadableError
from PIL import Image

DEBIAN = (
    "gnome-backgrounds",
    "lomiri-wallpapers-16.04",
    "lomiri-wallpapers-20.04",
    "mate-backgrounds",
    "plasma-workspace-wallpapers",
    "sway-backgrounds",
    "tuxpaint-stamps-default",
    "ukui-wallpapers",
)
HELD_OUT = "lomiri-wallpapers-16.04"
"""No picture of this package is trained on: it serves the validation."""

TABLE = Path(__file__).with_name("photographs.csv")
ENDINGS = (".jpg", ".jpeg", ".png", ".webp")
SMALLEST = 160
SIDE = 384
CROPS = 8

FREE = re.compile(
    r"(CC0|CC-BY|CC-BY-SA|GPL|LGPL|GFDL-NIV|MIT|Expat|BSD|Apache|Zlib|ISC|public-domain)"
    r"(-?v?\d+(\.\d+)*)?(-clause)?\+?",
    re.IGNORECASE,
)

SCIKIT = {
    "scikit-image==0.25.2": {
        "skimage/data/astronaut.png": ("NASA", "public-domain"),
        "skimage/data/brick.png": ("CC0Textures", "CC0"),
        "skimage/data/camera.png": ("Lav Varshney", "CC0"),
        "skimage/data/chelsea.png": ("Stefan van der Walt", "CC0"),
        "skimage/data/clock_motion.png": ("Stefan van der Walt", "public-domain"),
        "skimage/data/coffee.png": ("Rachel Michetti", "CC0"),
        "skimage/data/grass.png": ("linolafett", "CC0"),
        "skimage/data/gravel.png": ("CC0Textures", "CC0"),
        "skimage/data/hubble_deep_field.jpg": ("NASA", "public-domain"),
        "skimage/data/retina.jpg": ("Häggström, Mikael", "CC0"),
        "skimage/data/rocket.jpg": ("SpaceX", "public-domain"),
    },
    "scikit-learn==1.5.2": {
        "sklearn/datasets/images/china.jpg": ("danielbuechele", "CC-BY-2.0"),
        "sklearn/datasets/images/flower.jpg": ("vultilion", "CC-BY-2.0"),
    },
}
"""Of each wheel the pictures whose author and licence its own texts name (docstrings of
`skimage/data/_fetchers.py`, `sklearn/datasets/images/README.txt`)."""


@dataclass(frozen=True)
class Photograph:
    """A picture of a package, who made it, on which terms, and its bytes' SHA-256."""

    package: str
    version: str
    file: str
    author: str
    licence: str
    sha256: str


def is_free(licence: str) -> bool:
    """Return whether a licence is known to allow commercial use and derived works.

    Only names that are on the list count: NC, ND, unknown and missing ones do not.

    Args:
        licence: as in Debian's copyright files; of several joined by "or" one must allow it, of
            several joined by "and" all.
    """
    if " or " in licence:
        return any(is_free(part) for part in licence.split(" or "))
    parts = licence.split(" and ")
    return all(FREE.fullmatch(part.strip()) is not None for part in parts)


def terms(copyright_text: str, file: str, metadata: str | None = None) -> tuple[str, str] | None:
    """Return author and licence of a picture that may be used commercially and changed.

    Args:
        copyright_text: the package's copyright file. One that is not machine-readable says
            nothing that could be checked: none of its pictures is free.
        file: the picture's path in the package's source.
        metadata: what the picture's own file says (KDE's `metadata.json`), where there is one; it
            must allow the same, and names the author.

    Returns:
        The author without a mail address, and the licence's short name;
        None if one statement does not allow it, or there is none.
    """
    try:
        paragraph = Copyright(io.StringIO(copyright_text)).find_files_paragraph(file)
    except (NotMachineReadableError, MachineReadableFormatError):
        return None
    if paragraph is None or not is_free(paragraph.license.synopsis):
        return None
    author = " ".join(re.sub(r"<[^>]*>", "", paragraph.copyright).split())
    licence = paragraph.license.synopsis
    if metadata is None:
        return author, licence
    own = json.loads(metadata)["KPlugin"]
    if not is_free(own.get("License", "")):
        return None
    return ", ".join(person["Name"] for person in own.get("Authors", [])) or author, own["License"]


def source_path(package: str, installed: Path) -> str:
    """Return where an installed picture lay in its package's source, as copyright files name it."""
    parts = installed.parts[:-1]
    name = re.match(r"lomiri-wallpapers-([\d.]+)", package)
    if name:
        return f"{name[1]}/{installed.name}"
    kept = parts[parts.index("mate") + 1 :] if "mate" in parts else ()
    return "/".join((*kept, installed.name))


def debian_photographs(package: str, folder: Path) -> Iterator[tuple[Photograph, bytes]]:
    """Download a package of Debian and yield its free pictures."""
    subprocess.run(["apt-get", "download", package], cwd=folder, check=True, capture_output=True)
    archive = sorted(folder.glob(f"{package}_*.deb"))[-1]
    version = subprocess.check_output(["dpkg-deb", "-f", archive, "Version"], text=True).strip()
    unpacked = folder / package
    subprocess.run(["dpkg-deb", "-x", archive, unpacked], check=True)
    copyright_text = (unpacked / "usr/share/doc" / package / "copyright").read_text(
        encoding="utf-8"
    )
    for path in sorted(unpacked.rglob("*")):
        if path.suffix.lower() not in ENDINGS or path.stem == "screenshot" or path.is_symlink():
            continue
        installed = path.relative_to(unpacked)
        own = [folder / "metadata.json" for folder in path.parents]
        metadata = next((name.read_text(encoding="utf-8") for name in own if name.exists()), None)
        allowed = terms(copyright_text, source_path(package, installed), metadata)
        if allowed is not None:
            data = path.read_bytes()
            digest = hashlib.sha256(data).hexdigest()
            yield Photograph(package, version, str(installed), *allowed, digest), data


def wheel_photographs(pinned: str, folder: Path) -> Iterator[tuple[Photograph, bytes]]:
    """Download a wheel of the Python registry and yield the pictures of SCIKIT."""
    package, version = pinned.split("==")
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", folder, pinned]
    subprocess.run(command, check=True)
    wheel = next(folder.glob(f"{package.replace('-', '_')}-{version}-*.whl"))
    with zipfile.ZipFile(wheel) as archive:
        for file, allowed in SCIKIT[pinned].items():
            data = archive.read(file)
            yield (
                Photograph(package, version, file, *allowed, hashlib.sha256(data).hexdigest()),
                data,
            )


def pieces(picture: Image.Image, rng: np.random.Generator) -> list[Image.Image]:
    """Return a picture made small, and crops of its full resolution that are not flat.

    Transparent places take a random grey.
    """
    picture = picture.convert("RGBA")
    ground = Image.new("RGBA", picture.size, (int(rng.integers(256)),) * 3 + (255,))
    picture = Image.alpha_composite(ground, picture).convert("RGB")
    scale = min(1.0, SIDE / min(picture.size))
    small = (round(picture.width * scale), round(picture.height * scale))
    found = [picture.resize(small, Image.Resampling.LANCZOS)]
    count = min(CROPS, picture.width * picture.height // (2 * SIDE * SIDE))
    for _ in range(count if min(picture.size) > SIDE else 0):
        left, top = (int(rng.integers(length - SIDE + 1)) for length in picture.size)
        crop = picture.crop((left, top, left + SIDE, top + SIDE))
        if np.asarray(crop).std() > 6:
            found.append(crop)
    return found


def write_pieces(number: int, photograph: Photograph, data: bytes, out: Path) -> bool:
    """Write a picture's pieces as JPEG files; return False if it is too small to be of use."""
    picture = Image.open(io.BytesIO(data))
    if min(picture.size) < SMALLEST:
        return False
    part = out / ("held_out" if photograph.package == HELD_OUT else "train")
    part.mkdir(parents=True, exist_ok=True)
    for index, piece in enumerate(pieces(picture, np.random.default_rng((3, number)))):
        piece.save(part / f"{photograph.sha256[:12]}_{index}.jpg", quality=95)
    return True


def main() -> None:
    """Fetch the packages, write the pieces and the table of their authors and licences."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("runs/photographs"))
    options = parser.parse_args()
    packages = options.folder / "packages"
    packages.mkdir(parents=True, exist_ok=True)
    kept: dict[str, Photograph] = {}
    for name in (*DEBIAN, *SCIKIT):
        found = wheel_photographs if name in SCIKIT else debian_photographs
        for photograph, data in found(name, packages):
            if photograph.sha256 not in kept and write_pieces(
                len(kept), photograph, data, options.folder
            ):
                kept[photograph.sha256] = photograph
        print(f"{name}: {len(kept)} pictures so far", flush=True)
    with TABLE.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([field.name for field in fields(Photograph)])
        writer.writerows(astuple(photograph) for photograph in kept.values())
    (packages / "all").touch()


if __name__ == "__main__":
    main()
