"""Thumbnails of the good pictures that bank rows come from, stored in the file."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from goldensample.features.extraction import as_picture
from goldensample.fitting.fit import picture_name
from goldensample.images.codec import encode_jpeg, shrink
from goldensample.inspection.inspector import Inspector
from goldensample.methods.ensemble import Ensemble
from goldensample.methods.patchcore import PatchCore
from goldensample.methods.protocols import BankDetector, Method
from goldensample.methods.spade import SPADE
from goldensample.records import Array, Notify, Picture, Pictures, silent

LONGEST_PX = 256
BANK_METHODS = (PatchCore, SPADE, Ensemble)
"""The methods with a memory bank."""


def check_has_bank(method: Method) -> None:
    """Refuse a method without a bank, before long work.

    Raises:
        ValueError: it has none.
    """
    if not isinstance(method, BANK_METHODS):
        raise ValueError("thumbnails must be of pictures in a bank; the method has none; drop them")


def add_thumbnails(
    inspector: Inspector, images: Pictures | Sequence[Array | Picture], notify: Notify = silent
) -> Inspector:
    """Add a small JPEG of each picture that has rows in the bank.

    Everyone who has the file can then see these pictures.

    Args:
        inspector: fitted on these pictures, or on a part of them.
        images: the pictures of the fit.
        notify: called with ("thumbnails", pictures done, pictures).

    Raises:
        ValueError: the method has no bank, or a picture of the fit is not there.
    """
    detector = inspector.detector
    if not isinstance(detector, BankDetector):
        check_has_bank(inspector.method)
        raise AssertionError("a method with a bank has a detector with origins")
    indices = {picture_name(images, index): index for index in range(len(images))}
    numbers = np.unique(detector.origins[:, 0]).astype(int).tolist()
    pictures = list(inspector.pictures)
    for done, number in enumerate(numbers, start=1):
        name = pictures[number].name
        if name not in indices:
            raise ValueError(f"thumbnails must be made from the pictures of the fit; {name} is not")
        pixels = as_picture(images[indices[name]], indices[name]).pixels
        jpeg = encode_jpeg(shrink(pixels, LONGEST_PX))
        pictures[number] = replace(pictures[number], thumbnail=jpeg)
        notify("thumbnails", done, len(numbers))
    return replace(inspector, pictures=tuple(pictures))
