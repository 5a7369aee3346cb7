"""The methods by name."""

from goldensample.methods.cross_fitted import Crossed
from goldensample.methods.ensemble import Ensemble
from goldensample.methods.mahalanobis import Mahalanobis
from goldensample.methods.mean_map import MeanMap
from goldensample.methods.nearest import Nearest
from goldensample.methods.ocsvm import OCSVM
from goldensample.methods.padim import PaDiM
from goldensample.methods.patchcore import PatchCore
from goldensample.methods.protocols import Method
from goldensample.methods.spade import SPADE
from goldensample.methods.trained.ae_ssim import AutoencoderSSIM
from goldensample.methods.trained.cavga import CAVGA
from goldensample.methods.trained.differnet import DifferNet
from goldensample.methods.trained.dsebm import DSEBM
from goldensample.methods.trained.ganomaly import GANomaly
from goldensample.methods.trained.geotrans import GeoTrans
from goldensample.methods.trained.itae import ITAE
from goldensample.methods.trained.patch_svdd import PatchSVDD
from goldensample.methods.trained.students import Students
from goldensample.methods.trained.vae_grad import VAEGrad

METHODS: dict[str, type[Method]] = {
    "patchcore": PatchCore,
    "spade": SPADE,
    "padim": PaDiM,
    "mean_map": MeanMap,
    "mahalanobis": Mahalanobis,
    "ocsvm": OCSVM,
    "nearest": Nearest,
    "cavga": CAVGA,
    "differnet": DifferNet,
    "dsebm": DSEBM,
    "ganomaly": GANomaly,
    "ae_ssim": AutoencoderSSIM,
    "geotrans": GeoTrans,
    "itae": ITAE,
    "patch_svdd": PatchSVDD,
    "students": Students,
    "vae_grad": VAEGrad,
    "ensemble": Ensemble,
    "crossed": Crossed,
}
CHOICES = tuple(name for name in METHODS if name not in ("ensemble", "crossed"))
"""Methods selectable by name; others follow from several networks, or from the calibration."""


def method_name(method: Method) -> str:
    """Return a method's key in `METHODS`; of one's own, its module and class, "mine.py:Mine".

    Raises:
        ValueError: it derives from a method in `METHODS`, and would be taken for that.
    """
    kind = type(method)
    for name, known in METHODS.items():
        if kind is known:
            return name
        if isinstance(method, known):
            raise ValueError(
                f"a method of your own must not derive from {known.__name__}; {kind.__name__} "
                "does; make it a class of its own that has one"
            )
    return f"{kind.__module__}:{kind.__qualname__}"


def is_own(name: str) -> bool:
    """Return whether a method's name is that of one's own."""
    return ":" in name


def default_backbone(kind: type[Method]) -> str:
    """Return the name of the network that a method goes with where none is asked for."""
    return getattr(kind, "BACKBONE", "builtin")


def default_levels(kind: type[Method]) -> str | None:
    """Return the levels, such as "pixels,2,3", that a method takes where none are named.

    None leaves them to the network, see `open_backbone`.
    """
    return getattr(kind, "LEVELS", None)
