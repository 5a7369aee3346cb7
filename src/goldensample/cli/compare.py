"""`golden compare`: results of `golden bench`, paired picture by picture."""

import json as json_format
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from glob import glob
from itertools import combinations
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from goldensample.cli.console import print_json, say, table_lines, tell
from goldensample.cli.options import Json
from goldensample.errors import ArtifactError
from goldensample.evaluation import comparison
from goldensample.evaluation.metrics import auroc
from goldensample.evaluation.picture_curves import PictureCurves
from goldensample.records import Array
from goldensample.storage.atomic import write_atomic

Key = tuple[str, str]
"""Data set and category."""
TESTS = ("auroc_difference", "pro_difference", "f1_difference", "mistakes")


@dataclass(frozen=True, slots=True)
class Scored:
    """The scores of a result by picture, which pictures show a defect, and counts for PRO."""

    scores: dict[str, float]
    defects: dict[str, bool]
    curves: PictureCurves | None

    def curves_of(self, names: Iterable[str]) -> PictureCurves | None:
        """Return the counts for PRO of pictures, in their order."""
        rows = {name: row for row, name in enumerate(self.scores)}
        return self.curves.of([rows[name] for name in names]) if self.curves else None


def command(
    results: Annotated[
        list[str],
        typer.Argument(
            metavar="RESULT...",
            help="Two methods or more: each a file of DIR/raw of golden bench, or a pattern of "
            'them in quotes, one file a category ("results/raw/*patchcore*").',
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FIGURE",
            help="Draw the ranks of three methods or more, and which are not told apart: .svg, "
            ".pdf or .png.",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Tell whether methods differ, from their scores of the same pictures.

    For each two: image AUROC by DeLong's test, best F1 by a paired bootstrap, mistakes at the best
    F1 by McNemar's exact test, and PRO up to 30 % by a paired bootstrap; p-values are adjusted over
    the categories by Holm. Of three methods or more on two categories or more: Friedman's test,
    mean ranks and Nemenyi's critical difference, as a figure by --output.
    """
    from goldensample.bench import rank_figure

    if len(results) < 2:
        raise ValueError(f"RESULT must be two or more; got {len(results)}")
    methods = [read_results(text) for text in results]
    common = sorted(set(methods[0]).intersection(*methods[1:]))
    if not common:
        raise ValueError("results must have a category in common; these have none")
    if output:
        rank_figure.check_figure(output, len(results), len(common))
    for first, second in combinations(range(len(results)), 2):
        rows = compare(methods[first], methods[second], common)
        _show_pair(results[first], results[second], rows, json)
    if len(results) > 2 and len(common) > 1:
        values = np.array([[_auroc(method[key]) for method in methods] for key in common])
        ranking = comparison.ranking(values)
        _show_ranking(results, ranking, len(common), json)
        if output:
            names = rank_figure.short_names(results)
            write_atomic(output, rank_figure.draw_ranks(names, ranking, output.suffix[1:]))
            tell(f"figure: {output}")


def read_results(text: str) -> dict[Key, Scored]:
    """Read the results of a method, one a category.

    Raises:
        ArtifactError: there is none, one is damaged, or two are of one category.
    """
    paths = [Path(text)] if Path(text).is_file() else sorted(map(Path, glob(text)))
    if not paths:
        raise ArtifactError(f"{text} must be results of golden bench; there are none; see DIR/raw")
    found: dict[Key, Scored] = {}
    for path in paths:
        try:
            content = json_format.loads(path.read_bytes())
            run, pictures = content["specification"], content["pictures"]
            key = (str(run["data_set"]), str(run["category"]))
            names = pictures["name"]
            scored = Scored(
                dict(zip(names, map(float, pictures["score"]), strict=True)),
                dict(zip(names, map(bool, pictures["defect"]), strict=True)),
                PictureCurves.from_json(content["curves"]) if "curves" in content else None,
            )
        except (ValueError, KeyError, TypeError, OSError) as error:
            raise ArtifactError(f"{path} must be a result of golden bench; it is not") from error
        if key in found:
            raise ArtifactError(
                f"{text} must have one result a category; {'/'.join(key)} is there twice; "
                "narrow the pattern to one method, network and seed"
            )
        found[key] = scored
    return found


def compare(
    first: dict[Key, Scored], second: dict[Key, Scored], categories: Sequence[Key]
) -> list[dict[str, Any]]:
    """Return a row for each category: AUROCs, their difference, F1, mistakes and p-values.

    Raises:
        ValueError: the pictures of a category, or their labels, are not the same.
    """
    rows = list[dict[str, Any]]()
    for key in categories:
        one, other = first[key], second[key]
        if one.defects != other.defects:
            raise ValueError(
                f"results must be of the same pictures; those of {'/'.join(key)} are not"
            )
        labels, scores = _arrays(one)
        others = np.array([other.scores[name] for name in one.scores])
        curves, other_curves = one.curves, other.curves_of(one.scores)
        rows.append(
            {
                "category": "/".join(key),
                "pictures": len(labels),
                "auroc": [auroc(scores, labels), auroc(others, labels)],
                "auroc_difference": asdict(comparison.delong(scores, others, labels)),
                "pro_difference": asdict(comparison.pro_difference(curves, other_curves))
                if curves and other_curves
                else None,
                "f1_difference": asdict(comparison.f1_difference(scores, others, labels)),
                "mistakes": asdict(comparison.mcnemar(scores, others, labels)),
            }
        )
    for test in TESTS:
        tested = [row for row in rows if row[test]]
        adjusted = comparison.holm([row[test]["p_value"] for row in tested])
        for row, p_value in zip(tested, adjusted, strict=True):
            row[test]["p_holm"] = p_value
    return rows


def _arrays(scored: Scored) -> tuple[Array, Array]:
    """Return labels and scores in the same order."""
    labels = np.array([scored.defects[name] for name in scored.scores], bool)
    return labels, np.array(list(scored.scores.values()))


def _auroc(scored: Scored) -> float:
    labels, scores = _arrays(scored)
    return auroc(scores, labels)


def _show_pair(first: str, second: str, rows: list[dict[str, Any]], json: bool) -> None:
    """Print a comparison of two methods."""
    if json:
        for row in rows:
            print_json({"first": first, "second": second, **row})
        return
    say(f"{first} less {second}; p-values are adjusted for the number of categories (Holm)")
    lines = []
    for row in rows:
        area, pro, f1, mistakes = (row[test] for test in TESTS)
        lines.append(
            {
                "category": row["category"],
                "AUROC": f"{row['auroc'][0]:.4f} and {row['auroc'][1]:.4f}",
                "difference": _interval(area),
                "p": f"{area['p_holm']:.3g}",
                "PRO": _interval(pro) if pro else "–",
                "p, PRO": f"{pro['p_holm']:.3g}" if pro else "–",
                "F1": _interval(f1),
                "p, F1": f"{f1['p_holm']:.3g}",
                "mistakes alone": f"{mistakes['first']} and {mistakes['second']}",
                "p, McNemar": f"{mistakes['p_holm']:.3g}",
            }
        )
    for line in table_lines(lines, "category"):
        say(line)


def _interval(difference: dict[str, Any]) -> str:
    low, high = difference["interval"]
    return f"{difference['value']:+.4f} ({low:+.4f} to {high:+.4f})"


def _show_ranking(
    names: Sequence[str], found: comparison.Ranking, categories: int, json: bool
) -> None:
    """Print the ranks of many methods."""
    if json:
        print_json({"methods": list(names), "categories": categories, **asdict(found)})
        return
    say(f"\nmean ranks by AUROC over {categories} categories (1 is the best)")
    for rank, name in sorted(zip(found.ranks, names, strict=True)):
        say(f"{rank:6.2f}  {name}")
    say(
        f"Friedman's test of no difference: p = {found.p_value:.3g}; ranks closer than "
        f"{found.critical:.2f} are not told apart (Nemenyi, 5 %)"
    )
