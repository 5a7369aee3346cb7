"""Estimators of scikit-learn (extra [rivals]), used to fit; scoring never needs them."""

from importlib.util import find_spec

from goldensample.errors import GoldenError
from goldensample.records import Array

MISSING = (
    "to fit this method there must be scikit-learn; it is not installed; pip install "
    '"goldensample[rivals]", or take another method'
)


def shrunk_covariance(vectors: Array) -> Array:
    """Return the (d, d) float64 covariance of (n, d) float64 vectors, shrunk towards a sphere.

    Raises:
        GoldenError: scikit-learn is not installed.

    Source: Ledoit and Wolf, A Well-Conditioned Estimator for Large-Dimensional Covariance
    Matrices, 2004.
    """
    _check_installed()
    from sklearn.covariance import ledoit_wolf

    covariance, _ = ledoit_wolf(vectors)
    return covariance


def support_vectors(vectors: Array, nu: float, gamma: float) -> tuple[Array, Array]:
    """Return the support vectors of a one-class SVM and their shares, both float64.

    Args:
        vectors: (n, d) float64.
        nu: in (0, 1].
        gamma: of the kernel exp(-gamma |a - b|^2).

    Returns:
        (m, d) support vectors, and (m,) coefficients divided by their sum.

    Raises:
        GoldenError: scikit-learn is not installed.

    Source: Schölkopf et al., Estimating the Support of a High-Dimensional Distribution, 2001.
    """
    _check_installed()
    from sklearn.svm import OneClassSVM

    model = OneClassSVM(nu=nu, gamma=gamma).fit(vectors)
    coefficients = model.dual_coef_[0]
    return model.support_vectors_, coefficients / coefficients.sum()


def _check_installed() -> None:
    if find_spec("sklearn") is None:
        raise GoldenError(MISSING)
