"""Draw docs/architecture.svg and the table of wings in docs/architecture.md, from the imports."""

import ast
import re
import sys
from functools import cache
from html import escape
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "tests"))

from test_layers import ROOT, WINGS, arrows, modules  # noqa: E402

BEGIN, END = "<!-- wings: made by `make docs` -->\n", "<!-- end of wings -->\n"
BOX_W, BOX_H, GAP_X, GAP_Y, MARGIN = 108, 32, 34, 40, 16
GROUND = ("errors", "records", "arrays", "runners", "_version")
"""Imported by nearly all: left out of the arrows."""


def wing_arrows() -> dict[str, set[str]]:
    """Return which wings each wing imports, those of the ground left out."""
    found: dict[str, set[str]] = {wing: set() for wing in WINGS if wing not in GROUND}
    for name, targets in arrows(modules(ROOT)).items():
        wing = name.split(".")[0]
        if wing in found:
            found[wing] |= {target.split(".")[0] for target in targets} - {wing, *GROUND}
    return found


def reduced(graph: dict[str, set[str]]) -> dict[str, set[str]]:
    """Return a graph without the arrows that a longer way makes superfluous."""

    @cache
    def below(wing: str) -> frozenset[str]:
        return frozenset(graph[wing]).union(*(below(one) for one in graph[wing]))

    return {
        wing: {one for one in targets if not any(one in below(other) for other in targets)}
        for wing, targets in graph.items()
    }


def heights(graph: dict[str, set[str]]) -> dict[str, int]:
    """Return how many wings lie below each on the longest way down."""

    @cache
    def height(wing: str) -> int:
        return max((height(one) + 1 for one in graph[wing]), default=0)

    return {wing: height(wing) for wing in graph}


def picture(graph: dict[str, set[str]]) -> str:
    """Return the wings as boxes, each above all that it imports, with the arrows that say so."""
    level = heights(graph)
    top = max(level.values())
    rows = [[wing for wing in WINGS if level.get(wing) == k] for k in range(top + 1)]
    width = max(map(len, rows)) * (BOX_W + GAP_X) - GAP_X + 2 * MARGIN
    height = len(rows) * (BOX_H + GAP_Y) - GAP_Y + 2 * MARGIN
    at: dict[str, tuple[float, float]] = {}
    for number, row in enumerate(rows):
        row.sort(key=lambda wing: _middle([at[one][0] for one in graph[wing]], width))
        left = (width - len(row) * (BOX_W + GAP_X) + GAP_X) / 2
        y = height - MARGIN - BOX_H - number * (BOX_H + GAP_Y)
        at |= {wing: (left + k * (BOX_W + GAP_X), y) for k, wing in enumerate(row)}
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" font-family="sans-serif" font-size="13">',
        "<title>The wings of goldensample; each arrow points to what is imported</title>",
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" '
        'markerHeight="7" orient="auto"><path d="M0 0 8 4 0 8z" fill="#59636e"/></marker></defs>',
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
    ]
    for wing, targets in reduced(graph).items():
        for target in sorted(targets):
            (x, y), (u, v) = at[wing], at[target]
            x, u, y = x + BOX_W / 2, u + BOX_W / 2, y + BOX_H
            bend = (v - y) / 2
            lines.append(
                f'<path d="M{x:.0f} {y:.0f}C{x:.0f} {y + bend:.0f} {u:.0f} {v - bend:.0f} '
                f'{u:.0f} {v:.0f}" fill="none" stroke="#59636e" marker-end="url(#tip)"/>'
            )
    for wing, (x, y) in at.items():
        lines.append(
            f'<rect x="{x:.0f}" y="{y:.0f}" width="{BOX_W}" height="{BOX_H}" rx="5" '
            f'fill="#f4f1e6" stroke="#8a6d00"/><text x="{x + BOX_W / 2:.0f}" '
            f'y="{y + BOX_H / 2 + 5:.0f}" text-anchor="middle">{escape(wing)}</text>'
        )
    return "\n".join([*lines, "</svg>\n"])


def _middle(values: list[float], width: float) -> float:
    """Return where a box's targets lie on the whole, so that few arrows cross."""
    return sum(values) / len(values) if values else width / 2


def table() -> str:
    """Return the order of wings with what each is for."""
    lines = ["| | wing | what it is for |", "|---|---|---|"]
    for number, wing in enumerate(WINGS, 1):
        folder, file = ROOT / wing, ROOT / f"{wing}.py"
        source = folder / "__init__.py" if folder.is_dir() else file
        text = ast.get_docstring(ast.parse(source.read_text(encoding="utf-8"))) or "The version."
        link = f"[{wing}](../src/goldensample/{wing}{'' if folder.is_dir() else '.py'})"
        lines.append(f"| {number} | {link} | {text.splitlines()[0]} |")
    return "\n".join(lines) + "\n"


def line_of(file: str, name: str) -> int:
    """Return the line of a file on which a function or class of a name begins."""
    text = (ROOT / file).read_text(encoding="utf-8")
    nodes = (node for node in ast.walk(ast.parse(text)) if getattr(node, "name", "") == name)
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return next(node.lineno for node in nodes if isinstance(node, kinds))


def page(text: str) -> str:
    """Return the page with today's table, and today's line in each link to a function."""
    before, rest = text.split(BEGIN)
    filled = f"{before}{BEGIN}{table()}{END}{rest.split(END)[1]}"
    return re.sub(
        r"\[([\w/]+\.py): (\w+)\]\([^)]*\)",
        lambda m: f"[{m[1]}: {m[2]}](../src/goldensample/{m[1]}#L{line_of(m[1], m[2])})",
        filled,
    )


if __name__ == "__main__":
    (HERE / "architecture.svg").write_text(picture(wing_arrows()), encoding="utf-8")
    path = HERE / "architecture.md"
    path.write_text(page(path.read_text(encoding="utf-8")), encoding="utf-8")
