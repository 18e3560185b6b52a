"""Whether a value came back from JSON as it went in, and where not."""

from __future__ import annotations

import dataclasses
import marshal
import math
from collections.abc import Iterable, Mapping
from typing import Any


def same(before: Any, after: Any) -> bool:
    """Whether both are equal and of the same classes all the way down."""
    try:
        # Exact builtins only, compared in C; version 2 knows neither interned strings nor references.
        if marshal.dumps(before, 2) == marshal.dumps(after, 2):
            return True
    except ValueError:
        pass
    return difference(before, after) is None


def difference(before: Any, after: Any, path: str = "") -> str | None:
    """Say what changed first, as ``"['a'][1] is a tuple, JSON gives list"``; ``None`` if nothing did."""
    if isinstance(before, float) and not math.isfinite(before):
        return f"{path or 'it'} is {before}, which JSON does not know; use None or a string for it"
    if type(before) is not type(after):
        if type(before) is int and type(after) is float and before == after:
            return None  # an int is a float to every type checker, and the first run gets the float too
        return f"{path or 'it'} is {_called(before)}, a replay would give {_called(after)}"
    if isinstance(before, dict) and isinstance(after, dict):
        return _dict_difference(before, after, path)
    if isinstance(before, list | tuple) and isinstance(after, list | tuple):
        if len(before) != len(after):
            return f"{path or 'it'} has {len(before)} items, a replay would give {len(after)}"
        return _first(difference(a, b, f"{path}[{i}]") for i, (a, b) in enumerate(zip(before, after, strict=True)))
    if isinstance(before, set | frozenset) and not _same_members(before, after):
        return f"{path or 'it'} is {_called(before)} whose members would come back of another class"
    names = _field_names(before)
    if names is not None:
        return _first(difference(getattr(before, n, None), getattr(after, n, None), f"{path}.{n}") for n in names)
    if before != after:
        return f"{path or 'it'} is {_called(before)} and would come back unequal"
    return None


def _dict_difference(before: Mapping[object, object], after: Mapping[object, object], path: str) -> str | None:
    if len(before) != len(after):
        lost = [key for key in before if key not in after]
        return f"{path or 'it'} has {len(before)} keys, a replay would give {len(after)}" + (
            f" (lost: {', '.join(repr(key) for key in lost[:3])})" if lost else ""
        )
    keys = {key: key for key in after}
    for key, value in before.items():
        if key not in keys or type(keys[key]) is not type(key):
            return f"{path or 'it'} has the key {key!r} of type {type(key).__name__}, a replay would not"
        found = difference(value, after[key], f"{path}[{key!r}]")
        if found is not None:
            return found
    return None


def _field_names(value: object) -> Iterable[str] | None:
    if dataclasses.is_dataclass(value):
        return [field.name for field in dataclasses.fields(value)]
    struct = getattr(value, "__struct_fields__", None)
    if struct is not None:
        return tuple(struct)
    attributes = getattr(type(value), "__attrs_attrs__", None)
    if attributes is not None:
        return [attribute.name for attribute in attributes]
    model = getattr(type(value), "model_fields", None)
    return [*model, *(getattr(value, "model_extra", None) or ())] if isinstance(model, dict) else None


def _same_members(before: Iterable[Any], after: Iterable[Any]) -> bool:
    came_back = {(type(each), each) for each in after}
    return all((type(each), each) in came_back or (type(each) is int and (float, each) in came_back) for each in before)


def _first(found: Iterable[str | None]) -> str | None:
    return next((each for each in found if each is not None), None)


def _called(value: object) -> str:
    name = type(value).__name__
    if value is None or isinstance(value, bool):
        return repr(value)
    return f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"
