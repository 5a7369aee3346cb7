"""The critical-difference figure: mean ranks of methods, and bars over those not told apart."""

import io
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path

from goldensample.bench.plots import INSTALL, RC_PARAMS, can_draw
from goldensample.errors import GoldenError
from goldensample.evaluation.comparison import Ranking
from goldensample.storage.atomic import check_writable

ENDINGS = (".svg", ".pdf", ".png")
WIDTH_IN, ROW_IN = 5.2, 0.2


def check_figure(path: Path, methods: int, categories: int) -> None:
    """Make sure, before the work, that a figure can be drawn and written.

    Raises:
        ValueError: the ending is another, or there are too few methods or categories.
        GoldenError: matplotlib is not installed, or the path cannot be written.
    """
    if path.suffix not in ENDINGS:
        raise ValueError(f"a figure must end in {', '.join(ENDINGS)}; got {path.name}")
    if methods < 3 or categories < 2:
        raise ValueError(
            "a figure of ranks must have three methods or more on two categories or more; there "
            f"are {methods} on {categories}; leave out --output, or name more results"
        )
    if not can_draw():
        raise GoldenError(INSTALL)
    check_writable(path)


def short_names(texts: Sequence[str]) -> list[str]:
    """Return what tells patterns of files apart: the parts between dots that differ.

    Example: "raw/d.*.padim.*" and "raw/d.*.spade.*" are "padim" and "spade".
    """
    names = [Path(text).name for text in texts]
    columns = zip_longest(*(name.split(".") for name in names), fillvalue="")
    differing = [column for column in columns if len(set(column)) > 1]
    short = [".".join(filter(None, parts)) for parts in zip(*differing, strict=True)]
    return short if len(set(short)) == len(names) and all(short) else names


def alike(ranks: Sequence[float], critical: float) -> list[tuple[float, float]]:
    """Return the widest spans of ranks within the critical difference: at least two methods each.

    Example: of the ranks 1, 1.5, 2.2 and 4 with 1 they are (1, 1.5) and (1.5, 2.2).
    """
    ordered, spans = sorted(ranks), list[tuple[float, float]]()
    for k, low in enumerate(ordered):
        high = max(rank for rank in ordered[k:] if rank - low < critical)
        wider = [span for span in spans if span[1] >= high]
        if sum(low <= rank <= high for rank in ordered) > 1 and not wider:
            spans.append((low, high))
    return spans


def draw_ranks(names: Sequence[str], ranking: Ranking, ending: str) -> bytes:
    """Draw mean ranks on an axis, the best to the left, as Demšar does.

    Args:
        names: of the methods.
        ending: "svg", "pdf" or "png".

    Returns:
        The file's bytes, which depend on the values alone.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    methods = sorted(zip(ranking.ranks, names, strict=True))
    spans = alike(ranking.ranks, ranking.critical)
    rows = len(spans) + len(methods) + 2
    with rc_context(RC_PARAMS):
        figure = Figure(figsize=(WIDTH_IN, ROW_IN * rows + 0.5))
        axes = figure.add_axes((0.05, 0.02, 0.55, 0.8))
        axes.set_xlim(0.8, len(methods) + 0.2)
        axes.set_ylim(rows, 0)
        axes.set_xticks(range(1, len(methods) + 1))
        axes.xaxis.tick_top()
        axes.xaxis.set_label_position("top")
        axes.set_xlabel("mean rank (1 is the best)")
        axes.spines["bottom"].set_visible(False)
        axes.spines["left"].set_visible(False)
        axes.spines["top"].set_visible(True)
        axes.set_yticks([])
        axes.plot(
            (1, 1 + ranking.critical), (0.7, 0.7), color="0.4", lw=1, marker="|", clip_on=False
        )
        within = f"not told apart within {ranking.critical:.2f}"
        on_white = {"facecolor": "white", "edgecolor": "none", "pad": 1}
        axes.text(1, 1.35, within, fontsize=7, color="0.4", bbox=on_white)
        for row, (low, high) in enumerate(spans):
            axes.plot((low - 0.03, high + 0.03), (row + 2, row + 2), color="black", lw=3)
        for row, (rank, name) in enumerate(methods):
            down = row + len(spans) + 2.2
            axes.plot((rank, rank, len(methods) + 0.2), (0, down, down), color="black", lw=0.6)
            axes.text(len(methods) + 0.25, down, f"{name}  {rank:.2f}", va="center", fontsize=8)
        metadata = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(ending)
        figure.savefig(file := io.BytesIO(), format=ending, metadata=metadata)
    return file.getvalue()
