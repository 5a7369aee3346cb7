"""Draw docs/how-to/controller-timing.svg: the signals of two parts, the second one late."""

from pathlib import Path

FILE = Path(__file__).parent / "how-to/controller-timing.svg"
LEFT, STEP, ROW, HIGH, END = 190, 44, 46, 22, 16
SIGNALS = {
    "trigger (coil 0)": [(1, 4), (9, 12)],
    "ready (bit 0)": [(0, 1), (6, 9), (14, 16)],
    "busy (bit 1)": [(1, 4), (9, 15)],
    "picture taken": [(1.6, 2.2), (9.6, 10.2)],
    "verdict": [(4, 12), (12, 16)],
    "new (bit 2)": [(4, 6), (12, 14)],
    "acknowledge (register 99)": [(5.6, 16)],
    "heartbeat": [(0, 2), (4, 6), (8, 10), (12, 14)],
}
"""When each signal is on, in steps."""
WORDS = {"verdict": [(4.2, "17: good"), (12.2, "18: error, late")]}
WORDS["acknowledge (register 99)"] = [(5.8, "17"), (14.2, "18")]
MARKS = {1: "A", 4: "B", 6: "C", 9: "D", 12: "E", 14: "F", 15: "G"}


def levels(spans: list[tuple[float, float]], top: int) -> str:
    """Return the line of a signal that is on in some spans, as SVG path data."""
    points, low = [(0.0, top + HIGH)], top + HIGH
    for start, end in spans:
        points += [(start, low), (start, top), (end, top), (end, low)]
    points.append((END, points[-1][1]))
    return "M" + " L".join(f"{LEFT + STEP * at:g} {level}" for at, level in points)


def draw() -> str:
    """Return the diagram."""
    height = ROW * len(SIGNALS) + 56
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LEFT + STEP * END + 20} {height}" '
        'font-family="sans-serif" font-size="13" role="img" aria-labelledby="what">',
        '<title id="what">Signals of two parts: one in time, one late</title>',
        "<style>rect{fill:#fff}path{fill:none;stroke:#1a4a8a;stroke-width:2}"
        "line{stroke:#999;stroke-dasharray:3 4}</style>",
        '<rect width="100%" height="100%"/>',
    ]
    for at, mark in MARKS.items():
        x = LEFT + STEP * at
        parts.append(f'<line x1="{x}" y1="24" x2="{x}" y2="{height - 20}"/>')
        parts.append(f'<text x="{x}" y="18" text-anchor="middle" font-weight="bold">{mark}</text>')
    for row, (name, spans) in enumerate(SIGNALS.items()):
        top = 36 + ROW * row
        parts.append(f'<text x="8" y="{top + 17}">{name}</text>')
        parts.append(f'<path d="{levels(spans, top)}"/>')
        for at, words in WORDS.get(name, []):
            parts.append(f'<text x="{LEFT + STEP * at}" y="{top + 16}">{words}</text>')
    return "\n".join([*parts, "</svg>\n"])


if __name__ == "__main__":
    FILE.write_text(draw(), encoding="utf-8")
