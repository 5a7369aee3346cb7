"""Texts for progress: stages of work, and durations."""

STAGES = {
    "check": "checking pictures",
    "features": "computing features",
    "training": "training the network",
    "patches": "projecting patches",
    "pooling": "averaging features",
    "coreset": "choosing the bank",
    "coverage": "measuring the bank's radius",
    "usual": "comparing each with the others",
    "composition": "comparing what each picture is made of",
    "folds": "fitting without each fold of the pictures",
    "threshold": "setting the threshold",
    "precision": "proving the precision on pasted defects",
    "inspect": "inspecting",
    "learn": "learning",
    "parity": "comparing with the inspector",
    "denoise": "looking for odd patches",
    "audit": "scoring each against the others",
    "thumbnails": "keeping small pictures",
    "products": "fitting products",
    "backup": "copying files",
    "restore": "restoring files",
    "soak": "inspecting over and over",
}


def duration(seconds: float) -> str:
    """Return a duration as a short text: "40 s", "12 min", "3.5 h"."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
