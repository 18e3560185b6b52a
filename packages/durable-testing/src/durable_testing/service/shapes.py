"""What a value of the API may look like: checks that are data, so that they can be compared with the API's model.

Each says what is wrong with a value; of a good one, nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Protocol, cast

from typing_extensions import override


class Shape(Protocol):
    """A check of one value."""

    def flaw(self, value: object) -> str:
        """Give what is wrong with *value*, or the empty text."""
        ...


class Text(Shape):
    """A string of so many characters that matches a pattern, if there is one."""

    def __init__(self, pattern: str | None = None, *, least: int = 1, most: int | None = None) -> None:
        self.pattern = pattern
        self.least = least
        self.most = most
        self._matches = re.compile(pattern, re.ASCII).fullmatch if pattern is not None else None

    @override
    def flaw(self, value: object) -> str:
        if not isinstance(value, str):
            return f"is {_named(value)}, not a string"
        if len(value) < self.least:
            return f"has {len(value)} characters; it needs {self.least}"
        if self.most is not None and len(value) > self.most:
            return f"has {len(value):,} characters; it may have {self.most:,}"
        if self._matches is not None and self._matches(value) is None:
            return f"does not match {self.pattern}"
        return ""


class Whole(Shape):
    """A whole number within a range."""

    def __init__(self, least: int, most: int) -> None:
        self.least = least
        self.most = most

    @override
    def flaw(self, value: object) -> str:
        if not isinstance(value, int) or isinstance(value, bool):
            return f"is {_named(value)}, not a whole number"
        return "" if self.least <= value <= self.most else f"is {value}; it may be {self.least} to {self.most}"


class Choice(Shape):
    """One of a few strings."""

    def __init__(self, *values: str) -> None:
        self.values = frozenset(values)

    @override
    def flaw(self, value: object) -> str:
        if isinstance(value, str) and value in self.values:
            return ""
        return f"is {value!r}; it may be {', '.join(sorted(self.values))}"


class Flag(Shape):
    """True or false."""

    @override
    def flaw(self, value: object) -> str:
        return "" if isinstance(value, bool) else f"is {_named(value)}, not a boolean"


class Blob(Shape):
    """Bytes, or a string that stands for its UTF-8."""

    def __init__(self, most: int) -> None:
        self.most = most

    @override
    def flaw(self, value: object) -> str:
        if not isinstance(value, str | bytes | bytearray):
            return f"is {_named(value)}, not bytes"
        size = len(value.encode() if isinstance(value, str) else value)
        return "" if size <= self.most else f"has {size:,} bytes; it may have {self.most:,}"


class Moment(Shape):
    """A time."""

    @override
    def flaw(self, value: object) -> str:
        return "" if isinstance(value, datetime | int | float) else f"is {_named(value)}, not a time"


class Each(Shape):
    """A list of values of one shape."""

    def __init__(self, member: Shape, *, least: int = 0, most: int | None = None) -> None:
        self.member = member
        self.least = least
        self.most = most

    @override
    def flaw(self, value: object) -> str:
        if not isinstance(value, list | tuple):
            return f"is {_named(value)}, not a list"
        values = cast(list[object], value)
        if len(values) < self.least or (self.most is not None and len(values) > self.most):
            return f"has {len(values)} members; it may have {self.least} to {self.most}"
        for place, each in enumerate(values):
            if flaw := self.member.flaw(each):
                return f"[{place}]{_joined(flaw)}"
        return ""


class Record(Shape):
    """A mapping with certain members, each of its own shape."""

    def __init__(self, required: Iterable[str] = (), **members: Shape) -> None:
        self.required = frozenset(required)
        self.members: Mapping[str, Shape] = members
        self._flaws = {name: shape.flaw for name, shape in members.items()}

    @override
    def flaw(self, value: object) -> str:
        if not isinstance(value, dict):
            return f"is {_named(value)}, not a structure"
        values = cast(dict[str, object], value)
        for name, each in values.items():
            flaw_of = self._flaws.get(name)
            if flaw_of is None:
                return f".{name} is unknown; there are {', '.join(self.members)}"
            if flaw := flaw_of(each):
                return f".{name}{_joined(flaw)}"
        if not self.required <= values.keys():
            return f".{min(self.required - values.keys())} is missing"
        return ""


def _named(value: object) -> str:
    return "null" if value is None else f"a {type(value).__name__}"


def _joined(flaw: str) -> str:
    return flaw if flaw[0] in ".[" else f" {flaw}"
