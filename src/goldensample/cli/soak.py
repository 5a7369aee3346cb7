"""`golden soak`: hours of inspections, to see whether memory grows or speed falls."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import cycle
from statistics import median
from time import perf_counter
from typing import Annotated

import typer

from goldensample.cli.console import print_json, progress, say
from goldensample.cli.method_options import OwnMethod, open_own
from goldensample.cli.options import GoldenFile, Json
from goldensample.inspection.inspector import Inspector
from goldensample.locales.language import counted, gettext, language, speaking
from goldensample.records import Picture

MOST = 100
"""Pictures that are kept in memory and inspected in turn."""
ROUNDS = 60
"""Parts that the time is cut into; each is measured."""
WARM = 0.2
"""Share of the parts, at the start, that are not counted: caches fill meanwhile."""
GROWTH_BYTES, GROWTH = 50e6, 0.1
"""Memory may grow by this, or by this share, from the first counted quarter to the last."""
SLOWER = 1.25
"""So many times as long may a picture take in the last quarter as in the first."""


@dataclass(frozen=True, slots=True)
class Round:
    """A part of the time.

    Args:
        pictures: inspected.
        seconds: a picture, the median.
        slowest: a picture, seconds.
        memory: of this process at the end, bytes; 0 where the system does not tell.
    """

    pictures: int
    seconds: float
    slowest: float
    memory: int


def command(
    file: GoldenFile,
    paths: Annotated[
        list[str], typer.Argument(metavar="PATH...", help="Pictures to inspect over and over.")
    ],
    hours: Annotated[
        float, typer.Option(min=0.0005, help="How long; a night shows more than an hour.")
    ] = 1.0,
    json: Json = False,
    method: OwnMethod = None,
) -> None:
    """Inspect pictures for hours; exit 1 if memory grows or inspecting gets slower.

    A hundred pictures at most are read once, and inspected one at a time, as a line sends them.
    """
    from goldensample.artifact.store import load
    from goldensample.images.folder import read_images

    inspector = load(file, open_own(method))
    folder = read_images(paths, inspector.preparation.grey_range)
    pictures = cycle([folder[index] for index in range(min(len(folder), MOST))])
    rounds: list[Round] = []
    with progress() as notify:
        for number in range(ROUNDS):
            rounds.append(_inspect_for(inspector, pictures, 3600 * hours / ROUNDS))
            notify("soak", number + 1, ROUNDS)
    with speaking("en" if json else language()):
        faults = judge(rounds)
    if json:
        print_json({"faults": faults, "rounds": [asdict(one) for one in rounds]})
    else:
        first, last = rounds[int(WARM * ROUNDS)], rounds[-1]
        total = sum(one.pictures for one in rounds)
        say(
            gettext(
                "%(pictures)s in %(hours)s h; %(first_ms)s ms a picture at first and %(last_ms)s "
                "at last, the slowest %(slowest_ms)s; memory %(first_mb)s MB at first and "
                "%(last_mb)s at last"
            )
            % {
                "pictures": counted("%(num)s picture", "%(num)s pictures", total),
                "hours": f"{hours:g}",
                "first_ms": f"{1000 * first.seconds:.1f}",
                "last_ms": f"{1000 * last.seconds:.1f}",
                "slowest_ms": f"{1000 * max(one.slowest for one in rounds):.0f}",
                "first_mb": f"{first.memory / 1e6:,.0f}",
                "last_mb": f"{last.memory / 1e6:,.0f}",
            }
        )
        fine = gettext("memory did not grow, and inspecting did not get slower")
        if not last.memory:
            fine = gettext("memory cannot be measured here, and inspecting did not get slower")
        say("; ".join(faults) or fine)
    if faults:
        raise typer.Exit(1)


def _inspect_for(inspector: Inspector, pictures: Iterator[Picture], seconds: float) -> Round:
    """Inspect pictures, at least one, for some seconds."""
    from goldensample.fitting.machine import UNKNOWN_RESIDENT, resident_bytes

    taken, started = list[float](), perf_counter()
    while not taken or perf_counter() - started < seconds:
        before = perf_counter()
        inspector.inspect(next(pictures))
        taken.append(perf_counter() - before)
    memory = resident_bytes()
    known = memory if memory != UNKNOWN_RESIDENT else 0
    return Round(len(taken), median(taken), max(taken), known)


def judge(rounds: list[Round]) -> list[str]:
    """Return what is wrong, in words: memory that grows, or inspections that get slower.

    The first quarter and the last of the counted rounds are compared, by their medians.
    """
    counted = rounds[int(WARM * len(rounds)) :]
    quarter = max(1, len(counted) // 4)
    first, last = counted[:quarter], counted[-quarter:]
    faults = []
    before, after = (median(one.memory for one in part) for part in (first, last))
    if after - before > max(GROWTH_BYTES, GROWTH * before):
        text = gettext("memory grew from %(before)s to %(after)s MB")
        values = {"before": f"{before / 1e6:,.0f}", "after": f"{after / 1e6:,.0f}"}
        faults.append(text % values)
    before, after = (median(one.seconds for one in part) for part in (first, last))
    if after > SLOWER * before:
        text = gettext("a picture took %(before)s ms and then %(after)s")
        values = {"before": f"{1000 * before:.1f}", "after": f"{1000 * after:.1f}"}
        faults.append(text % values)
    return faults
