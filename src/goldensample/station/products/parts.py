"""The parts of a station: `.golden-part` files whose views are products of the station."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from goldensample.parts.inspector import PartInspector
from goldensample.parts.manifest import ENDING, PartManifest, check_files, read_manifest
from goldensample.parts.words import promise
from goldensample.station.products.products import KEY, Product, Products
from goldensample.station.records.rows import ERROR, Record


@dataclass(frozen=True, slots=True)
class PartVerdict:
    """The verdict of a part, its p-value, the view that looks oddest, and what is to be known."""

    verdict: str
    p_value: float | None = None
    view: str = ""
    note: str = ""


class PartProduct:
    """A part of several views in service; its file is read at the start.

    Args:
        path: of the `.golden-part` file.
        products: with a product for each view's file.

    Raises:
        ArtifactError: the file or a view's file is not as it must be, or the rate asked for
            cannot be had.
        ValueError: its name is no valid key.
    """

    def __init__(self, path: Path, products: Products) -> None:
        self.path, self.key = path, path.stem
        if not KEY.fullmatch(self.key):
            raise ValueError(
                "a part's file must be named with letters, digits, dots, dashes and underscores, "
                f"64 at most; got {path.name}; rename it"
            )
        self.manifest: PartManifest = read_manifest(path)
        by_path = {product.path.resolve(): product for product in products}
        files = check_files(path, self.manifest.views)
        self.products: dict[str, Product] = {
            view.name: by_path[file.resolve()]
            for view, file in zip(self.manifest.views, files, strict=True)
        }
        self._inspector().check_rate()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the views, in order."""
        return self.manifest.names

    @property
    def required(self) -> tuple[str, ...]:
        """Names of the views that a part must have."""
        return tuple(view.name for view in self.manifest.views if view.required)

    def judge(self, records: Mapping[str, Record], failures: Mapping[str, str]) -> PartVerdict:
        """Return the verdict of a part from the records of its views.

        Args:
            records: of the views that were inspected, by name.
            failures: by view, why it could not be.
        """
        inspector = self._inspector()
        problems = inspector.missing({*records, *failures})
        problems += [f"view {name}: {reason}" for name, reason in failures.items()]
        problems += [
            f"view {name}: {record.note}"
            for name, record in records.items()
            if record.verdict == ERROR or record.score is None
        ]
        if problems:
            return PartVerdict(ERROR, note="; ".join(problems))
        scores = {name: record.score or 0.0 for name, record in records.items()}
        p_values = {name: record.p_value for name, record in records.items()}
        verdict, found, view = inspector.decide(scores, p_values)
        hashes = {one.name: one.sha256 for one in self.manifest.views}
        changed = [name for name, record in records.items() if record.file_sha256 != hashes[name]]
        note = (
            f"changed since the part's limits were set, so their rate is not known: view "
            f"{', '.join(changed)}; run golden part calibrate and start the station anew"
            if changed
            else ""
        )
        return PartVerdict(verdict, found, view, note)

    def changed(self) -> list[str]:
        """Return the views whose files are others than when the part's limits were set."""
        hashes = {view.name: view.sha256 for view in self.manifest.views}
        return [n for n in self.names if self.products[n].state.sha256 != hashes[n]]

    def promise(self) -> str:
        """Return what its verdicts promise, in the language in use."""
        return promise(self._inspector())

    def _inspector(self) -> PartInspector:
        """Return the rule with the views as they are now."""
        inspectors = (self.products[name].state.inspector for name in self.names)
        return PartInspector(self.manifest, tuple(inspectors))


class PartProducts:
    """The parts of a station by their keys.

    Args:
        paths: of `.golden-part` files.
        products: with a product for each view.
        waiting: pictures that may wait, which must be all those of a part at least.

    Raises:
        ValueError: two have the same key, or one that of a product, or more views than may wait.
    """

    def __init__(self, paths: Sequence[Path], products: Products, waiting: int) -> None:
        self._parts: dict[str, PartProduct] = {}
        for path in paths:
            part = PartProduct(path, products)
            if part.key in self._parts or products.get(part.key):
                raise ValueError(
                    f"parts and products must differ in name; two are called {part.key}; rename "
                    f"{path.name}"
                )
            if len(part.names) > waiting:
                raise ValueError(
                    f"--waiting must be at least the {len(part.names)} views of {path.name}; got "
                    f"{waiting}"
                )
            self._parts[part.key] = part

    def __iter__(self) -> Iterator[PartProduct]:
        return iter(self._parts.values())

    def get(self, key: str) -> PartProduct | None:
        """Return a part, or None."""
        return self._parts.get(key)


def split_files(files: Iterable[Path]) -> tuple[list[Path], list[Path]]:
    """Return the products' files, those of the parts' views among them, and the parts' files.

    Raises:
        ArtifactError: a part's file cannot be read, or a view's is not there.
    """
    given = list(files)
    parts = [file for file in given if file.suffix == ENDING]
    products = [file for file in given if file.suffix != ENDING]
    known = {file.resolve() for file in products}
    for path in parts:
        for file in check_files(path, read_manifest(path).views):
            if file.resolve() not in known:
                known.add(file.resolve())
                products.append(file)
    return products, parts
