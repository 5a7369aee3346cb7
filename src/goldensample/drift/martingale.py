"""Change-point detection on a stream of pictures by conformal test martingales.

It detects a change of the scene, as distinct from a defective part. Each picture's measures are
ranked among those of good pictures of the fit and of all earlier pictures of the stream. While the
scene is unchanged, the ranks are uniform and independent; bets against that gain only when it
changes, and no single picture can gain much.

Source: Vovk et al., Retrain or not retrain: conformal test martingales for change-point detection,
COPA 2021 (online p-values, the Shiryaev-Roberts and CUSUM procedures); Doob, Stochastic Processes,
1953, for the inequality.
"""

from dataclasses import dataclass, replace

import numpy as np

from goldensample.records import Array

BETS = np.array([-1.9, -1.0, 1.0, 1.9])
"""Bet sizes: on small values below zero, on large ones above."""
STREAM, CHANCE = 1000, 0.05
"""The guarantee: in STREAM pictures of an unchanged scene, at most this chance of an alarm."""
PICTURES = round(STREAM / CHANCE)
"""The alarm threshold. The gain from n stakes has mean n while the scene is unchanged, so by
Doob's inequality it reaches PICTURES within n pictures with a chance of at most n / PICTURES."""


@dataclass(frozen=True, slots=True, eq=False)
class Watch:
    """The state of change-point detection on a stream, after any number of pictures.

    Args:
        names: of the pictures since the start or, after an alarm, before the change.
        values: (n, k) float64, their k measures.
        gains: (k, b) float64: Shiryaev-Roberts statistic of each bet, one stake per picture.
        rises: (k, b) float64: CUSUM statistic, the logarithm of the largest gain since a picture.
        since: (k, b) int64: index of that picture.

    Raises:
        ValueError: shapes or dtypes do not fit, or a number is not finite.
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
        in_range = (self.since >= 0) & (self.since <= len(self.names))
        if not in_range.all() or self.gains.min(initial=0) < 0:
            raise ValueError("since must number the pictures, and gains be at least 0")


@dataclass(frozen=True, slots=True)
class Alarm:
    """A detected change of the scene.

    Args:
        measure: index of the measure that changed.
        up: whether its values have become larger, not smaller.
        since: name of the picture at the most likely change point.
    """

    measure: int
    up: bool
    since: str


def begin(measures: int) -> Watch:
    """Return the initial state for a number of measures."""
    zeros = np.zeros((measures, len(BETS)))
    return Watch((), np.empty((0, measures)), zeros, zeros, zeros.astype(np.int64))


def watch(
    state: Watch, reference: Array, name: str, values: Array, chances: Array
) -> tuple[Watch, Alarm | None]:
    """Update the state with one more picture.

    Args:
        state: after the pictures before this one; not changed.
        reference: (m, k) measures of good pictures, NaN where a picture was part of the fit of what
            measures it; not changed.
        name: of the picture.
        values: (k,) its measures, finite.
        chances: (k,) uniform in [0, 1), drawn anew for each picture: they break ties.

    Returns:
        The state after it, and an alarm or None. After an alarm it restarts, without the pictures
        since the change; each restart has its own guarantee.

    Cost: k·(m + n), n pictures of the stream.
    """
    factors = gain(ranks(np.concatenate([reference, state.values]), values, chances))
    restarted = state.rises <= 0
    updated = Watch(
        names=(*state.names, name),
        values=np.concatenate([state.values, values[None]]),
        gains=(1 + state.gains) * factors,
        rises=np.maximum(state.rises, 0) + np.log(factors),
        since=np.where(restarted, len(state.names), state.since),
    )
    # Bonferroni: each measure has its share of the guarantee, however they are correlated
    measure = int(updated.gains.mean(axis=1).argmax())
    if updated.gains[measure].mean() < PICTURES * len(values):
        return updated, None
    bet = int(updated.rises[measure].argmax())
    start = int(updated.since[measure, bet])
    alarm = Alarm(measure, bool(BETS[bet] > 0), updated.names[start])
    restart = begin(len(values))
    return replace(restart, names=updated.names[:start], values=updated.values[:start]), alarm


def gain(p: Array) -> Array:
    """Return the factor by which each bet multiplies its stake: of mean 1 where p is uniform.

    Less than 2, however defective a part is. The rank 1/4 multiplies a bet of -1 by 1.25.

    Args:
        p: (k,) in [0, 1].

    Returns:
        (k, b) float64, above 0.
    """
    return 1 + BETS * (p[:, None] - 0.5)


def ranks(reference: Array, values: Array, chances: Array) -> Array:
    """Return the share of reference values below each value, ties broken at random.

    For exchangeable pictures it is uniform in [0, 1). Of the value 2 among 1, 2, 3 at chance 0.5
    it is (1 + 0.5·2) / 4.

    Args:
        reference: (n, k) float64; NaN is ignored.
        values: (k,) float64.
        chances: (k,) uniform in [0, 1).
    """
    below, equal = (reference < values).sum(axis=0), (reference == values).sum(axis=0)
    count = (~np.isnan(reference)).sum(axis=0)
    shares: Array = (below + chances * (equal + 1)) / (count + 1)
    return shares
