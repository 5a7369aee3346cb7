"""Draw benchmarks/results/scaling.json as docs/scaling.svg: `python benchmarks/scaling_plot.py`."""

import json
from math import log10
from pathlib import Path

HERE = Path(__file__).parent
WIDTH, HEIGHT, LEFT, TOP, GAP = 330, 220, 60, 40, 90
LOW, HIGH = 100, 20_000
COLOURS = {"exact": "#b3492f", "streaming": "#22577a"}


def panel(runs: list[dict], key: str, title: str, limits: tuple[float, float], left: int) -> str:
    """Return one panel: a quantity against the number of pictures, both axes logarithmic."""

    def to_pixels(pictures: float, value: float) -> tuple[float, float]:
        across = (log10(pictures) - log10(LOW)) / (log10(HIGH) - log10(LOW))
        up = (log10(value) - log10(limits[0])) / (log10(limits[1]) - log10(limits[0]))
        return left + across * WIDTH, TOP + (1 - up) * HEIGHT

    parts = [f'<text x="{left}" y="{TOP - 14}" class="title">{title}</text>']
    parts.append(f'<rect x="{left}" y="{TOP}" width="{WIDTH}" height="{HEIGHT}" class="frame"/>')
    for pictures in (100, 300, 1000, 3000, 20_000):
        x, _ = to_pixels(pictures, limits[0])
        parts.append(f'<text x="{x:.0f}" y="{TOP + HEIGHT + 18}" class="tick">{pictures:,}</text>')
    tick = limits[0]
    while tick <= limits[1]:
        _, y = to_pixels(LOW, tick)
        parts.append(f'<line x1="{left}" x2="{left + WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{left - 8}" y="{y + 4:.0f}" class="side">{tick:,g}</text>')
        tick *= 10
    for number, (kind, colour) in enumerate(COLOURS.items()):
        points = [to_pixels(r["pictures"], r[key]) for r in runs if r["greedy"] == kind]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        parts.append(f'<polyline points="{line}" stroke="{colour}"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>' for x, y in points]
        y = TOP + 20 + 18 * number
        parts.append(f'<text x="{left + 12}" y="{y}" fill="{colour}">{kind}</text>')
    return "\n".join(parts)


def main() -> None:
    """Write the figure."""
    runs = json.loads((HERE / "results/scaling.json").read_text())
    second_left = LEFT + WIDTH + GAP
    style = (
        "text{font:13px sans-serif}.title{font-weight:bold}.tick{text-anchor:middle}"
        ".side{text-anchor:end}.frame{fill:none;stroke:#999}line{stroke:#ddd}"
        "polyline{fill:none;stroke-width:2}"
    )
    (HERE.parent / "docs/scaling.svg").write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {second_left + WIDTH + 30} '
        f'{TOP + HEIGHT + 50}">\n<style>{style}</style>\n'
        '<rect width="100%" height="100%" fill="#fff"/>\n'
        + panel(runs, "cpu_seconds", "seconds of one core, 10,000 bank rows", (1, 10_000), LEFT)
        + "\n"
        + panel(runs, "peak_mb", "peak memory of the process, MB", (100, 10_000), second_left)
        + f'\n<text x="{LEFT}" y="{TOP + HEIGHT + 42}">pictures of 784 patches</text>\n</svg>\n'
    )


if __name__ == "__main__":
    main()
