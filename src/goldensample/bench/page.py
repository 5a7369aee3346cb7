"""Write the views of suites, and the page that joins all of them."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from goldensample.bench import mistakes, plots
from goldensample.bench.board import Board
from goldensample.bench.claims import verdicts
from goldensample.bench.suites import Suite
from goldensample.bench.tables import Table, tables
from goldensample.storage.atomic import write_atomic


def write_views(suite: Suite, board: Board, output: Path) -> list[Table]:
    """Write a suite's tables and figures below `output`; return the tables."""
    made = tables(suite, board)
    for number, table in enumerate(made, 1):
        name = suite.name if len(made) == 1 else f"{suite.name}-{number}"
        write_atomic(output / "tables" / f"{name}.csv", table.csv().encode())
    if made:
        write_atomic(output / "tables" / f"{suite.name}.md", section(suite, board).encode())
    if suite.view == "curve" and plots.can_draw():
        for ending, data in plots.draw(suite, board).items():
            write_atomic(output / "figures" / f"{suite.name}.{ending}", data)
    if suite.view == "mistakes" and (found := mistakes.page(suite, board, output)):
        write_atomic(output / f"{suite.name}.html", found)
    return made


def section(suite: Suite, board: Board) -> str:
    """Return a suite's tables and claims in Markdown."""
    parts = [f"## {suite.title}\n"]
    if board.networks.backbone:
        parts.append(_replaced(board))
    parts += [table.markdown() for table in tables(suite, board)]
    parts += [f"- {line}\n" for line in verdicts(suite, board)]
    return "\n".join(parts)


def _replaced(board: Board) -> str:
    return (
        f"Network: `{board.networks.name}` in place of the paper's Wide ResNet-50; the "
        "paper's numbers are of its own networks and all its categories.\n"
    )


def write_page(suites: Sequence[Suite], board: Board, output: Path) -> Path:
    """Write `README.md`: every suite of which something has been run, and what they rest on."""
    shown = [suite for suite in suites if _has_results(suite, board)]
    parts = ["# Results of `golden bench`\n", *_facts(board)]
    claims = [line for suite in shown for line in verdicts(suite, board)]
    if claims:
        parts.append("## Does the order of the paper hold?\n")
        parts.append("\n".join(f"- {line}" for line in claims) + "\n")
    for suite in shown:
        if suite.view == "mistakes":
            parts.append(f"## {suite.title}\n\n{_MISTAKES.format(suite.name)}\n")
            continue
        parts.append(section(suite, board))
        if (output / "figures" / f"{suite.name}.svg").is_file():
            parts.append(f"![{suite.title}](figures/{suite.name}.svg)\n")
    path = output / "README.md"
    write_atomic(path, "\n".join(parts).encode())
    return path


_MISTAKES = (
    "Written to `{}.html`; it holds pictures of the data sets, whose licences forbid to publish "
    "it with these results."
)


def _has_results(suite: Suite, board: Board) -> bool:
    return any(
        not isinstance(board.raw(entry, category), str)
        for panel, _, entry in suite.entries()
        for category in board.of(panel)
    )


def _facts(board: Board) -> list[str]:
    """Return what the results rest on."""
    data = [
        f"{c.data_set}/{c.name} ({c.train} good to fit on, {c.test} to test)"
        for c in board.categories
    ]
    raw = list(board.results.values())
    machines = _all(f"{r['machine']['processor']}, {r['machine']['cores']} cores" for r in raw)
    libraries = _all(" ".join(f"{n} {v}" for n, v in r["versions"].items()) for r in raw)
    seeds = sorted({r["specification"]["seed"] for r in raw})
    facts = {
        "network": f"{board.networks.name}" + ("" if board.networks.backbone else " (the paper's)"),
        "data": "; ".join(data) or "none",
        "results": f"{len(raw)} runs in `raw/`, each with every picture's score",
        "machine": "; ".join(machines),
        "versions": "; ".join(libraries),
        "seeds": ", ".join(map(str, seeds)),
    }
    lines = [f"- {name}: {value}" for name, value in facts.items()]
    words = (
        "\nNothing is held out of the fits. Pictures are stretched to a square and cropped at the "
        "centre as the suite says; pixel figures are taken on the crop. A mean over fewer "
        "categories than the paper's is not its mean: the column beside it has the paper's mean "
        "over the same categories where the paper tells them.\n"
    )
    return ["\n".join(lines), words]


def _all(texts: Iterable[str]) -> list[str]:
    return sorted(set(texts))
