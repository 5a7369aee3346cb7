"""Watch a stream of pictures for a change of the scene, as distinct from a bad part.

Each picture's measures are ranked among those of good pictures of the fit and of all earlier
pictures of the stream. While the scene stays as it was, the ranks are uniform and
independent of each other; bets against that gain only when it changes, and no picture can gain
much alone.

Source: Vovk et al., Retrain or not retrain: conformal test martingales for change-point detection,
COPA 2021 (online p-values, the Shiryaev-Roberts and CUSUM procedures); Doob, Stochastic Processes,
1953, for the inequality.
"""

from dataclasses import dataclass, replace

import numpy as np

from goldensample.records import Array

BETS = np.array([-1.9, -1.0, 1.0, 1.9])
"""Stakes: on small values below zero, on large ones above."""
STREAM, CHANCE = 1000, 0.05
"""The guarantee: in so many pictures of an unchanged scene, at most this chance of an alarm."""
PICTURES = round(STREAM / CHANCE)
"""So the chance in n pictures is at most n / PICTURES. Nothing else sets the bound of an alarm:
what the bets have made of n stakes is n on average while the scene is unchanged, so by Doob's
inequality it reaches PICTURES within n pictures with a chance of at most n / PICTURES."""


@dataclass(frozen=True, slots=True, eq=False)
class Watch:
    """What is known of a stream of pictures, after any number of them.

    Args:
        names: of the pictures seen since the start or, after an alarm, before the change.
        values: (n, k) float64, their k measures.
        gains: (k, b) float64: what the bets have made of one stake for every picture so far.
        rises: (k, b) float64: logarithm of what they have made since the place where the gain is
            largest.
        since: (k, b) int64: number of the picture after that place.

    Raises:
        ValueError: shapes or kinds do not fit, or a number is not finite.
    """

    names: tuple[str, ...]
    values: Array
    gains: Array
    rises: Array
    since: Array

    def __post_init__(self) -> None:
        bets = (self.values.shape[-1], len(BETS))
        kinds = [part.dtype.kind for part in (self.values, self.gains, self.rises, self.since)]
        shapes = {part.shape for part in (self.gains, self.rises, self.since)}
        fits = self.values.ndim == 2 and len(self.values) == len(self.names) and shapes == {bets}
        if not fits or kinds != ["f", "f", "f", "i"]:
            raise ValueError("names, values, gains, rises and since must fit each other")
        if not all(np.isfinite(part).all() for part in (self.values, self.gains, self.rises)):
            raise ValueError("values, gains and rises must be finite")
        inside = (self.since >= 0) & (self.since <= len(self.names))
        if not inside.all() or self.gains.min(initial=0) < 0:
            raise ValueError("since must number the pictures, and gains be at least 0")


@dataclass(frozen=True, slots=True)
class Alarm:
    """The scene has changed.

    Args:
        measure: number of the measure that says so.
        up: whether its values have become larger, not smaller.
        since: name of the picture at which the change most likely began.
    """

    measure: int
    up: bool
    since: str


def begin(measures: int) -> Watch:
    """Return a watch over a number of measures that has seen no picture."""
    nothing = np.zeros((measures, len(BETS)))
    return Watch((), np.empty((0, measures)), nothing, nothing, nothing.astype(np.int64))


def watch(
    before: Watch, known: Array, name: str, values: Array, chances: Array
) -> tuple[Watch, Alarm | None]:
    """Take one more picture.

    Args:
        before: of the pictures before this one; not changed.
        known: (m, k) measures of good pictures, NaN where a picture helped to build what measures
            it; not changed.
        name: of the picture.
        values: (k,) its measures, finite.
        chances: (k,) uniform in [0, 1), drawn anew for each picture: they break ties.

    Returns:
        The watch after it, and an alarm or None. After an alarm it starts anew, without the
        pictures since the change; each start has its own promise.

    Cost: k·(m + n), n pictures seen.
    """
    factors = gain(ranks(np.concatenate([known, before.values]), values, chances))
    fresh = before.rises <= 0
    after = Watch(
        names=(*before.names, name),
        values=np.concatenate([before.values, values[None]]),
        gains=(1 + before.gains) * factors,
        rises=np.maximum(before.rises, 0) + np.log(factors),
        since=np.where(fresh, len(before.names), before.since),
    )
    # a measure may gain by chance: each has its share of the promise, so no more can be said of
    # how they hang together
    measure = int(after.gains.mean(axis=1).argmax())
    if after.gains[measure].mean() < PICTURES * len(values):
        return after, None
    bet = int(after.rises[measure].argmax())
    start = int(after.since[measure, bet])
    alarm = Alarm(measure, bool(BETS[bet] > 0), after.names[start])
    anew = begin(len(values))
    return replace(anew, names=after.names[:start], values=after.values[:start]), alarm


def gain(p: Array) -> Array:
    """Return by how much each bet multiplies its stake: of mean 1 where p is uniform.

    Less than 2, however bad a part is. The rank 1/4 multiplies a bet of -1 by 1.25.

    Args:
        p: (k,) in [0, 1].

    Returns:
        (k, b) float64, above 0.
    """
    return 1 + BETS * (p[:, None] - 0.5)


def ranks(known: Array, values: Array, chances: Array) -> Array:
    """Return the share of known values below each value, equal ones shared out by chance.

    For exchangeable pictures it is uniform in [0, 1). Of the value 2 among 1, 2, 3 at chance 0.5
    it is (1 + 0.5·2) / 4.

    Args:
        known: (n, k) float64; NaN does not count.
        values: (k,) float64.
        chances: (k,) uniform in [0, 1).
    """
    below, equal = (known < values).sum(axis=0), (known == values).sum(axis=0)
    shares: Array = (below + chances * (equal + 1)) / ((~np.isnan(known)).sum(axis=0) + 1)
    return shares
