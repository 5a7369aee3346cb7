"""Settings of a station: address, tokens, limits, retention."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time
from pathlib import Path

from goldensample.locales.language import LANGUAGES

ROLES = ("operator", "engineer")
"""An operator inspects and labels; an engineer also changes products."""
LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionLimits:
    """How long pictures stay on disk; records are never deleted.

    Args:
        days: age limit of pictures with the verdict "good".
        defect_days: age limit of all others, and of those that a person labelled.
        limit_bytes: size of all pictures; beyond it the oldest good ones are deleted first.

    Raises:
        ValueError: a number is out of its range.
    """

    days: float = 90.0
    defect_days: float = 730.0
    limit_bytes: int = 100 * 10**9

    def __post_init__(self) -> None:
        if not 0 < self.days <= self.defect_days:
            raise ValueError(
                "days must be above 0, and at most those of defects; got "
                f"{self.days:g} and {self.defect_days:g}"
            )
        if self.limit_bytes < 10**6:
            raise ValueError(f"pictures must have 1 MB at least; got {self.limit_bytes:,} bytes")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Configuration of a station.

    Args:
        folder: root of its pictures, new products and, without `database`, its records.
        database: SQLAlchemy URL; None for SQLite in the folder.
        tokens: role by token; empty gives every client all rights.
        host: address to listen on.
        waiting: queue limit: pictures accepted and not yet inspected.
        limit_bytes: size of one picture's file.
        limit_px: pixels of one picture.
        per_minute: rate limit: requests of one address in a minute.
        retention: how long pictures stay on disk.
        pictures: root of the folders that an engineer may choose for a new product, or None.
        backbone: network of new products, as for `golden fit`.
        confirm_learning: whether an operator's "good" is a proposal that an engineer decides on;
            None where there are tokens, and so roles.
        deadline_s: seconds until a part without a verdict is answered as an error; None for never.
        language: of the pages, one of LANGUAGES; None for what each browser asks for.
        shifts: times of day at which shifts begin, in order and in the local zone.

    Raises:
        ValueError: a number is out of its range, a role is unknown, or others than this machine
            could reach it without a token.
    """

    folder: Path
    database: str | None = None
    tokens: Mapping[str, str] = field(default_factory=dict)
    host: str = "127.0.0.1"
    waiting: int = 64
    limit_bytes: int = 64 * 2**20
    limit_px: int = 50_000_000
    per_minute: int = 6000
    retention: RetentionLimits = RetentionLimits()
    pictures: Path | None = None
    backbone: str = "builtin"
    confirm_learning: bool | None = None
    deadline_s: float | None = None
    language: str | None = None
    shifts: tuple[time, ...] = ()

    def __post_init__(self) -> None:
        if self.language is not None and self.language not in LANGUAGES:
            raise ValueError(
                f"a language must be one of {', '.join(LANGUAGES)}; got {self.language!r}"
            )
        if self.deadline_s is not None and not 0 < self.deadline_s <= 3600:
            raise ValueError(f"a deadline must be in (0, 3600] seconds; got {self.deadline_s:g}")
        for name in ("waiting", "limit_bytes", "limit_px", "per_minute"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1; got {getattr(self, name)}")
        for token, role in self.tokens.items():
            if role not in ROLES:
                raise ValueError(f"a role must be one of {', '.join(ROLES)}; got {role!r}")
            if len(token) < 12:
                raise ValueError("a token must have 12 characters or more; one is shorter")
        if self.host not in LOOPBACK and not self.tokens:
            raise ValueError(
                f"a station that others can reach must have tokens; {self.host} has none; give "
                "--token engineer:SECRET, or leave --host out"
            )

    @property
    def confirms(self) -> bool:
        """Whether what operators call good is learned only when an engineer agrees."""
        return bool(self.tokens) if self.confirm_learning is None else self.confirm_learning

    @property
    def url(self) -> str:
        """SQLAlchemy URL of the records."""
        return self.database or f"sqlite:///{(self.folder / 'records.sqlite').absolute()}"
