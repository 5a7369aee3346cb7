"""The layouts that are known, where each data set is to be had, and under which licence."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from goldensample.datasets.by_folder import read_btad, read_folder, read_mvtec_ad, read_mvtec_ad_2
from goldensample.datasets.by_mask import (
    read_dagm,
    read_kolektorsdd,
    read_kolektorsdd2,
    read_magnetic_tile,
)
from goldensample.datasets.by_table import read_csv, read_real_iad, read_visa, visa_categories
from goldensample.datasets.items import Dataset, demand
from goldensample.errors import ImageError
from goldensample.images.listing import PathLike

_NON_COMMERCIAL = "CC BY-NC-SA 4.0"
_MVTEC = "https://www.mvtec.com/company/research/datasets"
_VICOS = "https://www.vicos.si/resources"
_DAGM = "https://hci.iwr.uni-heidelberg.de/content/weakly-supervised-learning-industrial-optical-inspection"
_MPDD = ("bracket_black", "bracket_brown", "bracket_white", "connector", "metal_plate", "tubes")


@dataclass(frozen=True, slots=True)
class Layout:
    """How a published data set lies on disk, and where it comes from.

    Args:
        title: its name in print.
        where: the page of its makers, who alone hand it out; "" for data of one's own.
        licence: as that page, or the data set, says.
        signs: patterns of paths below its folder; one that is there tells the layout.
        categories: lists the categories in a folder; "" is the folder itself.
        read: lists one category, given the folder and the category; it asks nothing of what it
            finds, `read_category` does.
    """

    title: str
    where: str
    licence: str
    signs: tuple[str, ...]
    categories: Callable[[Path], list[str]]
    read: Callable[[Path, str], Dataset]


def _with(sign: str, root: Path) -> list[str]:
    """Return the folders that hold something, or "" where the given one holds it."""
    if (root / sign).exists():
        return [""]
    return sorted(path.name for path in root.glob("*") if (path / sign).exists())


def _whole(root: Path) -> list[str]:
    """Return the one category of a data set that has no others."""
    return [""]


def _described(root: Path) -> list[str]:
    """Return the categories of Real-IAD that have a description and pictures."""
    tables = sorted((root / "realiad_jsons" / "realiad_jsons").glob("*.json"))
    return [path.stem for path in tables if any(root.glob(f"realiad_*/{path.stem}"))]


_tested = partial(_with, "test")
LAYOUTS: dict[str, Layout] = {
    "mvtec_ad": Layout(
        "MVTec AD",
        f"{_MVTEC}/mvtec-ad",
        _NON_COMMERCIAL,
        ("test/good", "*/test/good"),
        _tested,
        read_mvtec_ad,
    ),
    "mvtec_loco": Layout(
        "MVTec LOCO AD",
        f"{_MVTEC}/mvtec-loco",
        _NON_COMMERCIAL,
        ("test/logical_anomalies", "*/test/logical_anomalies"),
        _tested,
        read_mvtec_ad,
    ),
    "mvtec_ad_2": Layout(
        "MVTec AD 2",
        f"{_MVTEC}/mvtec-ad-2",
        _NON_COMMERCIAL,
        ("test_public", "*/test_public"),
        partial(_with, "test_public"),
        read_mvtec_ad_2,
    ),
    "visa": Layout(
        "VisA",
        "https://github.com/amazon-science/spot-diff",
        "CC BY 4.0",
        ("split_csv/1cls.csv",),
        visa_categories,
        read_visa,
    ),
    "btad": Layout(
        "BTAD",
        "https://github.com/pankajmishra000/VT-ADL",
        "CC BY-SA 4.0",
        ("test/ok", "*/test/ok"),
        _tested,
        read_btad,
    ),
    "mpdd": Layout(
        "MPDD",
        "https://github.com/stepanje/MPDD",
        "see the page",
        tuple(f"{name}/test/good" for name in _MPDD),
        _tested,
        read_mvtec_ad,
    ),
    "kolektorsdd": Layout(
        "KolektorSDD",
        f"{_VICOS}/kolektorsdd/",
        _NON_COMMERCIAL,
        ("kos*/Part*",),
        _whole,
        read_kolektorsdd,
    ),
    "kolektorsdd2": Layout(
        "KolektorSDD2",
        f"{_VICOS}/kolektorsdd2/",
        _NON_COMMERCIAL,
        ("test/*_GT.png",),
        _whole,
        read_kolektorsdd2,
    ),
    "dagm": Layout(
        "DAGM 2007", _DAGM, "see the page", ("Class*/Train",), partial(_with, "Train"), read_dagm
    ),
    "magnetic_tile": Layout(
        "Magnetic tile defects",
        "https://github.com/abin24/Magnetic-tile-defect-datasets.",
        "free to use, cite the paper",
        ("MT_Free/Imgs",),
        _whole,
        read_magnetic_tile,
    ),
    "real_iad": Layout(
        "Real-IAD",
        "https://realiad4ad.github.io/Real-IAD/",
        _NON_COMMERCIAL,
        ("realiad_jsons/realiad_jsons",),
        _described,
        read_real_iad,
    ),
    "folder": Layout("Any folder: good/, TYPE/", "", "yours", ("good",), _whole, read_folder),
    "csv": Layout("Any CSV: path, split, label, mask", "", "yours", (), _whole, read_csv),
}


def find_layout(root: PathLike) -> str:
    """Return the layout that a folder, or a CSV file, has, by names alone.

    MPDD is told from MVTec AD by the names of its categories; a single category of it, or the
    magnetic tiles in MVTec AD's layout, is "mvtec_ad": they are read the same.

    Raises:
        ImageError: it has none of them.
    """
    folder = Path(root)
    if folder.is_file() and folder.suffix.lower() == ".csv":
        return "csv"
    # from the last to the first: the more particular stand below those they resemble
    for name, layout in reversed(LAYOUTS.items()):
        if any(next(folder.glob(sign), None) for sign in layout.signs):
            return name
    held = ", ".join(sorted(path.name for path in folder.glob("*"))[:10]) or "nothing"
    was = f"it holds {held}" if folder.is_dir() else "there is no such folder"
    raise ImageError(
        f"a data set must have a known layout ({', '.join(LAYOUTS)}); {folder}: {was}; name the "
        "folder that holds the categories, or one with good pictures in good/"
    )


def read_category(root: PathLike, category: str, layout: str = "") -> Dataset:
    """List one category of a data set, and make sure that it can be measured on.

    Args:
        root: the folder that holds the categories, or the CSV file.
        category: one of `LAYOUTS[layout].categories(root)`; "" where there is one only.
        layout: a key of `LAYOUTS`; "" looks which it is.

    Raises:
        ImageError: no such layout, or what `demand` refuses.
        ValueError: no such layout or category is known.
    """
    folder, known = Path(root), layout or find_layout(root)
    if known not in LAYOUTS:
        raise ValueError(f"layout must be one of {', '.join(LAYOUTS)}; got {known!r}")
    categories = LAYOUTS[known].categories(folder)
    if category not in categories:
        there = ", ".join(map(repr, categories)) or f"none is in {folder}"
        raise ValueError(f"category must be one of those there ({there}); got {category!r}")
    data = demand(LAYOUTS[known].read(folder, category))
    name = known if LAYOUTS[known].where else folder.absolute().stem
    return replace(data, name=name, category=category)
