"""The analysis of a missed defect: bank rows that excuse it, and tested proposals to catch it."""

from dataclasses import dataclass, replace

from goldensample.inspection.inspector import Inspector
from goldensample.methods.patchcore import PatchCoreDetector
from goldensample.records import Array, Features, Scores, Source

SELECTION_STEP = 3
"""Every third good picture helps to select what is taught; on the others the cost is counted."""


@dataclass(frozen=True, slots=True)
class Excuse:
    """A bank row that excuses a defect: the nearest neighbour of its patches, within the limit.

    Args:
        source: the good patch in that row.
        patches: number of the defect's patches that it is nearest to, within the limit.
        pictures: number of good pictures with patches that it is nearest to.
    """

    source: Source
    patches: int
    pictures: int


@dataclass(frozen=True)
class Proposal:
    """A change that makes the inspector catch a defect, tested on good pictures.

    Args:
        action: "drop": rows that excuse it are removed from the bank; "limit": distances near its
            patches are raised, see `methods.corrections`.
        size: number of rows removed, or of patches taught.
        inspector: after the change.
        score: of the defect, by it.
        alarms: names of the good pictures that become false alarms.
        tested: number of good pictures tested, none of which helped to select the change.
        accepted: whether it calls the defect one, and `rate_bound` is no larger than allowed.
    """

    action: str
    size: int
    inspector: Inspector
    score: float
    alarms: tuple[str, ...]
    tested: int
    accepted: bool

    @property
    def rate_bound(self) -> float:
        """Upper bound of the share of new good pictures that become false alarms, on average.

        It is (alarms + 1) / (tested + 1), as for a conformal limit: a new picture may be one more.
        """
        return (len(self.alarms) + 1) / (self.tested + 1)


@dataclass(frozen=True)
class MissAnalysis:
    """The result for a missed defect: its score, its excuses, and proposals to catch it."""

    score: float
    excuses: tuple[Excuse, ...]
    proposals: tuple[Proposal, ...]


@dataclass(frozen=True)
class Trial:
    """The features of a missed defect and of the good pictures that a change is tested on.

    Args:
        missed: features of the defect's picture.
        marked: (k,) bool, its patches that the mask touches.
        names: of the good pictures.
        good: their features, one picture each.
        scores: of the good pictures, by the detector in use.
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

    def split(self) -> tuple["Trial", "Trial"]:
        """Return a trial with every third good picture, for selection, and one with the others."""
        indices = range(len(self.good))
        selection, testing = (
            [k for k in indices if (k % SELECTION_STEP == 0) == selects]
            for selects in (True, False)
        )
        return self._subset(selection), self._subset(testing)

    def _subset(self, numbers: list[int]) -> "Trial":
        """Return the trial with some of the good pictures."""
        return replace(
            self,
            names=tuple(self.names[k] for k in numbers),
            good=tuple(self.good[k] for k in numbers),
            scores=tuple(self.scores[k] for k in numbers),
        )

    def alarms(self, detector: PatchCoreDetector) -> list[int]:
        """Return the indices of the good pictures that become false alarms with a detector."""
        return [k for k in self.true_negatives() if self.is_false_alarm(detector, k)]

    def true_negatives(self) -> list[int]:
        """Return the indices of the good pictures that the detector in use calls good."""
        return [k for k, scores in enumerate(self.scores) if scores.image[0] <= self.limit]

    def is_false_alarm(self, detector: PatchCoreDetector, index: int) -> bool:
        """Return whether a detector calls a good picture a defect."""
        return bool(detector.score(self.good[index]).image[0] > self.limit)

    @property
    def budget(self) -> int:
        """Number of good pictures that may become false alarms."""
        return int(self.cost * len(self.good))
