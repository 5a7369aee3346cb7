"""Labelled defects of a fit: for the methods that learn from them, and for nothing else."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from goldensample.backbones.network import Backbone
from goldensample.features.extraction import as_picture, batches, extract
from goldensample.features.store import InMemoryFeatureStore
from goldensample.methods.protocols import Detector, Method, WeaklySupervisedMethod
from goldensample.methods.registry import METHODS, method_name
from goldensample.preparation.preparation import Preparation
from goldensample.records import Array, Features, Notify, Picture, Pictures


@dataclass(frozen=True, slots=True)
class WithDefects:
    """A method that is fitted to good pictures and to the features of labelled defects."""

    method: WeaklySupervisedMethod
    defects: InMemoryFeatureStore

    def fit(self, features: Iterable[Features], notify: Notify) -> Detector:
        """Fit the method to good pictures, and to the defects."""
        return self.method.fit_with_defects(features, self.defects, notify)

    def restore(self, arrays: Mapping[str, Array]) -> Detector:
        """Rebuild the method's detector from its arrays."""
        return self.method.restore(arrays)


def with_defects(
    method: Method,
    defects: Pictures | Sequence[Array | Picture],
    images: Pictures | Sequence[Array | Picture],
    preparation: Preparation,
    backbone: Backbone,
) -> Method:
    """Return the method to be fitted: the same one where there are no defects.

    Args:
        method: with its settings.
        defects: labelled ones, prepared and seen by the network as the good pictures are.
        images: the good pictures.
        preparation, backbone: of the fit.

    Raises:
        ValueError: the method learns from no defects, or a defect is among the good pictures.

    Memory: the features of all defects, in half precision.
    """
    if not len(defects):
        return method
    supervised = check_learns_from_defects(method)
    _check_apart(defects, images)
    store = InMemoryFeatureStore()
    for numbers in batches(len(defects), preparation):
        batch = [as_picture(defects[number], number) for number in numbers]
        features, _ = extract(batch, preparation, backbone)
        store.put(replace(features, first=numbers.start))
    return WithDefects(supervised, store)


def check_learns_from_defects(method: Method) -> WeaklySupervisedMethod:
    """Return a method that learns from labelled defects, too; refuse any other."""
    if isinstance(method, WeaklySupervisedMethod):
        return method
    learners = [name for name, kind in METHODS.items() if hasattr(kind, "fit_with_defects")]
    raise ValueError(
        f"labelled defects must go with --method {' or '.join(learners)}, as all others learn from "
        f"good pictures alone; got {method_name(method)}; leave the defects out"
    )


def _check_apart(
    defects: Pictures | Sequence[Array | Picture], images: Pictures | Sequence[Array | Picture]
) -> None:
    """Refuse defects that are equal to a good picture, or were read with another grey range."""
    ranges = [getattr(one, "grey_range", None) for one in (defects, images)]
    if ranges[0] != ranges[1]:
        raise ValueError(
            f"labelled defects must be read with the grey range of the good pictures, {ranges[1]}; "
            f"got {ranges[0]}; give it to read_images"
        )
    good = dict(zip(getattr(images, "digests", ()), getattr(images, "names", ()), strict=False))
    pairs = zip(getattr(defects, "digests", ()), getattr(defects, "names", ()), strict=False)
    if both := [f"{name} is {good[digest]}" for digest, name in pairs if digest in good]:
        raise ValueError(
            f"labelled defects must not be among the good pictures; {', '.join(both[:3])}, pixel "
            "by pixel; remove them from one of the two"
        )
