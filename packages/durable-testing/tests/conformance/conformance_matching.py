"""The patterns in which requirements are written, compared with what was found."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

NAME = re.compile(r"\$\{(\w+)\}")
REGEX = re.compile(r"\$\{/(.*)/\}", re.DOTALL)

ABSENT_UNLESS_LISTED = frozenset({"ParentId", "NextAttemptDelaySeconds"})
"""Members whose absence says something, so that they may not be there where a pattern leaves them out: an operation
without a parent stands at the top, and a failure without a delay is the last. The suite itself cannot ask for that."""


class Bindings:
    """What the names of a requirement stand for: what was found where each is first met."""

    def __init__(self) -> None:
        self._values: dict[str, Any] = {}
        self._owners: dict[object, str] = {}

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def meet(self, name: str, found: Any, where: str) -> Iterator[str]:
        """Say what is wrong with *found* where *name* stands: a name means one thing, and an id has one name."""
        if name in self._values:
            if not alike(self._values[name], found):
                yield f"{where} is {found!r}, but {name} was {self._values[name]!r} before"
            return
        self._values[name] = found
        if where.endswith(".Id") and self._owners.setdefault(found, name) != name:
            yield f"{where} is {found!r} for {name}, but that is the id of {self._owners[found]}"


def differences(pattern: Any, found: Any, where: str, bound: Bindings) -> Iterator[str]:
    """Say where *found* is not as *pattern* has it, a sentence for each place."""
    if pattern in ("*", {}):
        return  # it is there, whatever it is
    if isinstance(pattern, Mapping):
        yield from _of_members(pattern, found, where, bound)
    elif isinstance(pattern, list):
        yield from _of_elements(pattern, found, where, bound)
    elif name := matched(NAME, pattern):
        yield from bound.meet(name, found, where)
    elif regex := matched(REGEX, pattern):
        if not re.search(regex, str(found)):
            yield f"{where} is {found!r}, in which {regex!r} is not found"
    elif not alike(pattern, found):
        yield f"{where} is {found!r}, not {pattern!r}"


def _of_members(pattern: Mapping[str, Any], found: Any, where: str, bound: Bindings) -> Iterator[str]:
    if not isinstance(found, Mapping):
        yield f"{where} is {found!r}, and has no members"
        return
    for key in sorted(ABSENT_UNLESS_LISTED & found.keys() - pattern.keys()):
        yield f"{where}.{key} is {found[key]!r}, and may not be there"
    for key, value in pattern.items():
        if key in found:
            yield from differences(value, found[key], f"{where}.{key}", bound)
        else:
            yield f"{where}.{key} is missing"


def _of_elements(pattern: list[Any], found: Any, where: str, bound: Bindings) -> Iterator[str]:
    if not isinstance(found, list) or len(found) != len(pattern):
        yield f"{where} is {found!r}, not a list of {len(pattern)}"
        return
    for number, (value, element) in enumerate(zip(pattern, found, strict=True)):
        yield from differences(value, element, f"{where}[{number}]", bound)


def matched(form: re.Pattern[str], pattern: Any) -> str | None:
    """What stands between the brackets of *form*, if the whole of *pattern* has that form."""
    match = form.fullmatch(pattern) if isinstance(pattern, str) else None
    return None if match is None else match[1]


def alike(one: Any, other: Any) -> bool:
    """Whether two values are the same JSON: 1 is neither ``true`` nor 1.0, and the order of members is nothing."""
    first, second = (json.dumps(each, sort_keys=True, default=repr) for each in (one, other))
    return first == second
