"""Values from a file's header: each key known, each value of the type its dataclass declares."""

import math
from dataclasses import fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

Kind = TypeVar("Kind")


def build(kind: type[Kind], values: Any, given: dict[str, Any] | None = None) -> Kind:
    """Make a dataclass from JSON, without guessing.

    Args:
        kind: a dataclass whose fields are numbers, truths, texts, tuples of them, dataclasses, or
            may be None.
        values: what stands in the header: exactly its fields, tuples as lists, less those given.
        given: fields that come from elsewhere, taken as they are.

    Raises:
        ValueError: a key is missing or unknown, or a value has another type; or as the dataclass.
    """
    if not isinstance(values, dict):
        raise ValueError(f"{kind.__name__} must be an object; got {type(values).__name__}")
    given = given or {}
    names = {field.name for field in fields(kind)} - set(given)  # type: ignore[arg-type]
    if values.keys() != names:
        odd = ", ".join(sorted(map(str, values.keys() ^ names)))
        raise ValueError(f"{kind.__name__} must have its keys and no others; amiss: {odd}")
    hints = get_type_hints(kind)
    converted = {name: convert(value, hints[name], name) for name, value in values.items()}
    return kind(**converted, **given)


def convert(value: Any, hint: Any, name: str) -> Any:
    """Return a value as its type, lists as tuples.

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
        kinds = get_args(hint)
        if isinstance(value, list) and kinds[1:] == (...,):
            kinds = kinds[:1] * len(value)
        if isinstance(value, list) and len(value) == len(kinds):
            return tuple(convert(v, k, name) for v, k in zip(value, kinds, strict=True))
    whole = isinstance(value, int) and not isinstance(value, bool)
    if hint is int and whole:
        return value
    if hint is float and (whole or (isinstance(value, float) and math.isfinite(value))):
        return value
    if hint in (str, bool) and isinstance(value, hint):
        return value
    raise ValueError(f"{name} must be {getattr(hint, '__name__', hint)}; got {str(value)[:60]!r}")
