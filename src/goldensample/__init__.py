"""Golden Sample: visual inspection that learns from good pictures alone.

import goldensample as golden

inspector = golden.fit(golden.read_images("good/"))
golden.save(inspector, "part.golden")
inspection = golden.load("part.golden").inspect(image)  # (H, W, 3) uint8 RGB
inspection.score, inspection.verdict, inspection.heat_map, inspection.regions
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from goldensample._version import __version__ as __version__

if TYPE_CHECKING:
    from goldensample.artifact.store import load as load
    from goldensample.artifact.store import save as save
    from goldensample.errors import ArtifactError as ArtifactError
    from goldensample.errors import GoldenError as GoldenError
    from goldensample.errors import ImageError as ImageError
    from goldensample.errors import WeightsError as WeightsError
    from goldensample.evaluation.evaluate import Evaluation as Evaluation
    from goldensample.graphs.open_backbone import open_backbone as open_backbone
    from goldensample.images.folder import read_images as read_images
    from goldensample.inspection.inspector import Inspector as Inspector
    from goldensample.library.change import learn as learn
    from goldensample.library.change import set_thresholds as set_thresholds
    from goldensample.library.change import thresholds as thresholds
    from goldensample.library.fit import audit as audit
    from goldensample.library.fit import evaluate as evaluate
    from goldensample.library.fit import fit as fit
    from goldensample.library.write import export_model as export_model
    from goldensample.library.write import write_report as write_report
    from goldensample.methods.patchcore import PatchCore as PatchCore
    from goldensample.preparation.preparation import Preparation as Preparation
    from goldensample.records import Inspection as Inspection

_MODULES = {
    "ArtifactError": "errors",
    "Evaluation": "evaluation.evaluate",
    "GoldenError": "errors",
    "ImageError": "errors",
    "Inspection": "records",
    "Inspector": "inspection.inspector",
    "PatchCore": "methods.patchcore",
    "Preparation": "preparation.preparation",
    "WeightsError": "errors",
    "audit": "library.fit",
    "evaluate": "library.fit",
    "export_model": "library.write",
    "fit": "library.fit",
    "learn": "library.change",
    "load": "artifact.store",
    "open_backbone": "graphs.open_backbone",
    "read_images": "images.folder",
    "write_report": "library.write",
    "save": "artifact.store",
    "set_thresholds": "library.change",
    "thresholds": "library.change",
}

__all__ = [*_MODULES]


def __getattr__(name: str) -> Any:
    """Import submodules lazily, on first access, so that importing the package is fast."""
    if name not in _MODULES:
        raise AttributeError(f"module 'goldensample' has no attribute {name!r}")
    return getattr(import_module(f"goldensample.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
