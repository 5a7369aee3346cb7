"""Texts for progress: stages of work, and durations."""

from collections import deque

from goldensample.locales.language import gettext, mark

READING, LEARNING, CHECKING = mark("reading"), mark("learning"), mark("checking")
STAGES = {
    **dict.fromkeys(("check", "align", "copies", "features"), READING),
    **dict.fromkeys(("training", "patches", "pooling", "coreset", "coverage", "usual"), LEARNING),
    **dict.fromkeys(("composition", "folds", "learn", "denoise", "thumbnails"), LEARNING),
    **dict.fromkeys(("threshold", "precision", "parity", "audit", "inspect"), CHECKING),
    "products": mark("products"),
    "backup": mark("copying files"),
    "restore": mark("restoring files"),
    "soak": mark("inspecting over and over"),
}
"""What is said of each stage of a work: of fits and inspections, one of three words."""
LEAST_SHARE = 0.1
"""Of a step, done before a time left is told: before, it would be a guess."""


class Pace:
    """How fast a step goes on, by the later half of what is done.

    What comes before its first piece, like a network that is compiled, is paid once and says
    nothing of the rest; and some steps get faster or slower as they go. Only of a few long pieces
    the first counts, too.

    Args:
        begin_s: when the step began, by the clock of `time_left`.

    Example:
        >>> pace = Pace(0.0)
        >>> [pace.time_left(now_s, done, 10) for now_s, done in ((60.0, 2), (61.0, 4))]
        ['', ', about 3 s left of this step']
    """

    def __init__(self, begin_s: float) -> None:
        self._begin_s = begin_s
        self._past: deque[tuple[float, int]] = deque()

    def time_left(self, now_s: float, done: int, total: int) -> str:
        """Return ", about 40 s left of this step"; "" while less than `LEAST_SHARE` is done.

        Args:
            now_s: of a clock that never goes back, in seconds.
            done: pieces of the step that are done.
            total: all its pieces.
        """
        if not self._past and LEAST_SHARE * total <= 1:
            self._past.append((self._begin_s, 0))
        if done:
            self._past.append((now_s, done))
        while len(self._past) > 1 and self._past[1][1] <= done / 2:
            self._past.popleft()
        since_s, since = self._past[0] if self._past else (now_s, done)
        if done <= since or done < LEAST_SHARE * total:
            return ""
        left_s = (now_s - since_s) * (total - done) / (done - since)
        return gettext(", about %(time)s left of this step") % {"time": duration(left_s)}


def duration(seconds: float) -> str:
    """Return a duration as a short text: "40 s", "12 min", "3.5 h"."""
    if seconds < 100:
        return gettext("%(count)s s") % {"count": f"{seconds:.0f}"}
    if seconds < 6000:
        return gettext("%(count)s min") % {"count": f"{seconds / 60:.0f}"}
    return gettext("%(count)s h") % {"count": f"{seconds / 3600:.1f}"}
