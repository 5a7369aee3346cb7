"""How large an exported model may be."""

from goldensample.inspection.inspector import Inspector
from goldensample.methods.patchcore import PatchCoreDetector

LIMIT_BYTES = 2**31 - 2**24
"""What protobuf can hold, less what the rest of a graph may take."""


def check_size(inspector: Inspector) -> None:
    """Refuse what would not fit into one ONNX model.

    Raises:
        ValueError: it would not.
    """
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
    detector, room = inspector.detector, LIMIT_BYTES - len(inspector.backbone.network.graph)
    if isinstance(detector, PatchCoreDetector):
        rows, depth = detector.bank.shape
        a_row = 2 * depth + 12  # in half precision, and its reason
        most = room // a_row
        if rows > most:
            raise ValueError(
                f"the bank must have at most {most:,} rows of depth {depth} to fit into an ONNX "
                f"model's 2 GB; it has {rows:,}; fit it with --coreset {most}, or fewer"
            )
        return
    size = sum(array.nbytes for array in detector.arrays().values())
    if size > room:
        raise ValueError(
            f"what {inspector.method_name} fitted must take at most {room:,} bytes to fit into an "
            f"ONNX model's 2 GB; it takes {size:,}; fit it on smaller or fewer pictures"
        )
