"""Texts for progress: stages of work, and durations."""

READING, LEARNING, CHECKING = "reading", "learning", "checking"
STAGES = {
    **dict.fromkeys(("check", "features"), READING),
    **dict.fromkeys(("training", "patches", "pooling", "coreset", "coverage", "usual"), LEARNING),
    **dict.fromkeys(("composition", "folds", "learn", "denoise", "thumbnails"), LEARNING),
    **dict.fromkeys(("threshold", "precision", "parity", "audit", "inspect"), CHECKING),
    "products": "products",
    "backup": "copying files",
    "restore": "restoring files",
    "soak": "inspecting over and over",
}
"""What is said of each stage of a work: of fits and inspections, one of three words."""
LEAST_SHARE = 0.1
"""Of a step, done before a time left is told: before, it would be a guess."""


def time_left(elapsed_s: float, done: int, total: int) -> str:
    """Return ", about 40 s left of this step"; "" while less than `LEAST_SHARE` is done."""
    if done < LEAST_SHARE * total or not done:
        return ""
    return f", about {duration(elapsed_s * (total - done) / done)} left of this step"


def duration(seconds: float) -> str:
    """Return a duration as a short text: "40 s", "12 min", "3.5 h"."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
