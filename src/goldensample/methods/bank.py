"""Patches of many pictures, read as often as needed: all, some, or all beside a bank row each."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from goldensample.arrays import to_numpy
from goldensample.records import Array, Features, Notify, silent


@dataclass(frozen=True)
class Patches:
    """The patches of all pictures of a fit, numbered from 0 in the order of pictures.

    Args:
        features: of the pictures, in order; read several times, always the same.
        of: gives the patches (k, d) of picture i of some features, and their centres (k, 2) as
            shares of the canvas.
        pictures: how many there are, for the progress.
        notify: told (stage, pictures read, pictures).
    """

    features: Iterable[Features]
    of: Callable[[Features, int], tuple[Array, Array]]
    pictures: int
    notify: Notify

    def read(self, stage: str = "") -> Iterator[tuple[Array, Array]]:
        """Give each picture's patches, (k, d) float16, and their origins, (k, 3) float32.

        Args:
            stage: told to `notify`; "" for none.
        """
        tell = self.notify if stage else silent
        for batch in self.features:
            for index in range(len(batch)):
                rows, places = self.of(batch, index)
                half = to_numpy(rows).astype(np.float16)  # means of what fits: it fits
                number = np.full((len(places), 1), batch.first + index)
                yield half, np.hstack([number, places]).astype(np.float32)
            tell(stage, batch.first + len(batch), self.pictures)

    def pick(self, picks: Array) -> tuple[Array, Array]:
        """Return the patches of given numbers, (m, d) float32, and their origins, (m, 3)."""
        order = np.argsort(picks)
        sought, seen, found = picks[order], 0, []
        for half, origins in self.read():
            low, high = np.searchsorted(sought, (seen, seen + len(half)))
            inside = sought[low:high] - seen
            found.append((half[inside], origins[inside]))
            seen += len(half)
        bank, origins = (np.concatenate(part) for part in zip(*found, strict=True))
        back = np.argsort(order)
        return bank[back].astype(np.float32), origins[back]

    def beside(self, nearest: Array, stage: str) -> Iterator[tuple[Array, Array]]:
        """Give each picture's patches, (k, d) float32, and their part of `nearest`, (k,).

        Patches whose `nearest` is -1 are left out.
        """
        seen = 0
        for half, _ in self.read(stage):
            near = nearest[seen : seen + len(half)]
            yield half[near >= 0].astype(np.float32), near[near >= 0]
            seen += len(half)
