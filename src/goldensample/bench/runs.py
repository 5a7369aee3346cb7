"""Runs: the complete specification of a measurement, and the name of its result."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from hashlib import blake2b, sha256
from pathlib import Path
from typing import Any

from goldensample._version import __version__
from goldensample.artifact.own_method import source_sha256
from goldensample.bench.data import Category
from goldensample.bench.machine import machine
from goldensample.bench.suites import Entry
from goldensample.errors import WeightsError
from goldensample.graphs.open_backbone import builtin_graph, lacks_effnet
from goldensample.methods.protocols import Method
from goldensample.methods.registry import METHODS, default_backbone, is_own
from goldensample.preparation.preparation import Preparation

PREPARATION_FIELDS = ("size_hw", "mode", "crop_hw")
"""Fields of the preparation that a suite can set."""
PAPER_NETWORK = "timm:wide_resnet50_2.tv_in1k"
PAPER_KNOBS = {"by_position": "off", "composition": "off"}
"""The paper's values of knobs whose defaults are others; suites begin with them."""


@dataclass(frozen=True, slots=True)
class Source:
    """The source of a network.

    Args:
        name: in results: that of `open_backbone`, without folders.
        backbone: argument of `open_backbone`.
        weights: file of its weights, or None.
        sha256: of the weights; "" where timm downloads them.
    """

    name: str
    backbone: str
    weights: str | None
    sha256: str


@dataclass(frozen=True, slots=True)
class Networks:
    """The available networks, and methods beside those in `METHODS`.

    Args:
        backbone: replaces the paper's network; None uses the paper's.
        weights: file of weights by the name of a timm network.
        own: methods of the user's own, by the names that suites give them.
    """

    backbone: str | None
    weights: Mapping[str, str]
    own: Mapping[str, type[Method]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Name of the network of entries that specify none."""
        return _display_name(self.backbone or PAPER_NETWORK)

    @property
    def methods(self) -> Mapping[str, type[Method]]:
        """All methods by name."""
        return {**METHODS, **self.own}

    def sources(self, entry: Entry) -> tuple[Source, ...] | str:
        """Return the networks of an entry, or what is missing."""
        sources = []
        its_own = default_backbone(self.methods[entry.method])
        usual = its_own if its_own != "builtin" else self.backbone or PAPER_NETWORK
        for name in entry.networks or (usual,):
            file = self.weights.get(name)
            if file is None and name.startswith("timm:") and name != self.backbone:
                return f"needs weights of {name} (--weights {name}=FILE)"
            if name != self.backbone and (missing := lacks_effnet(name)):
                return f"needs the extra [effnet]: {missing}"
            sources.append(Source(_display_name(name), name, file, _weights_sha256(name, file)))
        return tuple(sources)


def _display_name(name: str) -> str:
    """Return a network's name without the folders of its file."""
    return f"onnx:{Path(name[5:]).name}" if name.startswith("onnx:") else name


@cache
def _weights_sha256(name: str, file: str | None) -> str:
    """Return the hash of a network's weights; "" where timm downloads them."""
    if name == "builtin":
        return sha256(builtin_graph()).hexdigest()
    file = name.removeprefix("onnx:") if name.startswith("onnx:") else file
    if file in (None, "random"):
        return ""
    if not Path(str(file)).is_file():
        raise WeightsError(f"weights of {name} must be a file; there is no {file}; check --weights")
    return sha256(Path(str(file)).read_bytes()).hexdigest()


@dataclass(frozen=True, slots=True)
class Run:
    """One fit and one inspection of a test set.

    Args:
        category: the data.
        method: its name.
        kind: its class.
        knobs: all of them.
        sources: the networks.
        levels: finest first.
        preparation: of the pictures.
        shots: good pictures drawn to fit on; None takes all.
        seed: of the draw and of the method.
        timed: whether it measures times.
    """

    category: Category
    method: str
    kind: type[Method]
    knobs: Mapping[str, Any]
    sources: tuple[Source, ...]
    levels: tuple[str, ...]
    preparation: Preparation
    shots: int | None
    seed: int
    timed: bool

    def specification(self) -> dict[str, Any]:
        """Return everything that determines the result, as JSON values.

        Knobs at their defaults, or the paper's, are omitted, so that a new one does not change it.
        """
        category = self.category
        paper = {} if is_own(self.method) else PAPER_KNOBS
        defaults = {f.name: f.default for f in fields(self.kind)} | paper
        specification = {
            "version": __version__,
            "data_set": category.data_set,
            "category": category.name,
            "data": category.fingerprint,
            "train": category.train,
            "test": category.test,
            "method": self.method,
            "knobs": {k: v for k, v in self.knobs.items() if v != defaults[k]},
            "networks": [{"name": s.name, "weights_sha256": s.sha256} for s in self.sources],
            "levels": self.levels,
            "preparation": self._preparation(),
            "shots": self.shots,
            "seed": self.seed,
            "timed": self.timed,
        }
        if is_own(self.method):
            specification["method_sha256"] = source_sha256(self.kind)
        if self.timed:
            specification["machine"] = machine()
        return dict(json.loads(json.dumps(specification)))

    def _preparation(self) -> dict[str, Any]:
        """Return the settings of the preparation; "white" keeps the names of older results."""
        settings = {name: getattr(self.preparation, name) for name in PREPARATION_FIELDS}
        return {**settings, "white": None}

    @property
    def name(self) -> str:
        """Name of the result, without suffix: readable, and unique for each specification."""
        text = json.dumps(self.specification(), sort_keys=True).encode()
        parts = [self.category.data_set, self.category.name, self.method, self.sources[0].name]
        parts += [f"{self.shots}shots"] * (self.shots is not None) + ["timed"] * self.timed
        parts += [f"seed{self.seed}", blake2b(text, digest_size=6).hexdigest()]
        return re.sub(r"[^A-Za-z0-9_.-]+", "-", ".".join(parts))

    @property
    def pictures(self) -> int:
        """Number of pictures to process, for the estimate of the remaining time."""
        return self.category.test + (self.shots or self.category.train)


def make_run(entry: Entry, category: Category, seed: int, networks: Networks) -> Run | str:
    """Return the run of an entry on a category, or the reason why there is none.

    Raises:
        ValueError: a knob is unknown or its value wrong; names the entry.
    """
    kind = networks.methods.get(entry.method)
    if kind is None:
        how = f"--method {entry.method}" if is_own(entry.method) else "which this version has not"
        return f"needs the method {entry.method}, {how}"
    if entry.shots is not None and entry.shots > category.train:
        return f"{category.name} has fewer than {entry.shots} good pictures"
    if len(entry.networks) > 1 and entry.method != "patchcore":
        raise ValueError(f"several networks must go with patchcore; {entry.label} has not")
    sources = networks.sources(entry)
    if isinstance(sources, str):
        return sources
    return Run(
        category=category,
        method=entry.method,
        kind=kind,
        knobs=_knobs(entry, kind, seed),
        sources=sources,
        levels=entry.levels,
        preparation=entry.preparation,
        shots=entry.shots,
        seed=seed,
        timed=entry.timed,
    )


def _knobs(entry: Entry, method: type[Method], seed: int) -> dict[str, Any]:
    """Return all knobs of an entry's method."""
    names = [field.name for field in fields(method)]
    known = names if not is_own(entry.method) else []
    paper = {name: value for name, value in PAPER_KNOBS.items() if name in known}
    knobs = {**paper, **entry.knobs, **({"seed": seed} if "seed" in names else {})}
    if unknown := sorted(set(knobs) - set(names)):
        raise ValueError(
            f"knobs of {entry.label} must be among {', '.join(names)}; got {', '.join(unknown)}"
        )
    try:
        instance = method(**knobs)
    except ValueError as error:
        error.add_note(f"in the entry {entry.label}")
        raise
    return {name: getattr(instance, name) for name in names}
