"""What a function writes to its log: lines of JSON that name their execution, and the rules that they must keep."""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from typing import Any, NamedTuple

from conformance_matching import NAME, Bindings, alike, matched

Record = Mapping[str, Any]

REGEX = re.compile(r"/(.*)/", re.DOTALL)
EXECUTION = ("durableExecutionArn", "executionArn")


class LogRule(NamedTuple):
    """How many records look like this, and where they stand."""

    match: Mapping[str, Any]
    least: int
    most: int | None
    """``None``: any number."""
    after: Sequence[Mapping[str, Any]]
    """Every match comes after every record that looks like one of these, of which there must be some."""
    before: Sequence[Mapping[str, Any]]


@contextmanager
def function_log() -> Iterator[io.StringIO]:
    """The standard output of this block; in it, what is logged at INFO or above, a line of JSON for each record."""
    root, handler = logging.getLogger(), _JsonLines(logging.INFO)
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    try:
        with redirect_stdout(io.StringIO()) as text:
            yield text
    finally:
        root.setLevel(level)
        root.removeHandler(handler)


class _JsonLines(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        members = {"level": record.levelname, "message": record.getMessage(), **getattr(record, "fields", {})}
        if arn := getattr(record, "durable_execution_arn", None):
            members["durableExecutionArn"] = arn
        print(json.dumps(members, default=str))


def records_in(text: str, arn: str) -> list[Record]:
    """The lines of *text* that are JSON objects and name the execution, in order."""
    found = (_parsed(line) for line in text.splitlines())
    return [each for each in found if isinstance(each, dict) and arn in (each.get(name) for name in EXECUTION)]


def _parsed(line: str) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return None


def log_differences(rules: Sequence[LogRule], records: Sequence[Record], bound: Bindings) -> Iterator[str]:
    """Say which rules the *records* break."""
    for rule in rules:
        places = places_of(rule.match, records, bound)
        if len(places) < rule.least or (rule.most is not None and len(places) > rule.most):
            most = "any number" if rule.most is None else rule.most
            yield f"the log has {len(places)} records like {rule.match}, where {rule.least} to {most} may be"
        for anchor in (*rule.after, *rule.before):
            if not places_of(anchor, records, bound):
                yield f"the log has no record like {anchor}, by which others are placed"
        for anchor in rule.after:
            if any(place < other for place in places for other in places_of(anchor, records, bound)):
                yield f"the log has a record like {rule.match} before one like {anchor}"
        for anchor in rule.before:
            if any(place > other for place in places for other in places_of(anchor, records, bound)):
                yield f"the log has a record like {rule.match} after one like {anchor}"


def places_of(pattern: Mapping[str, Any], records: Sequence[Record], bound: Bindings) -> list[int]:
    """Where the records are that look like *pattern*."""
    return [place for place, record in enumerate(records) if looks_like(pattern, record, bound)]


def looks_like(pattern: Mapping[str, Any], record: Record, bound: Bindings) -> bool:
    """Whether *record* has every member of *pattern*; a name stands for what the history has bound it to."""
    return all(key in record and _same(value, record[key], bound) for key, value in pattern.items())


def _same(wanted: Any, found: Any, bound: Bindings) -> bool:
    if name := matched(NAME, wanted):
        return name in bound and alike(bound[name], found)
    if regex := matched(REGEX, wanted):
        return re.search(regex, str(found)) is not None
    return alike(*(each.strip() if isinstance(each, str) else each for each in (wanted, found)))
