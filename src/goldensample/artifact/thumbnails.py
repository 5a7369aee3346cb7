"""Small pictures of the good ones that the bank came from, kept in the file to be shown."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from goldensample.features.extraction import as_picture
from goldensample.fitting.fit import name_of
from goldensample.images.codec import encode_jpeg, shrink
from goldensample.inspection.inspector import Inspector
from goldensample.methods.ensemble import Ensemble
from goldensample.methods.patchcore import PatchCore
from goldensample.methods.protocols import BankDetector, Method
from goldensample.methods.spade import SPADE
from goldensample.records import Array, Notify, Picture, Pictures, silent

LONGEST_PX = 256
BANKS = (PatchCore, SPADE, Ensemble)
"""The methods that remember pictures."""


def check_banked(method: Method) -> None:
    """Refuse, before long work, a method that has no bank.

    Raises:
        ValueError: it has none.
    """
    if not isinstance(method, BANKS):
        raise ValueError("thumbnails must be of pictures in a bank; the method has none; drop them")


def with_thumbnails(
    inspector: Inspector, images: Pictures | Sequence[Array | Picture], notify: Notify = silent
) -> Inspector:
    """Keep a small JPEG of each picture that has rows in the bank.

    Whoever has the file can then see these pictures.

    Args:
        inspector: fitted on some of the pictures.
        images: the pictures of the fit.
        notify: told ("thumbnails", pictures done, pictures).

    Raises:
        ValueError: the method has no bank, or a picture of the fit is not there.
    """
    detector = inspector.detector
    if not isinstance(detector, BankDetector):
        check_banked(inspector.method)
        raise AssertionError("a method with a bank has a detector with origins")
    places = {name_of(images, index): index for index in range(len(images))}
    wanted = np.unique(detector.origins[:, 0]).astype(int).tolist()
    pictures = list(inspector.pictures)
    for done, number in enumerate(wanted, start=1):
        name = pictures[number].name
        if name not in places:
            raise ValueError(f"thumbnails must be made from the pictures of the fit; {name} is not")
        pixels = as_picture(images[places[name]], places[name]).pixels
        jpeg = encode_jpeg(shrink(pixels, LONGEST_PX))
        pictures[number] = replace(pictures[number], thumbnail=jpeg)
        notify("thumbnails", done, len(wanted))
    return replace(inspector, pictures=tuple(pictures))
