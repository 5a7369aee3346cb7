"""Add good pictures to the bank of a fitted inspector without a new fit, and remove them again."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath

import numpy as np

from goldensample.arrays import to_numpy
from goldensample.drift.picture import measure
from goldensample.features.extraction import as_picture, batches, extract
from goldensample.features.store import InMemoryFeatureStore
from goldensample.fitting.fit import picture_name
from goldensample.images.intake import picture_facts
from goldensample.inspection.inspector import Inspector, TrainingPicture
from goldensample.inspection.revision import FIT, FORGET, LEARN, LIMIT, Revision
from goldensample.learning.revisions import Note, apply_journal, open_journal, patchcore_of
from goldensample.learning.stored_limits import limits_of, of_patches_alone
from goldensample.methods.corrections import defect_factors, distance_to_defects
from goldensample.records import Array, Notify, Picture, Pictures, silent
from goldensample.search.exact import NearestSearch


def learn(
    inspector: Inspector,
    images: Pictures | Sequence[Array | Picture],
    note: Note,
    notify: Notify = silent,
) -> Inspector:
    """Add good pictures to the bank, without a new fit.

    Greedily, as in the coreset: of each picture, in order, the patch that is farthest from the bank
    is added as a row, until none is farther than `max_distance`. So every patch learned is within
    the coverage radius of a row, as those of the fit are: the radius stays valid. And no patch
    learned is farther than the limits: the picture is called good from now on, up to half
    precision's rounding.

    Added rows can only lower distances, so limits set before stay on the safe side; see
    `Journal.limits_hold` for what is proven of them. `recalibrate` recomputes them. The light,
    sharpness and size of the pictures become part of the reference statistics.

    Args:
        inspector: fitted with PatchCore; not changed.
        images: good pictures; they may be unusual, never defects. One with the name of another
            that is known is learned as "NAME (2)".
        note: when and why.
        notify: called with ("learn", pictures done, pictures).

    Raises:
        ValueError: no picture, one that is known already, or another method.

    Cost: q·m·d multiplications at most for q patches, beside the network's.
    """
    names = unique_names(inspector, images)
    rows, origins = [patchcore_of(inspector).bank[:0]], [patchcore_of(inspector).origins[:0]]
    first, new = len(inspector.pictures), list[TrainingPicture]()
    measures: list[tuple[float, ...]] = []
    for picture, patches, centres in _select_patches(inspector, images, rows, notify):
        rows.append(patches)
        number = np.full((len(patches), 1), first + len(new))
        origins.append(np.hstack([number, centres]).astype(np.float32))
        canvas, placement = inspector.preparation.apply(picture.pixels)
        new.append(
            TrainingPicture(
                names[len(new)],
                placement.shape_hw,
                motion=placement.motion,
                digest=picture_digest(images, len(new), picture),
            )
        )
        if inspector.habits:
            values = measure(canvas, placement).values[: inspector.habits.known]
            measures.append(tuple(values.tolist()))
    numbers = tuple(range(first, first + len(new)))
    revision = Revision(LEARN, note.time, note.reason, numbers, tuple(measures))
    added = np.concatenate(rows).astype(np.float16), np.concatenate(origins)
    extended = replace(inspector, pictures=(*inspector.pictures, *new))
    return apply_journal(extended, open_journal(inspector).add_revision(revision, added))


def _select_patches(
    inspector: Inspector,
    images: Pictures | Sequence[Array | Picture],
    rows: Sequence[Array],
    notify: Notify,
) -> Iterator[tuple[Picture, Array, Array]]:
    """Yield each picture with the patches to add to the bank, and their centres.

    Args:
        rows: those added before; the caller appends the patches that it receives.
    """
    detector, distance = patchcore_of(inspector), max_distance(inspector)
    search, done = NearestSearch(detector.bank), 0
    for indices in batches(len(images), inspector.preparation):
        batch = [as_picture(images[i], i) for i in indices]
        patch_sets = patches_of(inspector, batch)
        for picture, (patches, centres, limits) in zip(batch, patch_sets, strict=True):
            to_defects = distance_to_defects(patches, detector.defect_patches)
            criterion = distance, to_defects, 1 / np.minimum(limits, 1)
            picks = greedy_picks(patches, search, np.concatenate(rows), criterion)
            yield picture, patches[picks], centres[picks]
        done += len(batch)
        notify("learn", done, len(images))


def patches_of(
    inspector: Inspector, batch: Sequence[Picture]
) -> Iterator[tuple[Array, Array, Array]]:
    """Yield each picture's patches (k, d) float32, in half precision, their centres and limits."""
    store = InMemoryFeatureStore()  # rounds to half precision, as a fit does
    store.put(extract(batch, inspector.preparation, inspector.backbone)[0])
    for features in store:
        for index in range(len(batch)):
            settings = patchcore_of(inspector).settings
            patches, centres = settings.patches_of(features, index)
            detector = patchcore_of(inspector)
            limits = detector.patch_limits(features, index)
            if detector.composition is not None:
                limits = limits * detector.composition.divisors.min()
            yield to_numpy(patches).astype(np.float16).astype(np.float32), centres, limits


def unique_names(inspector: Inspector, images: Pictures | Sequence[Array | Picture]) -> list[str]:
    """Return the names to learn pictures under: a picture is forgotten by its name.

    A name in use goes to the picture that has it; another picture, by its pixels, gets a number.

    Raises:
        ValueError: there is no picture, or one is known already.

    Example: 003.png, of which another is known, becomes "003 (2).png".
    """
    if not len(images):
        raise ValueError("learn must have at least one picture; got none")
    journal = open_journal(inspector)
    numbers = journal.pictures(journal.head, (FIT, LEARN, LIMIT))
    used = {inspector.pictures[n].name: inspector.pictures[n].digest for n in numbers}
    names: list[str] = []
    for index in range(len(images)):
        name = picture_name(images, index)
        if name in used:
            digest = picture_digest(images, index)
            name = _number_name(name, digest, used)
            used[name] = digest
        else:
            used[name] = ""
        names.append(name)
    return names


def _number_name(name: str, digest: str, used: Mapping[str, str]) -> str:
    """Return a name in use with the first number that is free.

    Raises:
        ValueError: the picture is one of those that have the name, or it cannot be told.
    """
    path, count = PurePosixPath(name), 1
    numbered = name
    while numbered in used:
        if used[numbered] in (digest, ""):
            unsure = " (or another of that name: this file does not know its pixels)"
            raise ValueError(
                f"a picture to learn must have a name of its own; {numbered} is known already"
                f"{unsure * (not used[numbered])}; forget it first, or rename the new one"
            )
        count += 1
        numbered = str(path.with_name(f"{path.stem} ({count}){path.suffix}"))
    return numbered


def picture_digest(
    images: Pictures | Sequence[Array | Picture], index: int, picture: Picture | None = None
) -> str:
    """Return the digest of a picture: from the check of its file, else of its pixels."""
    if digests := getattr(images, "digests", ()):
        return str(digests[index])
    return picture_facts((picture or as_picture(images[index], index)).pixels).digest


def max_distance(inspector: Inspector) -> float:
    """Return how far from the bank a learned patch may be: the radius, or the limits if less."""
    bounds, used = [patchcore_of(inspector).radius], inspector.backbone.precision
    for limits in limits_of(inspector):
        if limits.precision != used:
            continue
        limit = of_patches_alone(limits).threshold
        bounds += [bound for bound in (limit.pixel, limit.review) if bound is not None]
        bounds += [limit.score]
    return max(0.0, min(bounds))


def greedy_picks(
    patches: Array, search: NearestSearch, added: Array, criterion: tuple[float, Array, Array]
) -> Array:
    """Select the patches of a picture that become rows: the farthest one, repeatedly.

    Args:
        patches: (k, d) float32 of half-precision values; not changed.
        search: over the bank.
        added: (a, d) float32, rows added since.
        criterion: the distance that no patch may exceed in the end; each patch's distance to the
            taught patches, (k,), which can raise the others; and the weight of each, (k,): above 1
            in a strict zone, never below, as the radius is the same in all zones.

    Returns:
        (p,) numbers of patches, the farthest first.
    """
    distances = search.find(patches)[0][:, 0]
    bound, to_defects, weights = criterion
    if len(added):
        distances = np.minimum(distances, NearestSearch(added).find(patches)[0][:, 0])
    picks: list[int] = []
    while (weighted := distances * defect_factors(distances, to_defects) * weights).max() > bound:
        picks.append(int(weighted.argmax()))
        difference = patches - patches[picks[-1]]
        to_pick = np.sqrt(np.einsum("kd,kd->k", difference, difference))
        distances = np.minimum(distances, to_pick)
    return np.array(picks, int)


def forget(inspector: Inspector, name: str, note: Note) -> Inspector:
    """Remove all rows that a picture added: a good one, or a defect that was taught.

    Forgetting the picture learned last restores the earlier scores, to the bit. Patches of pictures
    learned after it, and in a fit those of all others, may have relied on its rows: where that is
    possible, the radius is no longer known (`Journal.radius_holds`).

    Raises:
        ValueError: there is no such picture, or no row would be left.
    """
    journal = open_journal(inspector)
    pictures = journal.pictures(journal.head, (FIT, LEARN, LIMIT))
    numbers = [n for n in pictures if inspector.pictures[n].name == name]
    if not numbers:
        raise ValueError(
            f"a picture to forget must be one that was fitted or learned; {name} is not; golden "
            "history names the ones learned"
        )
    rows = np.isin(journal.origins[:, 0], numbers) & journal.active(journal.head)
    revision = Revision(FORGET, note.time, note.reason, tuple(numbers))
    return apply_journal(inspector, journal.add_revision(revision, dropped=np.flatnonzero(rows)))
