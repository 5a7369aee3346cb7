"""Data sets whose masks and labels are in the file of a label tool."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from goldensample.datasets.finding import find_layout, list_category
from goldensample.datasets.items import Dataset, Item, join_names, make_item, pictures_below
from goldensample.datasets.labels import GOOD, NO_LABEL
from goldensample.errors import ImageError
from goldensample.images.codec import read_shape
from goldensample.images.listing import is_picture
from goldensample.label_tools.formats import FORMATS, read_labels
from goldensample.label_tools.marks import MarkedPicture, from_mask
from goldensample.locales.language import gettext
from goldensample.masks.reading import read_marked


def read_with_labels(root: Path, category: str, layout: str, labels: Path) -> Dataset:
    """List a data set in any layout, or a folder of pictures in none, with a label tool's marks.

    Args:
        root, category, layout: as for `list_category`.
        labels: see `with_labels`.

    Raises:
        ImageError: as for `list_category` and `with_labels`.
        ValueError: the layout or the category is unknown.
    """
    try:
        key = layout or find_layout(root)
    except ImageError:
        data = plain_folder(root)
    else:
        data = list_category(root, category, key)
    return with_labels(data, labels)


def plain_folder(root: Path) -> Dataset:
    """List a folder of pictures in no layout, all of them to test and without a label."""
    items = [
        make_item(path.relative_to(root).as_posix(), path, NO_LABEL)
        for path in pictures_below(root)
    ]
    return Dataset(root, (), tuple(items), False, name=root.absolute().name)


def with_labels(data: Dataset, labels: Path) -> Dataset:
    """Return a data set whose test pictures have the marks of a label tool's file.

    A picture without a label is good if the file has it without a mark, else a defect of the label
    with most pixels; one that the file lacks is left out, and noted. Folders keep their word: where
    they say good or name a defect, the file only says where it is.

    Args:
        data: from a layout, or `plain_folder`.
        labels: see `read_labels`.

    Raises:
        ImageError: the file cannot be read, its pictures are not there, or it marks a good picture.
    """
    form, pictures = read_labels(labels)
    found = _match([item.name for item in data.test], pictures)
    if not found:
        raise ImageError(
            f"{labels} must name pictures of {data.root}; it names "
            f"{join_names([picture.name for picture in pictures]) or 'none'}; name their folder"
        )
    items = [_labelled(item, found.get(item.name), labels) for item in data.test]
    known = tuple(item for item in items if item.defect_type != NO_LABEL)
    left = [item.name for item in items if item.defect_type == NO_LABEL]
    matched = {picture.name for picture in found.values()}
    absent = [picture.name for picture in pictures if picture.name not in matched]
    text = gettext("masks are read from %(labels)s: %(form)s")
    notes = [text % {"labels": labels, "form": FORMATS[form].title}]
    for text, names in (
        (gettext("%(num)s left out, as %(file)s lacks them: %(names)s"), left),
        (gettext("%(num)s in %(file)s are not tested here: %(names)s"), absent),
    ):
        if names:
            values = {"num": len(names), "file": labels.name, "names": join_names(names)}
            notes.append(text % values)
    has_masks = any(item.is_marked for item in known)
    return replace(data, test=known, has_masks=has_masks, notes=(*data.notes, *notes))


def _labelled(item: Item, picture: MarkedPicture | None, labels: Path) -> Item:
    if picture is None:
        return item
    if item.defect_type == GOOD and picture.marks:
        raise ImageError(
            f"a good picture must have no mark; {item.name} has {picture.marks[0].label} in "
            f"{labels}; move it to the folder of its type, or remove the mark"
        )
    areas: dict[str, int] = {}
    for mark in picture.marks:
        areas[mark.label] = areas.get(mark.label, 0) + int(mark.mask().sum())
    largest = max(areas, key=lambda label: areas[label], default=GOOD)
    kind = largest if item.defect_type == NO_LABEL else item.defect_type
    marks = tuple(mark for mark in picture.marks if mark.mask().any())
    return replace(make_item(item.name, item.path, kind), marks=marks)


def _match(names: Sequence[str], pictures: Sequence[MarkedPicture]) -> dict[str, MarkedPicture]:
    """Return the pictures of a label file by the names of a data set's.

    The last folders must agree, as far as both have them; a name without a picture's ending stands
    for any ending.
    """
    by_stem: dict[str, list[str]] = {}
    for name in names:
        by_stem.setdefault(PurePosixPath(name).stem, []).append(name)
    found: dict[str, MarkedPicture] = {}
    for picture in pictures:
        path = PurePosixPath(picture.name)
        stem = path.stem if is_picture(path.name) else path.name
        same = [name for name in by_stem.get(stem, []) if _agree(PurePosixPath(name), path)]
        if len(same) > 1:
            raise ImageError(
                f"a label file must say which picture it means; {picture.name} may be "
                f"{join_names(same)}; export it with the folders in the names"
            )
        for name in same:
            if name in found:
                raise ImageError(
                    f"a picture must be in a label file once; {name} is {found[name].name} and "
                    f"{picture.name}; remove one"
                )
            found[name] = picture
    return found


def _agree(name: PurePosixPath, other: PurePosixPath) -> bool:
    if not is_picture(other.name):
        name = name.with_suffix("")
    depth = min(len(name.parts), len(other.parts))
    return name.parts[-depth:] == other.parts[-depth:]


def marked_pictures(data: Dataset) -> list[MarkedPicture]:
    """Return the test pictures of a data set as a label tool has them.

    Raises:
        ImageError: a picture or a mask cannot be read, or a defect has no mask.
    """
    pictures = []
    for item in data.test:
        if item.defect and not item.is_marked:
            raise ImageError(f"a defect must have a mask to be written; {item.name} has none")
        marks = tuple(from_mask(item.defect_type, read_marked(path)) for path in item.masks)
        pictures.append(MarkedPicture(item.name, read_shape(item.path), marks or item.marks))
    return pictures
