"""The records that every layout is read into: training pictures and labelled test pictures."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from goldensample.datasets.labels import GOOD, NO_LABEL, pair_masks, stray_copies
from goldensample.datasets.saturation import Saturation, read_channel
from goldensample.errors import ImageError
from goldensample.evaluation.evaluate import Labelled
from goldensample.evaluation.views import View
from goldensample.images.codec import read_samples
from goldensample.images.folder import Folder
from goldensample.images.grey_range import GreyRange
from goldensample.images.intake import MASK_LEVELS, count_values, find_masks
from goldensample.images.listing import find_pictures, list_pictures
from goldensample.label_tools.marks import Mark
from goldensample.locales.language import gettext, ngettext
from goldensample.masks.reading import read_marked, require_size
from goldensample.records import Array

SHOWN = 10


@dataclass(frozen=True, slots=True)
class Item:
    """One test picture of a data set.

    Args:
        name: its path below the test folder or the data set, for instance "scratch/004.png".
        path: the file.
        defect_type: "good" for good pictures, else the name of the defect; "" where it is
            unknown, which no reader but `golden data check` accepts.
        defect: the label, True for every type but "good" and "".
        masks: the files that mark the defect, one or, in MVTec LOCO, one for each region; empty
            for good pictures and where there are no masks.
        marks: what a label tool's file marks, in place of masks.
        view: which side of which part it shows, in Real-IAD.
    """

    name: str
    path: Path
    defect_type: str
    defect: bool
    masks: tuple[Path, ...] = ()
    marks: tuple[Mark, ...] = ()
    view: View | None = None

    @property
    def is_marked(self) -> bool:
        """Whether it is known where the defect is."""
        return bool(self.masks or self.marks)


@dataclass(frozen=True, slots=True)
class Dataset:
    """One category of a data set on disk.

    Args:
        root: its folder, or the folder that the paths in its table are relative to.
        train: the files of the good training pictures; empty where there are none.
        test: the test pictures, by name.
        has_masks: True where defect pictures have masks; one that lacks its mask is left out of
            the pixel metrics, and told. Else there are no pixel metrics.
        name: of the layout, or of the folder where the layout is not a published one.
        category: of the data set; "" where it has one only.
        notes: sentences on what was left out or chosen while the files were listed.
        saturations: by the grey value of a mask, how much of such a defect is enough, in MVTec
            LOCO; empty elsewhere.
        validation: good pictures to set limits on, in MVTec AD 2; `golden bench` alone takes them.
        train_defects: how many of `train` are defects, in Real-IAD's noisy sets; 0 elsewhere.
    """

    root: Path
    train: tuple[Path, ...]
    test: tuple[Item, ...]
    has_masks: bool
    name: str = ""
    category: str = ""
    notes: tuple[str, ...] = ()
    saturations: Mapping[int, Saturation] = field(default_factory=dict)
    validation: tuple[Path, ...] = ()
    train_defects: int = 0


def pictures_below(folder: Path, copies: bool = False) -> list[Path]:
    """Return the pictures below a folder, sorted; none where it is empty or not there.

    Args:
        folder: any.
        copies: whether `NAME (copy)` beside `NAME`, which file managers leave, is among them.
    """
    exists = folder.is_dir() and list_pictures(folder)
    pictures = find_pictures(folder) if exists else []
    paths = [path for _, path in pictures if isinstance(path, Path)]
    left_out = set() if copies else stray_copies(paths, named=True)
    return [path for path in paths if path not in left_out]


def pictures_in(folder: Path, copies: bool = False) -> list[Path]:
    """Return the pictures in a folder itself, not in folders below it, sorted."""
    return [path for path in pictures_below(folder, copies) if path.parent == folder]


def copies_note(root: Path, copies: Iterable[Path]) -> tuple[str, ...]:
    """Return a note on the copies of files that are left out, or none."""
    names = join_names([path.relative_to(root).as_posix() for path in sorted(copies)])
    text = gettext("left out, as copies of the files beside them: %(names)s")
    return (text % {"names": names},) if names else ()


def masks_beside(files: Sequence[Path]) -> dict[Path, Path]:
    """Return the masks that lie beside their pictures, by picture.

    They are named as `pair_masks` says, or as their picture but for the ending: the file whose
    pixels are a mask's is one then. Such files alone are decoded.
    """
    pairs = pair_masks(files)
    rest = [path for path in files if path not in set(pairs.values())]
    numbers, _ = find_masks([path.as_posix() for path in rest], lambda k: _is_drawn(rest[k]))
    masks = {rest[k].with_suffix(""): rest[k] for k in numbers}
    stems = ((path, masks.get(path.with_suffix(""))) for path in rest)
    return {path: mask for path, mask in stems if mask and mask != path} | pairs


def _is_drawn(path: Path) -> bool:
    """Return whether a file has the pixels of a mask; not where it cannot be read."""
    try:
        return count_values(read_samples(path)) <= MASK_LEVELS
    except ImageError:
        return False


def make_item(name: str, path: Path, defect_type: str, masks: tuple[Path, ...] = ()) -> Item:
    """Return an item with the label of its type."""
    return Item(name, path, defect_type, defect_type not in (GOOD, NO_LABEL), masks)


def require_complete(data: Dataset, layout: str = "") -> Dataset:
    """Return a data set that can be evaluated on, or refuse it.

    Args:
        data: listed by a layout.
        layout: a description of the right layout, appended to the messages.

    Raises:
        ImageError: a test picture has no label, or good or defect pictures are missing.
    """
    unlabelled = [item.name for item in data.test if item.defect_type == NO_LABEL]
    if unlabelled:
        raise ImageError(
            f"every test picture of {data.root} must have a label; {len(unlabelled)} have none: "
            f"{join_names(unlabelled)}; move them to the folder of their type, or add their "
            f"masks{layout}"
        )
    if {item.defect for item in data.test} != {True, False}:
        types = ", ".join(sorted({item.defect_type for item in data.test})) or "none"
        raise ImageError(
            f"the test set of {data.root} must hold good and defect pictures; it holds {types}"
            f"{layout}"
        )
    return data


def unmasked_note(data: Dataset) -> str:
    """Return a sentence on the defect pictures that lack a mask where others have one, or ""."""
    names = [i.name for i in data.test if data.has_masks and i.defect and not i.is_marked]
    if not names:
        return ""
    text = ngettext(
        "%(num)s defect picture has no mask and cannot count in the figures on pixels: %(names)s",
        "%(num)s defect pictures have no mask and cannot count in the figures on pixels: %(names)s",
        len(names),
    )
    return text % {"num": len(names), "names": join_names(names)}


def unmarked_text(mask: str, picture: str, marked: Array) -> str:
    """Return what is wrong with the mask of a defect that marks nothing or all; "" if it does not.

    Args:
        mask: its name.
        picture: the name of its picture.
        marked: (H, W) bool.
    """
    text = ""
    if not marked.any():
        text = gettext("%(mask)s marks nothing, though %(picture)s is said to show a defect")
    elif marked.all():
        text = gettext("%(mask)s marks all of %(picture)s, so no pixel of it counts as good")
    return text % {"mask": mask, "picture": picture}


def join_names(names: Sequence[str], shown: int = SHOWN) -> str:
    """Return names with commas between them, the first ones of many."""
    return ", ".join(names[:shown]) + (", …" if len(names) > shown else "")


def read_mask(item: Item, size_hw: tuple[int, int]) -> Array:
    """Return the mask of a test picture's defect.

    Every value but 0 marks the defect, see `images.marked`, so a mask should not be a JPEG, which
    blurs its edges. The values that tell kinds of defect apart (VisA, MVTec LOCO) are ignored, and
    several masks are united; sPRO takes them one by one, see `saturation`.
    An empty mask is accepted: published data sets have some.

    Args:
        size_hw: (H, W) of the picture; the masks must have it too, they are never resized.

    Returns:
        (H, W) bool; all False for a good picture.

    Raises:
        ImageError: a mask cannot be read, has another size.
    """
    union = np.zeros(size_hw, bool)
    if not item.defect:
        return union
    if not item.is_marked:
        raise ValueError(f"item must have a mask; {item.name} has none; ask for its masks first")
    for path in item.masks:
        union |= require_size(read_marked(path), path, item.path, size_hw)
    for mark in item.marks:
        union |= require_size(mark.mask(), f"the mark {mark.label}", item.path, size_hw)
    return union


def labelled(data: Dataset, grey_range: GreyRange | None) -> Iterator[Labelled]:
    """Read the test pictures of a data set with their ground truth, one at a time.

    Args:
        data: from `read_dataset` or `read_category`.
        grey_range: as for `read_image`.
    """
    names = tuple(item.name for item in data.test)
    paths = tuple(item.path for item in data.test)
    for item, picture in zip(data.test, Folder(names, paths, grey_range), strict=True):
        height, width, _ = picture.pixels.shape
        has_mask = data.has_masks and (item.is_marked or not item.defect)
        mask = read_mask(item, (height, width)) if has_mask else None
        files = item.masks if data.saturations else ()
        channels = tuple(read_channel(path, data.saturations) for path in files)
        yield Labelled(picture, item.defect, mask, item.defect_type, channels, item.view)
