"""The paper as one HTML page, which opens from disk without a network."""

from collections.abc import Iterable
from importlib.resources import files

from goldensample.locales.language import gettext, language, tag
from goldensample.qualification.paper import Cell, Figure, Paper, Section, Shape, Table
from goldensample.report.words import escape, number

STYLE = """
.top, main { max-width: 1000px; } .panel { margin-bottom: 16px; } .answer { font-size: 1.02rem; }
.answer p:first-child { font-weight: 600; } table { font-size: 0.86rem; }
.chart { max-height: 420px; } .chart .band { fill: var(--accent); opacity: 0.18; stroke: none; }
.chart .data, .chart .missed { fill: var(--odd); } .chart .found { fill: var(--accent); }
.chart line.axis { stroke: var(--rule); } .chart .found, .chart .missed { stroke: none; }
.chart polyline { fill: none; } .chart polyline.limit { stroke: currentColor; stroke-width: 1;
stroke-dasharray: none; } .chart { max-width: 720px; } .chart text { font-size: 10px; }
.sign { border-top: 1px solid; margin: 44px 24px 0 0;
padding-top: 4px; width: 260px; display: inline-block; } td, th { text-align: left; }
@media print { .chart { max-height: 90mm; } }
.pictures td:first-child, .pictures td:last-child { overflow-wrap: anywhere; }
"""


def page(paper: Paper) -> bytes:
    """Return the page; UTF-8, the same for the same paper."""
    style = (files("goldensample.report") / "page.css").read_text(encoding="utf-8") + STYLE
    facts = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>"
        for name, value in paper.facts.items()
    )
    signs = "".join(f'<div class="sign">{escape(name)}</div>' for name in paper.signatures)
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    parts = [
        f'<!doctype html><html lang="{tag(language())}"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        f"<title>{escape(paper.title)}</title><style>{style}</style></head><body>",
        f'<header class="top"><h1>{escape(paper.title)}</h1>',
        f'<p class="promise">{escape(paper.limits)}</p><dl class="facts">{facts}</dl>{signs}',
        "</header><main>",
        *map(section_html, paper.sections),
        f'<section class="panel pictures"><h2>{escape(gettext("Pictures"))}</h2>',
        f"{_table(paper.pictures)}</section></main></body></html>\n",
    ]
    return "\n".join(parts).encode("utf-8", "backslashreplace")


def section_html(section: Section) -> str:
    """Return a section as HTML."""
    answer = "".join(f"<p>{escape(line)}</p>" for line in section.answer)
    about = (
        (gettext("It rests on:"), section.rests_on),
        (gettext("It does not show:"), section.shows_not),
    )
    notes = "".join(f'<p class="quiet">{escape(head)} {escape(text)}</p>' for head, text in about)
    tables, figures = map(_table, section.tables), map(_figure, section.figures)
    return (
        f'<section class="panel" id="{section.key}"><h2>{escape(section.title)}</h2>'
        f'<div class="answer">{answer}</div>{"".join(figures)}{"".join(tables)}{notes}</section>'
    )


def cells(row: Iterable[Cell]) -> list[str]:
    """Return the cells of a row as text."""
    return ["" if c is None else c if isinstance(c, str) else number(c) for c in row]


def _table(table: Table) -> str:
    heads = "".join(f"<th>{escape(name)}</th>" for name in table.headings)
    rows = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells(row)) + "</tr>"
        for row in table.rows
    )
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"


def _figure(figure: Figure) -> str:
    shapes = "".join(map(_shape, figure.shapes))
    return (
        f'<svg class="chart" viewBox="0 0 {figure.width:g} {figure.height:g}" role="img" '
        f'aria-label="{escape(figure.title)}">{shapes}</svg>'
    )


def _shape(shape: Shape) -> str:
    points = " ".join(f"{x:.2f},{y:.2f}" for x, y in shape.points)
    x, y = shape.points[0]
    if shape.kind == "dot":
        return f'<circle class="{shape.style}" cx="{x:.2f}" cy="{y:.2f}" r="3.5" opacity="0.45"/>'
    if shape.kind == "text":
        at = f'x="{x:.2f}" y="{y:.2f}" text-anchor="{shape.anchor}"'
        return f"<text {at}>{escape(shape.text)}</text>"
    if shape.kind == "area":
        faint = f' fill-opacity="{shape.share:.2f}"' if shape.share < 1 else ""
        return f'<polygon class="{shape.style}"{faint} points="{points}"/>'
    if len(shape.points) == 2:
        (x2, y2) = shape.points[1]
        ends = f'x1="{x:.2f}" y1="{y:.2f}" x2="{x2:.2f}" y2="{y2:.2f}"'
        return f'<line class="{shape.style}" {ends}/>'
    return f'<polyline class="{shape.style}" points="{points}"/>'
