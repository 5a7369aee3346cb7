"""The virtual cameras that come with the package genicam."""

from importlib.util import find_spec
from pathlib import Path

import pytest


def virtual_producer() -> Path:
    """Return the file of the producer of three virtual cameras, with the serials 0, 1 and 2."""
    spec = find_spec("genicam")
    if spec is None or spec.origin is None or find_spec("harvesters") is None:
        pytest.skip("the extra [genicam] is not installed")
    path = Path(spec.origin).parent / "viky.cti"
    if not path.exists():
        pytest.skip("genicam has no virtual cameras on this system")
    return path
