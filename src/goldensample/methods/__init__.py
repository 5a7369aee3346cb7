"""The methods, each by its paper, and what all of them promise."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Protocol

from goldensample.methods.patchcore import PatchCore
from goldensample.records import Array, Features, Notify, Scores


class Detector(Protocol):
    """A fitted method: arrays only."""

    @property
    def sigma_px(self) -> float:
        """Blur of the heat map in pixels of the canvas."""
        ...

    def score(self, features: Features) -> Scores:
        """Score pictures; each scores as it would alone."""
        ...

    def arrays(self) -> dict[str, Array]:
        """Return what `Method.restore` needs to rebuild an equal detector."""
        ...

    def origin(self, row: int) -> tuple[int, float, float]:
        """Return where a bank row came from: picture index, and centre as shares of the canvas."""
        ...


class Method(Protocol):
    """The settings of a method not yet fitted: a dataclass, each field a knob."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    def fit(self, features: Iterable[Features], notify: Notify) -> Detector: ...

    def restore(self, arrays: Mapping[str, Array]) -> Detector: ...


METHODS: dict[str, type[PatchCore]] = {"patchcore": PatchCore}
