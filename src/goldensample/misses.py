"""What is said of a miss: its excuses, and the ways to have it caught, tried on good pictures."""

from dataclasses import dataclass

from goldensample.inspector import Inspector
from goldensample.methods.patchcore import PatchCoreDetector
from goldensample.records import Array, Features, Scores, Source

COST = 0.01
"""Largest share of the good pictures that may become false alarms."""


@dataclass(frozen=True, slots=True)
class Excuse:
    """A bank row that a defect was excused by.

    Args:
        source: the good patch it is.
        patches: of the defect, that it is nearest to and within the limit of.
        pictures: good pictures that have patches which it is nearest to.
    """

    source: Source
    patches: int
    pictures: int


@dataclass(frozen=True)
class Proposal:
    """One way to have a defect caught, tried out.

    Args:
        way: "drop": rows that excuse it leave the bank; "limit": less is excused around patches of
            it, see `methods.taught`.
        size: rows that leave, or patches that are taught.
        taught: the inspector as it would be.
        score: of the defect, by it.
        alarms: names of the good pictures that it would call defects and that were none before.
        holds: whether it calls the defect one, and at most `COST` of the good pictures besides.
    """

    way: str
    size: int
    taught: Inspector
    score: float
    alarms: tuple[str, ...]
    holds: bool


@dataclass(frozen=True)
class Study:
    """What was found of a miss: the defect's score, its excuses, and the ways to catch it."""

    score: float
    excuses: tuple[Excuse, ...]
    proposals: tuple[Proposal, ...]


@dataclass(frozen=True)
class Trial:
    """The miss and the good pictures, as a detector sees them, one picture each."""

    missed: Features
    marked: Array
    good: tuple[Features, ...]
    scores: tuple[Scores, ...]
    limit: float

    def cost(self, detector: PatchCoreDetector) -> list[int]:
        """Return which good pictures a detector calls defects that were none."""
        return [k for k in self.quiet() if self.alarmed(detector, k)]

    def quiet(self) -> list[int]:
        """Return which good pictures are no false alarms as it is."""
        return [k for k, found in enumerate(self.scores) if found.image[0] <= self.limit]

    def alarmed(self, detector: PatchCoreDetector, index: int) -> bool:
        """Tell whether a detector calls a good picture a defect."""
        return bool(detector.score(self.good[index]).image[0] > self.limit)

    @property
    def budget(self) -> int:
        """How many good pictures may become false alarms."""
        return int(COST * len(self.good))
