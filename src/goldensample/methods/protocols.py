"""The interfaces of methods and of their fitted detectors."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Protocol, runtime_checkable

from goldensample.records import Array, Features, Notify, Scores


class Detector(Protocol):
    """A fitted method, which consists of arrays only."""

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

    def facts(self) -> dict[str, float]:
        """Return sizes of the fitted model by name, and bounds where the method has any."""
        ...


@runtime_checkable
class BankDetector(Detector, Protocol):
    """A detector that compares with patches of good pictures, and so can show the nearest ones."""

    @property
    def origins(self) -> Array:
        """(m, 3) float32: each row's picture index, and its centre as shares of the canvas."""
        ...


class Method(Protocol):
    """The settings of a method not yet fitted: a dataclass, each field a knob."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    def fit(self, features: Iterable[Features], notify: Notify) -> Detector: ...

    def restore(self, arrays: Mapping[str, Array]) -> Detector: ...


@runtime_checkable
class WeaklySupervisedMethod(Method, Protocol):
    """A method that can learn from labelled defects, too, without being told where they are."""

    def fit_with_defects(
        self, features: Iterable[Features], defects: Iterable[Features], notify: Notify
    ) -> Detector:
        """Fit to good pictures as `fit` does, and to defects, at least one."""
        ...
