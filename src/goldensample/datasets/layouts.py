"""The supported layouts in a table, with the source and the licence of each data set."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from goldensample.datasets.by_folder import read_folder, read_mvtec_ad, read_mvtec_ad_2
from goldensample.datasets.by_mask import (
    read_dagm,
    read_kolektorsdd,
    read_kolektorsdd2,
    read_magnetic_tile,
)
from goldensample.datasets.by_table import read_csv, read_real_iad, read_visa, visa_categories
from goldensample.datasets.items import Dataset
from goldensample.locales.language import mark

_SEE = mark("see the page")
_NON_COMMERCIAL = "CC BY-NC-SA 4.0"
_MVTEC = "https://www.mvtec.com/company/research/datasets"
_VICOS = "https://www.vicos.si/resources"
_DAGM = "https://hci.iwr.uni-heidelberg.de/content/weakly-supervised-learning-industrial-optical-inspection"
_MPDD = ("bracket_black", "bracket_brown", "bracket_white", "connector", "metal_plate", "tubes")


@dataclass(frozen=True, slots=True)
class Layout:
    """The layout of a published data set on disk, and its source.

    Args:
        title: its published name.
        url: the page of its authors, who alone distribute it; "" for the user's own data.
        licence: according to that page, or the data set.
        patterns: globs of paths below its folder; the layout is recognised by any of them. At the
            end, {good} is a folder whose name is a label of good pictures.
        categories: lists the categories in a folder; "" is the folder itself.
        read: lists one category, given the folder and the category; `read_category` validates it.
    """

    title: str
    url: str
    licence: str
    patterns: tuple[str, ...]
    categories: Callable[[Path], list[str]]
    read: Callable[[Path, str], Dataset]


def _folders_with(name: str, root: Path) -> list[str]:
    """Return the folders that contain `name`, or "" where `root` itself does."""
    if (root / name).exists():
        return [""]
    return sorted(path.name for path in root.glob("*") if (path / name).exists())


def _single_category(root: Path) -> list[str]:
    """Return the category of a data set that has only one."""
    return [""]


def _real_iad(title: str, sets: str) -> Layout:
    """Return the layout of a set of Real-IAD; its categories have a description and pictures."""

    def categories(root: Path) -> list[str]:
        tables = sorted((root / "realiad_jsons" / sets).glob("*.json"))
        return [path.stem for path in tables if any(root.glob(f"realiad_*/{path.stem}"))]

    read = partial(read_real_iad, sets=sets)
    url = "https://realiad4ad.github.io/Real-IAD/"
    return Layout(title, url, _NON_COMMERCIAL, (f"realiad_jsons/{sets}",), categories, read)


_folders_with_test = partial(_folders_with, "test")
LAYOUTS: dict[str, Layout] = {
    "mvtec_ad": Layout(
        "MVTec AD",
        f"{_MVTEC}/mvtec-ad",
        _NON_COMMERCIAL,
        ("test/{good}", "*/test/{good}"),
        _folders_with_test,
        read_mvtec_ad,
    ),
    "mvtec_loco": Layout(
        "MVTec LOCO AD",
        f"{_MVTEC}/mvtec-loco",
        _NON_COMMERCIAL,
        ("test/logical_anomalies", "*/test/logical_anomalies"),
        _folders_with_test,
        read_mvtec_ad,
    ),
    "mvtec_ad_2": Layout(
        "MVTec AD 2",
        f"{_MVTEC}/mvtec-ad-2",
        _NON_COMMERCIAL,
        ("test_public", "*/test_public"),
        partial(_folders_with, "test_public"),
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
        _folders_with_test,
        read_mvtec_ad,
    ),
    "mpdd": Layout(
        "MPDD",
        "https://github.com/stepanje/MPDD",
        _SEE,
        tuple(f"{name}/test/{{good}}" for name in _MPDD),
        _folders_with_test,
        read_mvtec_ad,
    ),
    "kolektorsdd": Layout(
        "KolektorSDD",
        f"{_VICOS}/kolektorsdd/",
        _NON_COMMERCIAL,
        ("kos*/Part*",),
        _single_category,
        read_kolektorsdd,
    ),
    "kolektorsdd2": Layout(
        "KolektorSDD2",
        f"{_VICOS}/kolektorsdd2/",
        _NON_COMMERCIAL,
        ("test/*_GT.png",),
        _single_category,
        read_kolektorsdd2,
    ),
    "dagm": Layout(
        "DAGM 2007",
        _DAGM,
        _SEE,
        ("Class*/Train", "Train/Label"),
        partial(_folders_with, "Train"),
        read_dagm,
    ),
    "magnetic_tile": Layout(
        "Magnetic tile defects",
        "https://github.com/abin24/Magnetic-tile-defect-datasets.",
        mark("free to use, cite the paper"),
        ("MT_Free/Imgs",),
        _single_category,
        read_magnetic_tile,
    ),
    "real_iad_sv": _real_iad("Real-IAD, single view", "realiad_jsons_sv"),
    **{
        f"real_iad_fuiad_{share}": _real_iad(
            f"Real-IAD, noisy {share}", f"realiad_jsons_fuiad_{share}"
        )
        for share in ("0.0", "0.1", "0.2", "0.4")
    },
    "real_iad": _real_iad("Real-IAD", "realiad_jsons"),
    "folder": Layout(
        mark("Any folder: good/, TYPE/"),
        "",
        mark("yours"),
        ("{good}",),
        _single_category,
        read_folder,
    ),
    "csv": Layout(
        mark("Any CSV: path, split, label, mask"), "", mark("yours"), (), _single_category, read_csv
    ),
}
