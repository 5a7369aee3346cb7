"""Layouts in which a table has split, label and mask of each picture: VisA, Real-IAD, any CSV."""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from goldensample.datasets.csv_table import read_table
from goldensample.datasets.items import Dataset, Item, join_names, make_item
from goldensample.datasets.labels import GOOD, label_of, plain_name
from goldensample.errors import ImageError
from goldensample.evaluation.views import View
from goldensample.locales.language import counted, gettext, ngettext

_VIEW = re.compile(r"_(C\d+)(?=_|$)")
"""The view in a file name of Real-IAD."""


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a table, and its location for messages."""

    location: str
    path: str
    split: str
    label: str
    mask: str


def read_visa(root: Path, category: str) -> Dataset:
    """List a category of VisA by its `split_csv/1cls.csv`: object, split, label, image, mask.

    The paths start at the data set's folder. The type of a defect is the label in the category's
    `image_anno.csv`, as it stands there; "anomaly" where that file is not. The values of a mask
    are types of defects; here all mark the defect.
    """
    kinds = _visa_kinds(root / category / "image_anno.csv")
    table = root / "split_csv" / "1cls.csv"
    rows = [
        Row(location, line["path"], line["split"], _visa_label(line, kinds), line["mask"])
        for location, line in read_table(table, ("object", "split", "label", "path", "mask")).lines
        if line["object"] == category
    ]
    return _dataset(root, rows)


def _visa_kinds(path: Path) -> dict[str, str]:
    """Return the label of each picture in a category's `image_anno.csv`; none without the file."""
    if not path.is_file():
        return {}
    return {line["path"]: line["label"] for _, line in read_table(path, ("path", "label")).lines}


def _visa_label(line: dict[str, str], kinds: dict[str, str]) -> str:
    label = label_of(line["label"])
    return label if label == GOOD else kinds.get(line["path"], label)


def visa_categories(root: Path) -> list[str]:
    """Return the categories that `split_csv/1cls.csv` names."""
    lines = read_table(root / "split_csv" / "1cls.csv", ("object",)).lines
    return sorted({line["object"] for _, line in lines})


def read_real_iad(root: Path, category: str, sets: str = "realiad_jsons") -> Dataset:
    """List a category of Real-IAD by `realiad_jsons/SETS/CATEGORY.json`.

    The pictures are in `realiad_256`, `realiad_512`, `realiad_1024` or `realiad_raw`, one of which
    must be there; the paths in the file start at CATEGORY in it. A picture whose `anomaly_class`
    is the file's `normal_class` is good. All five views count as pictures of one test set; each
    knows its view (`_C1_` to `_C5_` in its name) and its part, which is its folder.

    Args:
        root: the folder that holds `realiad_jsons` and the pictures.
        category: of the data set.
        sets: the folder of descriptions; those with "fuiad" in their name have defects among the
            pictures to learn from, a share of them by the end of the name.
    """
    table = root / "realiad_jsons" / sets / f"{category}.json"
    sizes = [p for p in sorted(root.glob("realiad_*")) if p.name != "realiad_jsons" and p.is_dir()]
    if len(sizes) != 1:
        names = ", ".join(path.name for path in sizes) or "none"
        raise ImageError(
            f"Real-IAD must have the pictures of one size, such as realiad_1024; {root} has "
            f"{names}; keep the others elsewhere"
        )
    try:
        description = json.loads(table.read_text(encoding="utf-8"))
        normal = description["meta"]["normal_class"]
        rows = [
            _entry(f"{table}, {split} entry {number}", split, entry, normal)
            for split in ("train", "test")
            for number, entry in enumerate(description[split], start=1)
        ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ImageError(
            f"{table} must be Real-IAD's description of a category, with meta, train and test; "
            f"it is not ({type(error).__name__}: {error}); unpack it again"
        ) from error
    return _with_views(_dataset(sizes[0] / category, rows, noisy="fuiad" in sets))


def _with_views(data: Dataset) -> Dataset:
    """Return Real-IAD's test pictures with view and part, and tell which have no view."""
    test = []
    for item in data.test:
        found = _VIEW.findall(item.path.stem)
        test.append(replace(item, view=View(found[-1] if found else "", str(item.path.parent))))
    unknown = [item.name for item in test if item.view and not item.view.name]
    text = gettext("in no view, as no _C1_ to _C5_ is in the name: %(names)s")
    notes = [text % {"names": join_names(unknown)}] if unknown else []
    return replace(data, test=tuple(test), notes=(*data.notes, *notes))


def _entry(location: str, split: str, entry: dict[str, Any], normal: str) -> Row:
    kind = entry["anomaly_class"]
    label = GOOD if kind == normal else label_of(kind)
    return Row(location, entry["image_path"], split, label, entry.get("mask_path") or "")


def read_csv(root: Path, category: str) -> Dataset:
    """List any CSV file with the columns path, split, label and, where there are masks, mask.

    See `csv_table` for the separators and headings that are known. split is train or test, label
    is good (or another of `labels.GOOD_LABELS`) or the type of defect; only good pictures may be
    trained on. Paths are relative to the folder of the file and stay below it. A mask may be left
    empty.

    Args:
        root: the CSV file itself.
    """
    table = read_table(root, ("path", "split", "label"))
    rows = [
        Row(
            location,
            line["path"],
            line["split"].casefold(),
            label_of(line["label"]),
            line.get("mask", ""),
        )
        for location, line in table.lines
    ]
    return replace(_dataset(root.parent, rows), notes=table.notes)


def read_paths(table: Path, column: str) -> tuple[list[Path], str]:
    """Return the good training pictures that a column of any table names, and a note.

    Lines of another split than train, or of another label than good, are left out where the table
    has these columns.

    Raises:
        ImageError: the table cannot be read, lacks the column, or names no such picture.
    """
    key = plain_name(column)
    read = read_table(table, (key,))
    paths, left_out = list[Path](), 0
    for location, line in read.lines:
        is_train = line.get("split", "train").casefold() == "train"
        if not is_train or label_of(line.get("label", GOOD)) != GOOD:
            left_out += 1
            continue
        paths.append(_below(table.parent, line[key], location))
    if not paths:
        raise ImageError(
            f"{table} must name good pictures to learn from in the column {column}; of "
            f"{len(read.lines)} lines none is of the split train and good"
        )
    by_column = ngettext(
        "%(num)s picture by the column %(column)s of %(table)s",
        "%(num)s pictures by the column %(column)s of %(table)s",
        len(paths),
    )
    notes = [by_column % {"num": f"{len(paths):,}", "column": column, "table": table.name}]
    if left_out:
        left = counted(
            "%(num)s line of another split or label is left out",
            "%(num)s lines of another split or label are left out",
            left_out,
        )
        notes.append(left)
    return paths, "; ".join([*notes, *read.notes])


def read_column(tables: Sequence[Path], name: str, path_column: str = "path") -> dict[Path, str]:
    """Return the value of a column by the absolute path of each line's picture.

    Raises:
        ImageError: a table cannot be read, or lacks the column; or none of the paths is a table.
    """
    values: dict[Path, str] = {}
    column = plain_name(name)
    files = [path for path in tables if path.suffix.lower() in (".csv", ".tsv")]
    if not files:
        raise ImageError(f"a column {name} must be of a table; none was given; name a CSV file")
    for table in files:
        lines = read_table(table, (path_column, column)).lines
        for _, line in lines:
            values[(table.parent / line[path_column].replace("\\", "/")).absolute()] = line[column]
    return values


def _dataset(base: Path, rows: Iterable[Row], noisy: bool = False) -> Dataset:
    """Return the data set that rows describe; a noisy one may have defects to learn from."""
    train, defects = list[Path](), 0
    test: list[Item] = []
    locations: dict[Path, str] = {}
    for row in rows:
        path = _below(base, row.path, row.location)
        if path in locations:
            raise ImageError(
                f"{row.location}: a picture must be named once; {row.path} is in {locations[path]} "
                "too; remove one"
            )
        locations[path] = row.location
        masks = (_below(base, row.mask, row.location),) if row.mask and row.label != GOOD else ()
        if row.split == "train" and (row.label == GOOD or (noisy and row.label)):
            train.append(path)
            defects += row.label != GOOD
        elif row.split == "test" and row.label:
            test.append(make_item(row.path, path, row.label, masks))
        else:
            raise ImageError(
                f"{row.location}: a line must be train with the label good, or test with the label "
                f"good or a type of defect; it is {row.split!r} with {row.label!r}; mend it"
            )
    has_masks = any(item.masks for item in test)
    return Dataset(base, tuple(train), tuple(test), has_masks, train_defects=defects)


def _below(base: Path, text: str, location: str) -> Path:
    """Return the path of a file in a table; it must lie below the table's base."""
    path = base / text.replace("\\", "/")
    if not text or not path.resolve().is_relative_to(base.resolve()):
        raise ImageError(
            f"{location}: a path must be given and stay below {base}; it is {text!r}; mend it"
        )
    return path
