"""`golden fit --each`: one file for each product, on a runner."""

import inspect
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Annotated, Any

import typer
from threadpoolctl import threadpool_limits

from goldensample.cli.console import failure_list, progress, say, tell
from goldensample.cli.fit_one import check_output, fit_one
from goldensample.cli.options import RunnerName
from goldensample.errors import GoldenError, ImageError
from goldensample.locales.language import gettext

Each = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="Fit one file for each sub-folder of DIR, into the folder --output. PATH then is "
        "below each sub-folder, such as train/good; without it, all pictures in it.",
    ),
]
MISTAKES = (GoldenError, typer.BadParameter, ValueError, OSError, MemoryError, ImportError)
"""What ends the fit of one product and not of the others."""


@dataclass(frozen=True, slots=True)
class Product:
    """A sub-folder: its name, the pictures to learn from, and the file to write."""

    name: str
    paths: tuple[str, ...]
    output: Path


@dataclass(frozen=True, slots=True)
class FitResult:
    """The output of a fit on stdout and stderr, and why it failed, or ""."""

    stdout: str
    stderr: str
    failure: str


def add_each_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give the command that fits one file the options --each and --runner.

    Its argument `workers` is the runner that --runner names; with --each, the runner runs whole
    fits.
    """
    signature = inspect.signature(command)

    def run_command(*, each: Path | None, runner: str, **values: Any) -> None:
        if each:
            _fit_each(each, runner, values)
        elif not values["paths"]:
            raise ValueError("PATH must name good pictures; got none; or fit a folder of --each")
        elif runner == "here":
            with locked_output(values["output"]):
                command(**values)
        else:
            from goldensample.ray_runner import open_runner

            with (
                locked_output(values["output"]) as folder,
                open_runner(runner, folder) as workers,
            ):
                command(**values, workers=workers)

    kind = inspect.Parameter.KEYWORD_ONLY
    options = [
        inspect.Parameter("each", kind, default=None, annotation=Each),
        inspect.Parameter("runner", kind, default="here", annotation=RunnerName),
    ]
    paths, output, *others = (p for name, p in signature.parameters.items() if name != "workers")
    parameters = [paths.replace(default=None), output, *options, *others]
    run_command.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    run_command.__annotations__ = {p.name: p.annotation for p in parameters}
    run_command.__doc__ = command.__doc__
    return run_command


@contextmanager
def locked_output(output: Path) -> Iterator[Path]:
    """Give the folder of a file to be written, under a lock: two fits would undo each other."""
    from goldensample.storage.lock import lock_file

    check_output(output)
    with lock_file(output):
        kept = keep_changed(output)
        try:
            yield output.absolute().parent
        except BaseException:
            if kept:
                kept.unlink()
            raise
        if kept:
            text = gettext(
                "golden: %(file)s had been changed since its fit, or could not be read; as it was, "
                "it is kept in %(copy)s"
            )
            tell(text % {"file": output, "copy": kept})


def keep_changed(output: Path) -> Path | None:
    """Copy a file that was changed since its fit, so that its history stays; return the copy.

    So is one that cannot be read: another version may have written it. The copy's name does not end
    in .golden, so that no station takes it for a product.
    """
    from goldensample.artifact.container import read_parts
    from goldensample.artifact.journal_parts import JOURNAL
    from goldensample.storage.atomic import write_atomic

    if not output.is_file():
        return None
    with suppress(GoldenError):
        header, _ = read_parts(output)
        if len(header.get(JOURNAL) or ()) < 2:  # the fit alone
            return None
    names = (output.with_name(f"{output.name}.{number}") for number in count(1))
    copy = next(name for name in names if not name.exists())
    write_atomic(copy, output.read_bytes())
    return copy


def _fit_each(each: Path, runner: str, values: Mapping[str, Any]) -> None:
    """Fit all products; print the output of each as it is done.

    Raises:
        GoldenError: products failed; the others are fitted.
    """
    from goldensample.ray_runner import open_runner

    if values["defects"]:
        raise ValueError("--defects must go with one product; got --each; fit that product alone")
    folder: Path = values["output"]
    if folder.suffix == ".golden" or folder.is_file():
        raise ValueError(f"--output must be a folder where --each is given; got {folder}")
    products = find_products(each, values["paths"] or ["."], folder)
    pending = [item for item in products if not (values["resume"] and _is_complete(item.output))]
    if len(pending) < len(products):
        text = gettext("%(count)s of %(total)s products are fitted already")
        tell(text % {"count": len(products) - len(pending), "total": len(products)})
    with open_runner(runner, folder) as workers, progress() as notify:
        failures: dict[str, str] = {}
        notify("products", 0, len(pending))
        for done, result in enumerate(workers.run(_fit_one, values, pending), start=1):
            name = pending[done - 1].name
            for line in result.stderr.splitlines():
                tell(f"{name}: {line}")
            for line in result.stdout.splitlines():
                say(line)
            if result.failure:
                failures[name] = result.failure
                tell(gettext("%(name)s: not fitted") % {"name": name})
            notify("products", done, len(pending))
    if failures:
        text = gettext("every product must be fitted; %(count)s of %(total)s were not:%(list)s")
        counts = {"count": len(failures), "total": len(products)}
        raise GoldenError(text % {**counts, "list": failure_list(failures)})


def find_products(each: Path, paths: Sequence[str], output: Path) -> list[Product]:
    """List the sub-folders of a folder, hidden ones and the output left out.

    Args:
        each: the folder.
        paths: of the pictures, from each sub-folder.
        output: folder of the files.

    Raises:
        ValueError: a path does not start from a sub-folder.
        ImageError: there is no sub-folder.
    """
    if absolute := [path for path in paths if Path(path).is_absolute()]:
        raise ValueError(f"PATH must start from each sub-folder with --each; got {absolute[0]}")
    folders = sorted(path for path in each.iterdir() if path.is_dir()) if each.is_dir() else []
    products = [
        Product(
            folder.name,
            tuple(str(folder / path) for path in paths),
            output / f"{folder.name}.golden",
        )
        for folder in folders
        if folder.name[0] != "." and folder.resolve() != output.resolve()
    ]
    if not products:
        raise ImageError(f"--each must be a folder with one folder a product; {each} has none")
    return products


def _is_complete(output: Path) -> bool:
    """Return whether a file is written and no stopped fit is about to replace it."""
    return output.is_file() and not output.with_name(f"{output.name}.partial").exists()


def _fit_one(values: Mapping[str, Any], product: Product) -> FitResult:
    """Fit one product as the command without --each does, with the values of its options.

    BLAS runs on one thread: the last bit of a sum depends on the number of threads, and the file
    must be the same on every machine.
    """
    overrides = {"paths": list(product.paths), "output": product.output}
    stdout, stderr, failure = io.StringIO(), io.StringIO(), ""
    with redirect_stdout(stdout), redirect_stderr(stderr), threadpool_limits(1, "blas"):
        try:
            with locked_output(product.output):
                fit_one(**{**values, **overrides})
        except MISTAKES as error:
            failure = str(error) or type(error).__name__
    return FitResult(stdout.getvalue(), stderr.getvalue(), failure)
