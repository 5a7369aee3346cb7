"""Defects imagined in good pictures, to weigh what a composition may say before any is seen.

No pixel is drawn and no network runs: the patches of one part of a good picture are put in place of
another's. A part is missing where its surroundings are put over it, there is one too many where it
is put over them, and two are swapped. Patches that are usual where they come from stay usual.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from goldensample.records import Array

IMAGINED, DRAWN = 8, 8
"""Defects of a picture; pairs of parts drawn for each, of which the most different are taken."""
SIDES = 1 / 8, 1 / 4
"""Sides of a part, as shares of the picture's."""
POWERS, CAREFUL = (0.0, 0.25, 0.5, 0.75, 1.0), 0.5
"""Of what is usual for a kind of place, by which distances may be divided; most unless asked."""
QUIETER = 0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0
"""Deviations by which the composition may count less than the patches."""
PLACES = 256
"""Places of a picture, about, that are imagined odd."""
FOUND, STEPS = 0.75, 30
"""Share of odd places that patches find alone; halvings in the search for their size."""
EQUAL = 0.005
"""Of the sum of both shares found: as much less is no reason for the composition to be louder."""
LEAST_GAIN, MOST_LOST = 0.25, 0.01
"""Least further share of the imagined defects to be found; most of the odd places to be lost."""


class Evidence(NamedTuple):
    """Shares of imagined defects that score above a good picture, in [0, 1].

    Args:
        alone, together: missing, doubled and swapped parts, by patches alone and with composition.
        odd_alone, odd_together: odd places.
    """

    alone: float
    together: float
    odd_alone: float
    odd_together: float

    @property
    def is_earned(self) -> bool:
        """Whether more is found, and what was found before still is."""
        gained = self.together - self.alone >= LEAST_GAIN
        return gained and self.odd_together >= self.odd_alone - MOST_LOST


class Judged(NamedTuple):
    """What is said of n good pictures and of N pictures: those first, then the imagined.

    Args:
        peaks: (N, powers) largest distances, weighed, where divided by what is usual to a power.
        amounts: (N,) deviations of the composition.
        places: of k places in good pictures, (k,) each: the distance; its weight over what is usual
            at its position; what is usual for its kind.
        good: n.
    """

    peaks: Array
    amounts: Array
    places: tuple[Array, Array, Array]
    good: int


def imagine(
    picture: tuple[Array, Array], points: Array, rng: np.random.Generator
) -> Iterator[tuple[Array, Array]]:
    """Yield IMAGINED defects of a picture, or fewer where there is no room.

    Args:
        picture: nearest rows (h, w), -1 for none, and distances (h, w); not changed.
        points: (m, D) of each row; parts whose sums differ most are exchanged.
    """
    rows, _ = picture
    for number in range(IMAGINED):
        size = np.array([max(1, round(side * rng.uniform(*SIDES))) for side in rows.shape])
        best, parts = -1.0, None
        for _ in range(DRAWN):
            corners = rng.integers(0, np.subtract(rows.shape, size) + 1, (2, 2))
            first, second = (tuple(map(slice, at, at + size)) for at in corners)
            apart = (np.abs(corners[0] - corners[1]) >= size).any()
            if not apart or (rows[first] < 0).any() or (rows[second] < 0).any():
                continue
            difference = points[rows[first]].sum((0, 1)) - points[rows[second]].sum((0, 1))
            if (length := float(np.linalg.norm(difference))) > best:
                best, parts = length, (first, second)
        if parts is None:
            continue
        changed = picture[0].copy(), picture[1].copy()
        for new, old in zip(changed, picture, strict=True):
            new[parts[0]] = old[parts[1]]
            if number % 4 == 3:  # swapped
                new[parts[1]] = old[parts[0]]
        yield changed


def choose_weights(judged: Judged, asked: bool) -> tuple[tuple[float, float], Evidence]:
    """Return the power and the quiet deviations, and what is found.

    Where a composition is asked for, the power is the largest that loses no odd places: that helps
    where a defect is odd for its kind of place alone, which is not imagined, and costs a little
    elsewhere. Else it is at most CAREFUL, and both are those that find the most.
    """
    size = size_found(judged)
    found: dict[tuple[float, float], tuple[float, float]] = {}
    for column, power in enumerate(POWERS):
        peaks = judged.peaks[:, column]
        good = peaks[: judged.good]
        for quiet in (*QUIETER, np.inf):
            scores = np.maximum(peaks, good.mean() + good.std() * (judged.amounts - quiet))
            parts = share_above(scores[: judged.good], scores[judged.good :])
            places = share_above(scores[: judged.good], odd_places(judged, power, size))
            found[power, quiet] = parts, places
    alone = found.pop((0.0, np.inf))
    heard = {pair: sum(both) for pair, both in found.items() if pair[1] < np.inf}
    free = [pair[0] for pair in heard if found[pair][1] >= alone[1] - MOST_LOST]
    careful = [pair for pair in heard if pair[0] <= CAREFUL]
    power = max(free, default=0.0) if asked else max(careful, key=heard.__getitem__)[0]
    enough = max(heard[power, quiet] for quiet in QUIETER) - EQUAL
    best = power, max(quiet for quiet in QUIETER if heard[power, quiet] >= enough)
    return best, Evidence(alone[0], found[best][0], alone[1], found[best][1])


def size_found(judged: Judged) -> float:
    """Return the size of odd places of which patches alone find FOUND."""
    good = judged.peaks[: judged.good, 0]
    low, high = 0.0, 20 * float(judged.places[0].max())
    for _ in range(STEPS):
        size = (low + high) / 2
        below = share_above(good, odd_places(judged, 0.0, size)) < FOUND
        low, high = (size, high) if below else (low, size)
    return size


def odd_places(judged: Judged, power: float, size: float) -> Array:
    """Return (k,) weighed distances of places where an oddity of a size is added."""
    distances, weights, usual = judged.places
    return np.asarray(np.sqrt(distances**2 + size**2) * weights / usual**power)


def share_above(good: Array, odd: Array) -> float:
    """Return how often one of the odd (k,) scores above one of the good (n,); 0.5 of none."""
    if not len(odd):
        return 0.5
    ordered = np.sort(good)
    ranks = np.searchsorted(ordered, odd, "left") + np.searchsorted(ordered, odd, "right")
    return float(ranks.mean()) / (2 * len(good))
