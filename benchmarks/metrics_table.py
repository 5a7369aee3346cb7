"""The section of docs/results.md on pixel figures beside other people's code."""

from typing import Any

CODES = ("ours", "adeval", "MVTec's code in adeval", "anomalib")
FIGURES = ("AUROC", "AP", "best F1", "PRO to 30 %", "PRO to 5 %", "sPRO to 5 %")
WHY = """
Differences from the exact value, which comes from sorting all pixels; in brackets the bound that
we print (`pixel_error`): it holds in every row. It cannot know whether equal bins hold equal
scores, so it is wide where all do.

- **adeval** takes 1,000 equally wide strips from the lowest to the highest score, so one pixel
  far above the others leaves them a strip or two; its AP is the area of trapezoids, which is more
  than the mean precision where scores are equal. Its PRO ends at 30 %. It needs a NumPy before
  2.4.
- **MVTec's code** as adeval ships it looks at 100 thresholds, of which five lie below a false
  positive rate of 5 %.
- **anomalib**'s AUROC and AP (torchmetrics) put scores through a sigmoid unless all lie from 0 to
  1: far from 0 all become 1. Within anomalib maps are normalised before. Its AUPRO and F1 are
  exact, as float32 allows.
- **A map that is the same everywhere** has one threshold: AUROC 0.5, AP the share of defect
  pixels, PRO half its limit.
- **Defect pictures with an empty mask** count as pixels that are good, as everywhere here.
- **No defect at all**: we refuse ("both good and defect pixels must occur"); anomalib says 0.
- sPRO beside published code was not measured: no package registry had MVTec LOCO's own. A slow
  reference in `tests/test_saturation.py` takes threshold by threshold and channel by channel, as
  the paper has it.
"""


def section(report: dict[str, Any]) -> list[str]:
    """Return the lines of the section."""
    versions = ", ".join(f"{name} {number}" for name, number in report["versions"].items())
    lines = [
        "\n## Pixel figures beside adeval and anomalib\n",
        f"The same made maps (`make bench-metrics`): {versions}.\n",
        f"| maps | figure | exact | {' | '.join(CODES)} |",
        f"|---|---|---|{'---|' * len(CODES)}",
    ]
    for case, found in report["cases"].items():
        for figure in FIGURES:
            value = found["exact"].get(figure)
            cells = [_cell(found[code].get(figure), value) for code in CODES]
            exact = "none" if value is None else f"{value:.6f}"
            lines.append(f"| {case} | {figure} | {exact} | {' | '.join(cells)} |")
    return [*lines, WHY.rstrip()]


def _cell(found: Any, exact: float | None) -> str:
    """Return a difference, with its bound where there is one, or what was said instead."""
    if found is None:
        return "–"
    if isinstance(found, str):
        return found.split(":")[0] if "Error" in found else "refused" if exact is None else found
    value, bound = found if isinstance(found, list) else (found, None)
    if exact is None:
        return f"says {abs(value):g}"
    difference = value - exact
    text = "0" if abs(difference) < 1e-9 else f"{difference:+.1e}"
    return text if bound is None else f"{text} ({bound:.0e})"
