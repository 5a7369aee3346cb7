"""What can be exported, and how large an exported model may be."""

from goldensample.inspection.inspector import Inspector
from goldensample.methods.patchcore import PatchCoreDetector
from goldensample.methods.registry import is_own
from goldensample.methods.trained.detector import TrainedDetector

LIMIT_BYTES = 2**31 - 2**24
"""The largest protobuf message, less a margin for the other parts of a graph."""


def check_size(inspector: Inspector) -> None:
    """Refuse an inspector that cannot be exported as one ONNX model.

    Raises:
        ValueError: its method or preparation is not supported, or its detector is too large.
    """
    _check_method(inspector)
    if inspector.preparation.view is not None:
        raise ValueError(
            "an export must look at whole pictures; this file leaves a part out (--ignore or "
            "--look-at of golden fit); inspect with the file itself, or fit it without"
        )
    if inspector.preparation.mode == "native":
        raise ValueError(
            "an export must see a picture as a whole; this file sees it in tiles (--tile of golden "
            "fit); inspect with the file itself, or fit it without"
        )
    if inspector.preparation.zones:
        raise ValueError(
            "an export must have one limit for whole pictures; this file has zones (--zones of "
            "golden fit); inspect with the file itself, or fit it without"
        )
    if inspector.preparation.reference is not None:
        raise ValueError(
            "an export must take pictures as they lie; this file aligns them (--align of golden "
            "fit); inspect with the file itself, or fit it without"
        )
    detector, capacity = inspector.detector, LIMIT_BYTES - len(inspector.backbone.network.graph)
    if isinstance(detector, PatchCoreDetector):
        rows, depth = detector.bank.shape
        row_bytes = 2 * depth + 12  # in half precision, and its origin
        max_rows = capacity // row_bytes
        if rows > max_rows:
            raise ValueError(
                f"the bank must have at most {max_rows:,} rows of depth {depth} to fit into an "
                f"ONNX model's 2 GB; it has {rows:,}; fit it with --coreset {max_rows}, or fewer"
            )
        return
    size = sum(array.nbytes for array in detector.arrays().values())
    if size > capacity:
        raise ValueError(
            f"what {inspector.method_name} fitted must take at most {capacity:,} bytes to fit into "
            f"an ONNX model's 2 GB; it takes {size:,}; fit it on smaller or fewer pictures"
        )


def _check_method(inspector: Inspector) -> None:
    """Refuse a method of somebody's own, and one that has trained a network of its own."""
    if is_own(inspector.method_name):
        raise ValueError(
            f"an export must be of one of golden's methods; got {inspector.method_name}; inspect "
            "with the file itself, by golden inspect --method"
        )
    if isinstance(inspector.detector, TrainedDetector):
        raise ValueError(
            f"an export must be of a method without training; got {inspector.method_name}; inspect "
            "with the file itself, by golden inspect or a station"
        )
