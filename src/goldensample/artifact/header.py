"""Deserialise dataclasses from a file's header: known keys alone, values of the declared types."""

import math
from dataclasses import fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

Instance = TypeVar("Instance")


def build(cls: type[Instance], values: Any, extra: dict[str, Any] | None = None) -> Instance:
    """Return an instance of a dataclass from JSON, with strict types.

    Args:
        cls: a dataclass whose fields are numbers, booleans, strings, tuples of them, dataclasses,
            or may be None.
        values: the object in the header: exactly its fields without `extra`, tuples as lists.
        extra: fields that come from elsewhere, passed on as they are.

    Raises:
        ValueError: a key is missing or unknown, or a value has another type; or raised by `cls`.
    """
    if not isinstance(values, dict):
        raise ValueError(f"{cls.__name__} must be an object; got {type(values).__name__}")
    extra = extra or {}
    names = {field.name for field in fields(cls)} - set(extra)  # type: ignore[arg-type]
    if values.keys() != names:
        mismatched = ", ".join(sorted(map(str, values.keys() ^ names)))
        raise ValueError(f"{cls.__name__} must have its keys and no others; amiss: {mismatched}")
    hints = get_type_hints(cls)
    converted = {name: convert(value, hints[name], name) for name, value in values.items()}
    return cls(**converted, **extra)


def convert(value: Any, hint: Any, name: str) -> Any:
    """Return a value of a declared type, lists as tuples.

    Raises:
        ValueError: it is of another type, or a number is not finite.
    """
    if get_origin(hint) is UnionType:
        if value is None and NoneType in get_args(hint):
            return None
        hint = next(choice for choice in get_args(hint) if choice is not NoneType)
    if is_dataclass(hint):
        return build(hint, value)  # type: ignore[arg-type]
    if get_origin(hint) is tuple:
        hints = get_args(hint)
        if isinstance(value, list) and hints[1:] == (...,):
            hints = hints[:1] * len(value)
        if isinstance(value, list) and len(value) == len(hints):
            return tuple(convert(v, h, name) for v, h in zip(value, hints, strict=True))
    is_integer = isinstance(value, int) and not isinstance(value, bool)
    if hint is int and is_integer:
        return value
    if hint is float and (is_integer or (isinstance(value, float) and math.isfinite(value))):
        return value
    if hint in (str, bool) and isinstance(value, hint):
        return value
    raise ValueError(f"{name} must be {getattr(hint, '__name__', hint)}; got {str(value)[:60]!r}")
