"""Rates of false alarms: what a number of pictures proves, and how many prove a rate."""


def interval(count: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Return the Clopper–Pearson interval of a rate, of which each end is wrong at (1 - level) / 2.

    Args:
        count: of events, at most n.
        n: pictures, at least one.
        level: in (0, 1).

    Source: Clopper and Pearson, The use of confidence or fiducial limits, 1934.
    """
    from scipy.stats import beta

    if not 0 <= count <= n or n < 1:
        raise ValueError(f"count must be from 0 to n, and n at least 1; got {count} of {n}")
    half = (1 - level) / 2
    low = float(beta.ppf(half, count, n - count + 1)) if count else 0.0
    high = float(beta.ppf(1 - half, count + 1, n - count)) if count < n else 1.0
    return low, high


def upper_bound(count: int, n: int, confidence: float = 0.95) -> float:
    """Return the rate that is not exceeded, at a confidence: the upper end alone."""
    return interval(count, n, 2 * confidence - 1)[1]


def needed(rate: float, events: int = 0, confidence: float = 0.95) -> int:
    """Return how many pictures prove that a rate is at most this, if so many events are seen.

    At 95 %, "at most 1 %" takes 299 without an event, 473 with one and 628 with two.

    Args:
        rate: in (0, 1).
        events: allowed among the pictures.
        confidence: in (0, 1).
    """
    from scipy.stats import binom

    if not (0 < rate < 1 and 0 < confidence < 1 and events >= 0):
        raise ValueError(
            f"rate and confidence must be in (0, 1) and events at least 0; got {rate:g}, "
            f"{confidence:g} and {events}"
        )
    low, high = events, events + 1
    while binom.cdf(events, high, rate) > 1 - confidence:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        if binom.cdf(events, middle, rate) > 1 - confidence:
            low = middle
        else:
            high = middle
    return high


def needed_of_lot(lot: int, allowed: int, confidence: float = 0.95) -> int:
    """Return how many parts of a lot, all without an event, prove at most `allowed` in all of it.

    A lot is finite, so that the number follows from drawing without replacement (hypergeometric)
    and is below that of `needed`. That a lot has none takes all of it.

    Args:
        lot: parts of the lot.
        allowed: events in it that are allowed, from 0 to lot - 1.
        confidence: in (0, 1).
    """
    from scipy.stats import hypergeom

    if not (0 <= allowed < lot and 0 < confidence < 1):
        raise ValueError(
            f"allowed must be from 0 to lot - 1 and confidence in (0, 1); got {allowed} of {lot} "
            f"and {confidence:g}"
        )
    low, high = 0, lot - allowed
    while high - low > 1:
        middle = (low + high) // 2
        if hypergeom.pmf(0, lot, allowed + 1, middle) > 1 - confidence:
            low = middle
        else:
            high = middle
    return high
