"""Near-copies among good pictures: one part photographed again, on one side of a hold-out alone.

Pictures are compared by the network's own features, averaged over a grid. Two are near-copies if
they differ by less than a picture does from a copy of itself, a little moved, turned and lighter
or darker (see `copies`), and stand apart: every other picture is at least twice as far from them as
they are from each other, along the shortest links. Without the second, parts that are alike anyway
would be taken for one; without the first, those of one of several kinds. Pictures taken in the same
second are near-copies as well. A group counts once: of one that is held out, a single picture sets
the limits, and the others are left out. So as many different parts set the limits as the promise
needs, and they are as new to the bank as the next part will be.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from goldensample.backbones.network import Backbone
from goldensample.calibration import conformal
from goldensample.errors import WeightsError
from goldensample.features.extraction import as_picture, batches, extract, level_shapes
from goldensample.fitting.copies import copy
from goldensample.fitting.distinct import DistinctPictures, choose_limits, groups_of
from goldensample.images.folder import Folder
from goldensample.images.groups import same_second
from goldensample.methods.protocols import Method
from goldensample.native.threads import limit_blas_threads
from goldensample.preparation.preparation import Preparation
from goldensample.records import Array, Notify, Picture, silent
from goldensample.runners import Runner, local_runner

SIDE = 128
"""Of the canvas that pictures are compared on, about."""
GRID, WIDTH = 8, 1024
"""Cells a side that features are averaged over, and length of the sketch of them all."""
SAMPLE = 16
"""Pictures that are copied, at most; the median of what they differ from their copies by counts."""
APART = 2.0
"""How many times as far as their own links every other picture is from near-copies."""


@dataclass(frozen=True, slots=True)
class ComparisonJob:
    """The description of pictures by features of a network, to compare them."""

    images: Folder | DistinctPictures
    preparation: Preparation
    backbone: Backbone


def group_near_copies(
    images: Folder | DistinctPictures,
    backbone: Backbone,
    limits: tuple[Method, float | None, str],
    runner: Runner = local_runner,
    notify: Notify = silent,
) -> tuple[Sequence[int], Sequence[str], str] | None:
    """Return which pictures to fit on, and their groups, so that near-copies are held out together.

    Args:
        images: to learn from, each once.
        backbone: the network of the fit.
        limits: method, rate and calibration of the fit, see `choose_limits`.
        runner: of the comparison.
        notify: told ("copies", pictures compared, pictures).

    Returns:
        What `images.select` takes: all but the other pictures of parts that will be held out; or
        all of them in no groups, where too few parts are left to hold out whole ones. None where
        `images` can stay: no picture is to be held out, they are in groups already, or no two are
        near-copies.

    Cost: each picture is read once more, and the network runs on a quarter of the usual canvas.
    """
    held_out = choose_limits(images, *limits)[0].held_out
    if not len(held_out) or groups_of(images):
        return None
    numbers = find_groups(images, backbone, runner, notify)
    if len(np.unique(numbers)) == len(images):
        return None
    groups = [f"{number:09}" for number in numbers.tolist()]
    least = min(len(held_out), conformal.required_count(limits[1] or 1.0))
    if (kept := _without_copies_held_out(groups, least)) is None:
        return range(len(images)), (), conformal.NEAR_COPIES
    return kept, [groups[k] for k in kept], conformal.NEAR_COPIES


def _without_copies_held_out(groups: Sequence[str], least: int) -> list[int] | None:
    """Return the indices of pictures without the second and later ones of groups to be held out.

    `conformal.hold_out` then draws the same groups, in the same order, of one picture each.

    Returns:
        None where less than half of the groups would be left to learn from.
    """
    order, numbers = conformal.group_order(groups)
    dropped = np.zeros(len(groups), bool)
    for drawn, group in enumerate(order):
        if drawn >= max(least, (len(groups) - int(dropped.sum())) // 5):
            return np.flatnonzero(~dropped).tolist()
        if 2 * (drawn + 1) > len(order):
            break
        dropped[np.flatnonzero(numbers == group)[1:]] = True
    return None


def find_groups(
    images: Folder | DistinctPictures,
    backbone: Backbone,
    runner: Runner = local_runner,
    notify: Notify = silent,
) -> Array:
    """Return the number of the group of each picture: near-copies share one.

    Args:
        images: at least two.
        backbone: the network.
        runner: of its work.
        notify: told ("copies", pictures compared, pictures).
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    count = len(images)
    job = ComparisonJob(images, _canvas(images, backbone), backbone)
    chosen = np.linspace(0, count - 1, min(count, SAMPLE)).astype(int)
    tasks = [(np.array(batch), False) for batch in batches(count, job.preparation)]
    tasks += [(chosen[start : start + 8], True) for start in range(0, len(chosen), 8)]
    parts: list[Array] = []
    for part in runner.run(describe_batch, job, tasks):
        parts.append(part)
        notify("copies", min(sum(map(len, parts)), count), count)
    sketches, copied = np.split(np.concatenate(parts), [count])
    usual = np.median(np.linalg.norm(sketches[chosen] - copied, axis=1))
    with limit_blas_threads():
        pairs = groups_apart(*shortest_links(sketches), float(usual))
    if isinstance(images, Folder):
        pairs = np.concatenate([pairs, same_second(images.paths)], axis=1)
    graph = coo_array((np.ones(pairs.shape[1]), (pairs[0], pairs[1])), shape=(count, count))
    return np.asarray(connected_components(graph, directed=False)[1])


def _canvas(images: Folder | DistinctPictures, backbone: Backbone) -> Preparation:
    """Return a small square canvas, or the usual one for a network that takes no other."""
    stride = backbone.network.stride
    side = max(2, round(SIDE / stride)) * stride
    small = Preparation((side, side), "stretch", grey_range=images.grey_range)
    try:
        level_shapes(small, backbone)
    except WeightsError:
        return Preparation((256, 256), "stretch", grey_range=images.grey_range)
    return small


def describe_batch(job: ComparisonJob, task: tuple[Array, bool]) -> Array:
    """Return sketches (n, WIDTH) of pictures by their indices, as they are or copied."""
    indices, copied = task
    batch = [as_picture(job.images[int(index)], int(index)) for index in indices]
    if copied:
        batch = [
            Picture(one.name, copy(one.pixels, int(k)))
            for one, k in zip(batch, indices, strict=True)
        ]
    return sketch(extract(batch, job.preparation, job.backbone)[0].maps)


def sketch(maps: Sequence[Array]) -> Array:
    """Return (n, WIDTH) values whose distances are about those of the averaged features.

    Each value is a sum of averages with random signs, the same ones for every picture.

    Args:
        maps: one (n, d, h, w) a level.

    Source: Weinberger and others, Feature hashing for large scale multitask learning, 2009.
    """
    values = np.concatenate([_grid_means(level).reshape(len(level), -1) for level in maps], axis=1)
    signs = np.random.default_rng(0).choice(np.array([-1, 1], np.float32), values.shape[1])
    padded = np.pad(values * signs, ((0, 0), (0, -values.shape[1] % WIDTH)))
    return np.asarray(padded.reshape(len(values), -1, WIDTH).sum(axis=1))


def _grid_means(level: Array) -> Array:
    """Return the means (n, d, GRID, GRID) of a level over a grid; fewer of fewer cells."""
    for axis in (2, 3):
        side = level.shape[axis]
        edges = np.unique(np.linspace(0, side, GRID + 1).astype(int))
        sizes = np.diff(edges).reshape((-1, 1) if axis == 2 else (-1,))
        level = np.add.reduceat(level, edges[:-1], axis) / sizes
    return level


def shortest_links(sketches: Array) -> tuple[Array, Array]:
    """Return the links of the minimum spanning tree of all pictures, shortest first.

    Args:
        sketches: (n, d), at least two; their Euclidean distances count.

    Returns:
        (2, n - 1) int, the pictures that each joins, and (n - 1,) float64, how far they differ.

    Source: Prim, Shortest connection networks and some generalizations, 1957. O(n² d) time, O(n)
        memory beside the sketches.
    """
    count, squares = len(sketches), (sketches**2).sum(axis=1)
    nearest, joined = np.full(count, np.inf), np.zeros(count, int)
    links, lengths = np.empty((2, count - 1), int), np.empty(count - 1)
    outside, latest = np.ones(count, bool), 0
    for step in range(count - 1):
        outside[latest] = False
        others = squares[latest] + squares - 2 * (sketches @ sketches[latest])
        closer = outside & (others < nearest)
        nearest[closer], joined[closer] = others[closer], latest
        nearest[latest] = np.inf
        latest = int(nearest.argmin())
        links[:, step] = joined[latest], latest
        lengths[step] = np.sqrt(max(nearest[latest], 0.0))
    order = np.argsort(lengths, kind="stable")
    return links[:, order], lengths[order]


def groups_apart(links: Array, lengths: Array, usual: float) -> Array:
    """Return the links (2, m) within groups of near-copies: short ones, of groups that stand apart.

    Args:
        links: see `shortest_links`.
        lengths: of those, ascending.
        usual: near-copies differ by less.
    """
    group = np.arange(len(lengths) + 1)
    within: dict[int, list[int]] = {}  # the links of each group of the single linkage
    found: dict[int, list[int]] = {}  # those of the largest groups in it that stand apart
    for number, (pair, length) in enumerate(zip(links.T.tolist(), lengths.tolist(), strict=True)):
        one, other = (int(group[k]) for k in pair)
        for part in (one, other):
            own = within.get(part, [])
            if own and lengths[own[-1]] < usual and length >= APART * lengths[own[-1]]:
                found[part] = own
        within[one] = [*within.get(one, []), *within.pop(other, []), number]
        found[one] = [*found.get(one, []), *found.pop(other, [])]
        group[group == other] = one
    return links[:, sorted(found.get(int(group[0]), []))]
