"""What is said of a miss: its excuses, and the ways to have it caught, tried on good pictures."""

from dataclasses import dataclass, replace

from goldensample.inspection.inspector import Inspector
from goldensample.methods.patchcore import PatchCoreDetector
from goldensample.records import Array, Features, Scores, Source

APART = 3
"""Of as many good pictures one helps to choose what is taught; the others count the cost."""


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
        counted: good pictures among which these are: those that had no part in choosing it.
        holds: whether it calls the defect one, at no larger `upper` cost than asked for.
    """

    way: str
    size: int
    taught: Inspector
    score: float
    alarms: tuple[str, ...]
    counted: int
    holds: bool

    @property
    def upper(self) -> float:
        """Share of new good pictures that becomes false alarms at most, on average over trials.

        It is (alarms + 1) / (counted + 1), as for a limit: a new picture may be one more.
        """
        return (len(self.alarms) + 1) / (self.counted + 1)


@dataclass(frozen=True)
class Study:
    """What was found of a miss: the defect's score, its excuses, and the ways to catch it."""

    score: float
    excuses: tuple[Excuse, ...]
    proposals: tuple[Proposal, ...]


@dataclass(frozen=True)
class Trial:
    """The miss and the good pictures, as a detector sees them, one picture each.

    Args:
        missed: its features.
        marked: (k,) bool, its patches that the mask touches.
        names: of the good pictures.
        good: their features.
        scores: what the detector says of them.
        limit: of scores.
        cost: largest share of good pictures that may become false alarms.
    """

    missed: Features
    marked: Array
    names: tuple[str, ...]
    good: tuple[Features, ...]
    scores: tuple[Scores, ...]
    limit: float
    cost: float

    def parted(self) -> tuple["Trial", "Trial"]:
        """Return the trial with every third good picture, to choose by, and with the others."""
        every = range(len(self.good))
        chosen, others = (
            [k for k in every if (k % APART == 0) == first] for first in (True, False)
        )
        return self._only(chosen), self._only(others)

    def _only(self, numbers: list[int]) -> "Trial":
        """Return the trial with some of the good pictures."""
        return replace(
            self,
            names=tuple(self.names[k] for k in numbers),
            good=tuple(self.good[k] for k in numbers),
            scores=tuple(self.scores[k] for k in numbers),
        )

    def alarms(self, detector: PatchCoreDetector) -> list[int]:
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
        return int(self.cost * len(self.good))
