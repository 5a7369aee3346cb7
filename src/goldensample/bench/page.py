"""Write tables and figures of suites, and the summary page of all suites."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from goldensample.bench import mistakes, plots
from goldensample.bench.board import ResultsTable
from goldensample.bench.claims import check_claims
from goldensample.bench.suites import Suite
from goldensample.bench.tables import Table, tables
from goldensample.storage.atomic import write_atomic


def write_views(suite: Suite, results: ResultsTable, output: Path) -> list[Table]:
    """Write a suite's tables and figures below `output`; return the tables."""
    suite_tables = tables(suite, results)
    for number, table in enumerate(suite_tables, 1):
        name = suite.name if len(suite_tables) == 1 else f"{suite.name}-{number}"
        write_atomic(output / "tables" / f"{name}.csv", table.csv().encode())
    if suite_tables:
        write_atomic(output / "tables" / f"{suite.name}.md", section(suite, results).encode())
    if suite.view == "curve" and plots.can_draw():
        for suffix, data in plots.draw(suite, results).items():
            write_atomic(output / "figures" / f"{suite.name}.{suffix}", data)
    if suite.view == "mistakes" and (html := mistakes.page(suite, results, output)):
        write_atomic(output / f"{suite.name}.html", html)
    return suite_tables


def section(suite: Suite, results: ResultsTable) -> str:
    """Return a suite's tables and claims in Markdown."""
    parts = [f"## {suite.title}\n"]
    if results.networks.backbone:
        parts.append(_network_note(results))
    parts += [table.markdown() for table in tables(suite, results)]
    parts += [f"- {line}\n" for line in check_claims(suite, results)]
    return "\n".join(parts)


def _network_note(results: ResultsTable) -> str:
    return (
        f"Network: `{results.networks.name}` in place of the paper's Wide ResNet-50; the "
        "paper's numbers are of its own networks and all its categories.\n"
    )


def write_page(suites: Sequence[Suite], results: ResultsTable, output: Path) -> Path:
    """Write `README.md`: every suite with results, and the environment of the results."""
    finished = [suite for suite in suites if _has_results(suite, results)]
    parts = ["# Results of `golden bench`\n", *_facts(results)]
    claims = [line for suite in finished for line in check_claims(suite, results)]
    if claims:
        parts.append("## Does the order of the paper hold?\n")
        parts.append("\n".join(f"- {line}" for line in claims) + "\n")
    for suite in finished:
        if suite.view == "mistakes":
            parts.append(f"## {suite.title}\n\n{_MISTAKES.format(suite.name)}\n")
            continue
        parts.append(section(suite, results))
        if (output / "figures" / f"{suite.name}.svg").is_file():
            parts.append(f"![{suite.title}](figures/{suite.name}.svg)\n")
    path = output / "README.md"
    write_atomic(path, "\n".join(parts).encode())
    return path


_MISTAKES = (
    "Written to `{}.html`; it holds pictures of the data sets, whose licences forbid to publish "
    "it with these results."
)


def _has_results(suite: Suite, results: ResultsTable) -> bool:
    return any(
        not isinstance(results.raw_results(entry, category), str)
        for panel, _, entry in suite.entries()
        for category in results.categories_of(panel)
    )


def _facts(results: ResultsTable) -> list[str]:
    """Return data, machine, versions and seeds of the results."""
    data = [
        f"{c.data_set}/{c.name} ({c.train} good to fit on, {c.test} to test)"
        for c in results.categories
    ]
    raw = list(results.by_run.values())
    machines = _sorted_unique(
        f"{r['machine']['processor']}, {r['machine']['cores']} cores" for r in raw
    )
    libraries = _sorted_unique(" ".join(f"{n} {v}" for n, v in r["versions"].items()) for r in raw)
    seeds = sorted({r["specification"]["seed"] for r in raw})
    facts = {
        "network": f"{results.networks.name}"
        + ("" if results.networks.backbone else " (the paper's)"),
        "data": "; ".join(data) or "none",
        "results": f"{len(raw)} runs in `raw/`, each with every picture's score",
        "machine": "; ".join(machines),
        "versions": "; ".join(libraries),
        "seeds": ", ".join(map(str, seeds)),
    }
    lines = [f"- {name}: {value}" for name, value in facts.items()]
    note = (
        "\nNothing is held out of the fits. Pictures are stretched to a square and cropped at the "
        "centre as the suite says; pixel figures are taken on the crop. A mean over fewer "
        "categories than the paper's is not its mean: the column beside it has the paper's mean "
        "over the same categories where the paper tells them.\n"
    )
    return ["\n".join(lines), note]


def _sorted_unique(texts: Iterable[str]) -> list[str]:
    return sorted(set(texts))
