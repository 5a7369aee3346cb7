"""The revisions of a fitted inspector: every bank row and every change, so that any is undone.

Revisions form a tree. Each names its parent; the last one written is the state in use. To revert is
to write a revision without a change whose parent is an earlier one, so nothing is ever lost, and a
state is always computed from its ancestors in the same way: it comes back to the byte.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

import numpy as np

from goldensample.inspection.revision import FIT, FORGET, LEARN, LIMIT, Revision, to_entry
from goldensample.preparation.scope import Scope, may_raise
from goldensample.records import Array


@dataclass(frozen=True, eq=False)
class Journal:
    """All rows that were ever in a bank, and the revisions that added and removed them.

    Args:
        bank: (m, d) float16.
        origins: (m, 3) float32, as a detector's.
        born: (m,) int32, the revision that added each row; ascending.
        drops: (p, 2) int32, (revision, row) of each row removed; by revision.
        revisions: by their numbers; the last is the one in use.

    Raises:
        ValueError: the parts do not fit each other.
    """

    bank: Array
    origins: Array
    born: Array
    drops: Array
    revisions: tuple[Revision, ...]

    def __post_init__(self) -> None:
        rows, count = len(self.bank), len(self.revisions)
        dtypes = [a.dtype.name for a in (self.bank, self.origins, self.born, self.drops)]
        fits = (
            dtypes == ["float16", "float32", "int32", "int32"]
            and self.bank.ndim == 2
            and self.origins.shape == (rows, 3)
            and self.born.shape == (rows,)
            and self.drops.shape[1:] == (2,)
        )
        if not fits or not count:
            raise ValueError("a journal must have a bank, origins, births, drops and revisions")
        if (
            (self.born < 0).any()
            or (self.born >= count).any()
            or (np.diff(self.born) < 0).any()
            or (self.drops < 0).any()
            or (self.drops >= [count, rows]).any()
        ):
            raise ValueError("every row of a journal must come and go with one of its revisions")
        if any(not min(k, 1) <= r.parent + 1 <= k for k, r in enumerate(self.revisions)):
            raise ValueError("the parent of a revision must be an earlier one")

    @property
    def head(self) -> int:
        """Number of the revision in use."""
        return len(self.revisions) - 1

    def lineage(self, number: int) -> list[int]:
        """Return the numbers of a revision and of its ancestors, the latest first."""
        numbers = []
        while number >= 0:
            numbers.append(number)
            number = self.revisions[number].parent
        return numbers

    @property
    def defects(self) -> Array:
        """(m,) bool: patches of a taught defect, see `methods.corrections`; not in the bank."""
        numbers = [k for k, revision in enumerate(self.revisions) if revision.action == LIMIT]
        return np.isin(self.born, numbers)

    def active(self, number: int) -> Array:
        """Return (m,) bool: the rows in use in a revision."""
        lineage = self.lineage(number)
        rows = np.isin(self.born, lineage)
        rows[self.drops[np.isin(self.drops[:, 0], lineage), 1]] = False
        return rows

    def pictures(self, number: int, actions: Sequence[str] = (FIT, LEARN)) -> list[int]:
        """Return the numbers of the pictures in a revision, ascending.

        Args:
            actions: that added them.
        """
        pictures: set[int] = set()
        for ancestor in reversed(self.lineage(number)):
            revision = self.revisions[ancestor]
            if revision.action == FORGET:
                pictures -= set(revision.pictures)
            elif revision.action in actions:
                pictures |= set(revision.pictures)
        return sorted(pictures)

    def radius_holds(self, number: int) -> bool:
        """Return whether the coverage radius still bounds every patch of a revision's pictures.

        Proof of the answer. A patch was within the radius of a row that was there when
        its picture was learned: a row of a picture with a lower number, of its own, or, in the fit,
        of any picture of it. If no row of such a picture was removed, that row is still there.
        """
        dropped = self.drops[np.isin(self.drops[:, 0], self.lineage(number)), 1]
        dropped = dropped[~self.defects[dropped]]
        if not len(dropped):
            return True
        last_fitted = max(self.revisions[0].pictures)  # rows of the fit cover each other's patches
        first = max(int(self.origins[dropped, 0].min()), last_fitted)
        return first > max(*self.pictures(number), last_fitted)

    def limits_revision(self, number: int) -> int:
        """Return the number of the revision that set the limits of a revision."""
        return next(k for k in self.lineage(number) if self.revisions[k].limits is not None)

    def scope(self, number: int) -> Scope | None:
        """Return what is looked at in a revision; None where that was never changed."""
        changed = [k for k in self.lineage(number) if self.revisions[k].scope]
        if changed and (scopes := self.revisions[changed[0]].scope):
            return scopes[1]
        return next((one.scope[0] for one in self.revisions if one.scope), None)  # as fitted

    def limits_hold(self, number: int) -> bool:
        """Return whether no distance can be larger than it was when the limits were set.

        This holds while the bank has all its rows of that time, no defect was taught since, and
        nothing more is looked at, nor by stricter limits. If so, the guarantee on maps holds, and
        that on scores holds where they are not reweighted (`neighbors` 1); the weight of a score
        has no such proof.
        """
        return not self.breaking_revisions(number)

    def breaking_revisions(self, number: int) -> list[int]:
        """Return the revisions since the limits were set that may have raised a distance."""
        before, after = self.active(self.limits_revision(number)), self.active(number)
        rows = np.where(self.defects, after & ~before, before & ~after)
        mask = np.isin(self.drops[:, 0], self.lineage(number)) & rows[self.drops[:, 1]]
        changed = {*self.drops[mask, 0].tolist(), *self.born[rows & self.defects].tolist()}
        return sorted(changed | self._stricter(number))

    def _stricter(self, number: int) -> set[int]:
        """Return the revisions since the limits by whose regions distances may be larger."""
        limited = self.limits_revision(number)
        before, after = self.scope(limited), self.scope(number)
        if before is None or after is None or not may_raise(before, after):
            return set()
        lineage = self.lineage(number)
        return {k for k in lineage[: lineage.index(limited)] if self.revisions[k].scope}

    def add_revision(
        self,
        revision: Revision,
        rows: tuple[Array, Array] | None = None,
        dropped: Sequence[int] | Array = (),
        parent: int | None = None,
    ) -> "Journal":
        """Return the journal with one more revision, which becomes the one in use.

        Args:
            revision: without parent and sha256.
            rows: (k, d) float16 to add, and their (k, 3) float32 origins.
            dropped: numbers of rows to remove.
            parent: None for the revision in use.
        """
        number = len(self.revisions)
        revision = replace(revision, parent=self.head if parent is None else parent)
        drops = np.array([(number, row) for row in dropped], np.int32).reshape(-1, 2)
        journal = replace(
            self, drops=np.concatenate([self.drops, drops]), revisions=(*self.revisions, revision)
        )
        if rows and len(rows[0]):
            journal = replace(
                journal,
                bank=np.concatenate([self.bank, rows[0]]),
                origins=np.concatenate([self.origins, rows[1]]),
                born=np.concatenate([self.born, np.full(len(rows[0]), number, np.int32)]),
            )
        return journal.sign()

    def sign(self) -> "Journal":
        """Return the journal with the sha256 of its last revision."""
        last = replace(self.revisions[-1], sha256=self.digest(self.head))
        return replace(self, revisions=(*self.revisions[:-1], last))

    def digest(self, number: int) -> str:
        """Return the SHA-256 of a revision, its rows, and its parent's sha256."""
        revision = self.revisions[number]
        content = to_entry(replace(revision, sha256=""))
        parent_sha256 = self.revisions[revision.parent].sha256 if number else ""
        digest = sha256(json.dumps([parent_sha256, content], sort_keys=True).encode())
        low, high = np.searchsorted(self.born, [number, number + 1])
        drops = self.drops[self.drops[:, 0] == number]
        for array in (self.bank[low:high], self.origins[low:high], drops):
            digest.update(f"{array.dtype.str}{array.shape}".encode())
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()

    def check(self) -> None:
        """Make sure that every revision is what its sha256 says.

        Raises:
            ValueError: one is not; the message names it.
        """
        for number, revision in enumerate(self.revisions):
            if self.digest(number) != revision.sha256:
                raise ValueError(f"revision {number} must match its sha256; it does not")
