"""The methods that train a network, and the same untrained: `python benchmarks/trained.py`.

The runs of the suite `trained` of `golden bench`, on bottle and magnetic_tile: image AUROC, pixel
AUROC and PRO of the whole test set, seconds to fit and a picture, the size of the file, and the
loss of every epoch. Each run leaves its raw result in results/trained as it ends, and is not
repeated where it is there. Seed 0 goes first, the untrained before the trained; other seeds follow
only where the fit with seed 0 took less than ten minutes. `--page` makes docs/benchmarks of it all.
"""

import argparse
import io
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

from goldensample.bench.data import Category, find_categories
from goldensample.bench.jobs import Task, encode_result, open_networks
from goldensample.bench.running import RunExecutor
from goldensample.bench.runs import Networks, Run, make_run
from goldensample.bench.suites import read_suite
from goldensample.errors import GoldenError
from goldensample.methods.registry import METHODS
from goldensample.storage.atomic import write_atomic

RESULTS = Path(__file__).parent / "results/trained"
DOCS = Path(__file__).parents[1] / "docs/benchmarks"
NETWORK, WEIGHTS = "timm:resnet18", "weights/resnet18_imagenet_layer1-3.safetensors"
DATA = {"bottle": "mvtec_ad=data/mvtec_ad", "magnetic_tile": "magnetic_tile=data/magnetic_tile"}
LONG_S = 600
"""A fit that took longer is not repeated with other seeds."""


def plan(
    categories: list[Category], networks: Networks, seeds: list[int], only: list[str]
) -> Iterator[Run]:
    """Yield the runs of all methods: seed by seed, the untrained first."""
    entries = sorted(
        read_suite("trained").panels[0].entries, key=lambda entry: entry.knobs.get("epochs") != 0
    )
    for seed in sorted(seeds):
        for entry in entries:
            if entry.method not in METHODS or (only and entry.method not in only):
                continue
            for category in categories:
                run = make_run(entry, category, seed, networks)
                if isinstance(run, str):
                    print(f"{entry.label} on {category.name}: {run}")
                else:
                    yield run


def first_was_long(run: Run) -> bool:
    """Return whether the same run with seed 0 took too long to be repeated."""
    for path in RESULTS.glob("*.json"):
        raw = json.loads(path.read_bytes())
        there, here = raw["specification"], run.specification()
        keys = ("category", "method", "networks", "levels")
        same = all(there[key] == here[key] for key in keys) and there["seed"] == 0
        budgets = [knobs.get("budget", "paper") for knobs in (there["knobs"], here["knobs"])]
        if same and budgets[0] == budgets[1]:
            return raw["times"]["fit_seconds"] > LONG_S
    return False


def carry_out(run: Run) -> None:
    """Execute a run and keep its raw result."""
    path = RESULTS / f"{run.name}.json"
    if path.is_file() or (run.seed and first_was_long(run)):
        return
    loaded = open_networks([Task(run, cached=False, maps=False)])
    raw = RunExecutor(loaded, RESULTS / "features", 0).execute(run, False, None)
    write_atomic(path, encode_result(raw))
    figures, times = raw["evaluation"], raw["times"]
    shares = ", ".join(
        f"{name} {figures[name]:.4f}"
        for name in ("image_auroc", "pixel_auroc", "pro")
        if figures.get(name) is not None
    )
    print(
        f"{run.name}: {shares}; {times['fit_seconds']:.0f} s to fit, "
        f"{1000 * times['seconds_per_image']:.0f} ms a picture, {raw['file_bytes'] / 1e6:.1f} MB",
        flush=True,
    )


def make_page(networks: Networks) -> None:
    """Write the tables and the page of docs/benchmarks, with the results of this script."""
    from goldensample.bench import board, page, suites

    for path in RESULTS.glob("*.json"):
        shutil.copyfile(path, DOCS / "raw" / path.name)
    write_atomic(DOCS / "figures/trained.svg", loss_curves())
    results = board.read_results(DOCS)
    table = board.ResultsTable(board.merge_categories([], results), networks, results, {})
    all_suites = [suites.read_suite(name) for name in suites.BUILT_IN]
    for name in ("table1", "table2", "table3", "table6", "tableS1", "trained"):
        page.write_views(suites.read_suite(name), table, DOCS)
    print(page.write_page(all_suites, table, DOCS))


def loss_curves() -> bytes:
    """Return an SVG: the losses of each method on bottle, the means over every epoch."""
    import numpy as np
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    from goldensample.bench.plots import RC_PARAMS

    curves = {}
    for path in sorted(RESULTS.glob("*.bottle.*.seed0.*.json")):
        raw = json.loads(path.read_bytes())
        losses = np.asarray(raw.get("losses", []), float)  # (epochs + 1, parts)
        if len(losses) > 1:
            curves[raw["specification"]["method"]] = losses
    with rc_context(RC_PARAMS | {"svg.fonttype": "none"}):
        figure = Figure(figsize=(8, 1.7 * -(-len(curves) // 4)), layout="constrained")
        axes = np.atleast_1d(figure.subplots(-(-len(curves) // 4), 4, squeeze=False)).ravel()
        for axis, (method, losses) in zip(axes, curves.items(), strict=False):
            for part, style in zip(losses[1:].T, ("-", "--", ":"), strict=False):
                axis.plot(np.arange(1, len(losses)), part, style, color="#0072B2")
            kept = losses[1:].ravel()
            high = np.quantile(kept, 0.97)
            if kept.max() > 10 * abs(high):
                axis.set_ylim(kept.min() - 0.1 * (high - kept.min()), high)
                axis.annotate(f"up to {kept.max():.0e}", (0.4, 0.9), xycoords="axes fraction")
            axis.set_title(method)
            axis.set_xlabel("epoch")
        for axis in axes[len(curves) :]:
            axis.remove()
        file = io.BytesIO()
        figure.savefig(file, format="svg", metadata={"Date": None})
    return file.getvalue()


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=Path(__file__).parents[2] / "shared")
    parser.add_argument("--only", nargs="*", default=[], metavar="METHOD")
    parser.add_argument("--data", nargs="*", default=list(DATA), choices=list(DATA))
    parser.add_argument("--seeds", nargs="*", type=int, default=[0, 1, 2])
    parser.add_argument("--page", action="store_true", help="run nothing; make docs/benchmarks")
    options = parser.parse_args()
    networks = Networks(NETWORK, {NETWORK: str(options.shared / WEIGHTS)})
    if options.page:
        make_page(networks)
        return
    sources = (DATA[name].partition("=") for name in options.data)
    categories = find_categories([f"{name}={options.shared / where}" for name, _, where in sources])
    for run in plan(categories, networks, options.seeds, options.only):
        try:
            carry_out(run)
        except (GoldenError, ValueError) as error:
            print(f"{run.name} failed: {error}", flush=True)


if __name__ == "__main__":
    main()
