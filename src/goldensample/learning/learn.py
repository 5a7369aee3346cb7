"""Teach a fitted inspector good pictures without a new fit, and take some out again."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from goldensample.arrays import to_numpy
from goldensample.drift.measures import measure
from goldensample.features.extraction import as_picture, batches, extract
from goldensample.features.store import InMemory
from goldensample.fitting.fit import name_of
from goldensample.inspection.inspector import Inspector, TrainingPicture
from goldensample.inspection.journal import FIT, FORGET, LEARN, LIMIT, Revision
from goldensample.learning.revisions import Note, bank_of, opened, revised
from goldensample.methods.corrections import factors, nearness
from goldensample.preparation.zones import patch_limits
from goldensample.records import Array, Notify, Picture, Pictures, silent
from goldensample.search.exact import NearestSearch


def learn(
    inspector: Inspector,
    images: Pictures | Sequence[Array | Picture],
    note: Note,
    notify: Notify = silent,
) -> Inspector:
    """Add good pictures to the bank, without a new fit.

    Of each picture, in order, the patch that is farthest from the bank enters as a row, and again,
    until none is farther than `reach`. So every patch learned is within the radius of a row, which
    the radius promises of those of the fit: it stays what it is. And no patch learned is farther
    than the limits: the picture is called good from now on, up to half precision's rounding.

    Rows that come in can only lower distances, so limits set before stay on the safe side; see
    `Journal.keeps` for what is proven of them. `recalibrate` sets them anew. The light, sharpness
    and size of the pictures are usual from now on.

    Args:
        inspector: fitted with PatchCore; not changed.
        images: good pictures whose names are not known yet; they may be odd, never defects.
        note: when and why.
        notify: told ("learn", pictures done, pictures).

    Raises:
        ValueError: no picture, a name that is known already, or another method.

    Cost: q·m·d multiplications at most for q patches, beside the network's.
    """
    names = [name_of(images, index) for index in range(len(images))]
    check_names(inspector, names)
    rows, places = [bank_of(inspector).bank[:0]], [bank_of(inspector).origins[:0]]
    first, new = len(inspector.pictures), list[TrainingPicture]()
    measures: list[tuple[float, ...]] = []
    for picture, patches, centres in _entering(inspector, images, rows, notify):
        rows.append(patches)
        number = np.full((len(patches), 1), first + len(new))
        places.append(np.hstack([number, centres]).astype(np.float32))
        canvas, lies = inspector.preparation.apply(picture.pixels)
        new.append(TrainingPicture(names[len(new)], lies.shape_hw, motion=lies.motion))
        if inspector.habits:
            measures.append(tuple(measure(canvas, lies).values.tolist()))
    numbers = tuple(range(first, first + len(new)))
    revision = Revision(LEARN, note.time, note.reason, numbers, tuple(measures))
    added = np.concatenate(rows).astype(np.float16), np.concatenate(places)
    known = replace(inspector, pictures=(*inspector.pictures, *new))
    return revised(known, opened(inspector).extended(revision, added))


def _entering(
    inspector: Inspector,
    images: Pictures | Sequence[Array | Picture],
    rows: Sequence[Array],
    notify: Notify,
) -> Iterator[tuple[Picture, Array, Array]]:
    """Give each picture with its patches that enter, and their centres.

    Args:
        rows: what entered before; the caller adds to it what it is given.
    """
    detector, within = bank_of(inspector), reach(inspector)
    search, done = NearestSearch(detector.bank), 0
    for some in batches(len(images), inspector.preparation):
        batch = [as_picture(images[i], i) for i in some]
        found = patches_of(inspector, batch)
        for picture, (patches, centres, limits) in zip(batch, found, strict=True):
            near, times = nearness(patches, detector.taught), 1 / np.minimum(limits, 1)
            picks = entering(patches, search, np.concatenate(rows), (within, near, times))
            yield picture, patches[picks], centres[picks]
        done += len(batch)
        notify("learn", done, len(images))


def patches_of(
    inspector: Inspector, batch: Sequence[Picture]
) -> Iterator[tuple[Array, Array, Array]]:
    """Give each picture's patches (k, d) float32, in half precision, their centres and limits."""
    store = InMemory()  # halves the features, as a fit does
    store.put(extract(batch, inspector.preparation, inspector.backbone)[0])
    for features in store:
        for index in range(len(batch)):
            settings = bank_of(inspector).settings
            patches, centres = settings.patches_of(features, index)
            limits = patch_limits(features, index, settings.stride)
            yield to_numpy(patches).astype(np.float16).astype(np.float32), centres, limits


def check_names(inspector: Inspector, names: Sequence[str]) -> None:
    """Make sure that each name is new, so that it can be forgotten by it."""
    journal = opened(inspector)
    numbers = journal.pictures(journal.head, (FIT, LEARN, LIMIT))
    known = {inspector.pictures[number].name for number in numbers}
    twice = [name for k, name in enumerate(names) if name in known or name in names[:k]]
    if not names:
        raise ValueError("learn must have at least one picture; got none")
    if twice:
        raise ValueError(
            f"a picture to learn must have a name of its own; {twice[0]} is known already; forget "
            "it first, or rename the new one"
        )


def reach(inspector: Inspector) -> float:
    """Return how far from the bank a learned patch may stay: the radius, or the limits if less."""
    bounds = [bank_of(inspector).radius]
    if limit := inspector.threshold:
        bounds += [bound for bound in (limit.pixel, limit.review) if bound is not None]
        bounds += [limit.score]
    return max(0.0, min(bounds))


def entering(
    patches: Array, search: NearestSearch, added: Array, within: tuple[float, Array, Array]
) -> Array:
    """Choose the patches of a picture that become rows: the farthest one, and again.

    Args:
        patches: (k, d) float32 of half-precision values; not changed.
        search: over the bank.
        added: (a, d) float32, rows that entered since.
        within: the distance that no patch may exceed in the end; each patch's distance to what is
            taught, (k,), which makes the others count more; and how many times each counts, (k,):
            more than once in a strict zone, never less, as the radius knows no zones.

    Returns:
        (p,) numbers of patches, the farthest first.
    """
    left = search.find(patches)[0][:, 0]
    most, near, times = within
    if len(added):
        left = np.minimum(left, NearestSearch(added).find(patches)[0][:, 0])
    picks: list[int] = []
    while (counted := left * factors(left, near) * times).max() > most:
        picks.append(int(counted.argmax()))
        away = patches - patches[picks[-1]]
        left = np.minimum(left, np.sqrt(np.einsum("kd,kd->k", away, away)))
    return np.array(picks, int)


def forget(inspector: Inspector, name: str, note: Note) -> Inspector:
    """Take out all rows that a picture brought in: a good one, or a defect that was taught.

    What was learned last is forgotten without a trace: the scores are those of before, to the bit.
    Patches of pictures learned after it, and in a fit those of all others, may have relied on its
    rows: where that can be, the radius is no longer known (`Journal.covers`).

    Raises:
        ValueError: no such picture is known, or nothing would be left.
    """
    journal = opened(inspector)
    known = journal.pictures(journal.head, (FIT, LEARN, LIMIT))
    numbers = [n for n in known if inspector.pictures[n].name == name]
    if not numbers:
        raise ValueError(
            f"a picture to forget must be one that was fitted or learned; {name} is not; golden "
            "history names the ones learned"
        )
    own = np.isin(journal.origins[:, 0], numbers) & journal.active(journal.head)
    revision = Revision(FORGET, note.time, note.reason, tuple(numbers))
    return revised(inspector, journal.extended(revision, dropped=np.flatnonzero(own)))
