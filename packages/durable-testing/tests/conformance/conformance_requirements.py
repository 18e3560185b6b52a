"""The requirements of the conformance suite, read from its files: they stand beside the checkout, not in it."""

from __future__ import annotations

import os
import random
import re
import string
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from conformance_logs import LogRule
from conformance_outside import CallbackAction

VARIABLE = "DURABLE_CONFORMANCE"
"""The environment variable that names the folder of the suite."""

DESCRIPTIVE = {"description", "handler", "invocations", "async", "optional"}
"""Members for people; *async* repeats ``AsyncInvoke``. An optional requirement is required here."""
MEMBERS = {
    "Variables", "Input", "AsyncInvoke", "CallbackActions", "ExpectedExecutionHistory", "ExpectedResult", "ExpectedLogs"
}  # fmt: skip

REFERENCE = re.compile(r"\$\{(\w+)\}")
GENERATED = re.compile(r"\$\{GEN_STR:(\d+)\}")
CLOSING = {"SUCCEEDED": "ExecutionSucceeded", "FAILED": "ExecutionFailed"}
"""The event with which an execution of this status ends."""


class Ending(NamedTuple):
    """What an execution must come to."""

    status: str
    has_result: bool
    """Whether it must have this result; else any will do."""
    result: Any


class Requirement(NamedTuple):
    """What one file demands, its variables filled in."""

    id: str
    suite: str
    input: Any
    by_event: bool
    """Whether the function is invoked asynchronously."""
    actions: Sequence[CallbackAction]
    events: Sequence[Mapping[str, Any]]
    ending: Ending | None
    """``None``: nobody waits for it; the execution is left as soon as the events are there."""
    logs: Sequence[LogRule]

    @property
    def length(self) -> int | None:
        """How many events the history has, where that follows from those that are listed."""
        last = max(self.events, key=lambda event: event["EventId"])
        if self.ending is None or last["EventType"] in CLOSING.values():
            return int(last["EventId"])
        if last["EventType"] == "InvocationCompleted":
            return int(last["EventId"]) + 1  # the execution's end, which follows its last invocation
        return None


def suite_folder() -> Path | None:
    """The folder that ``DURABLE_CONFORMANCE`` names, else ``shared/conformance`` beside the checkout, if it is there.

    ``FileNotFoundError`` if the variable names no folder: who sets it wants the suite to be run.
    """
    if named := os.environ.get(VARIABLE):
        if not Path(named).is_dir():
            raise FileNotFoundError(f"{VARIABLE} names no folder: {named}")
        return Path(named)
    places = (above / "shared" / "conformance" for above in Path(__file__).resolve().parents)
    return next((place for place in places if place.is_dir()), None)


def requirements_in(folder: Path) -> dict[str, Requirement]:
    """Every requirement of the suite, by its id."""
    found = [requirement(path.parent.name, path.stem, path.read_text()) for path in folder.glob("*/*.yaml")]
    return {each.id: each for each in sorted(found, key=lambda each: in_order(each.id))}


def in_order(id: str) -> list[int]:
    """A key that sorts ids as people count: 1-2 before 1-10."""
    return [int(part) for part in id.split("-")]


def requirement(suite: str, id: str, text: str) -> Requirement:
    """The requirement that a file's *text* states; ``ValueError`` if it says what is not understood here."""
    stated = yaml.safe_load(text)
    only_known(id, stated, DESCRIPTIVE | MEMBERS)
    variables = drawn(stated.get("Variables") or {}, random.Random(id))
    fill = filler(id, variables, names_may_be_bound=False)
    fill_pattern = filler(id, variables, names_may_be_bound=True)
    ending = stated.get("ExpectedResult")
    return Requirement(
        id,
        suite,
        fill(stated["Input"]),
        stated.get("AsyncInvoke", False),
        [action_of(id, each) for each in fill(stated.get("CallbackActions", []))],
        fill_pattern(stated["ExpectedExecutionHistory"]),
        None if ending is None else ending_of(id, fill(ending)),
        [rule_of(id, each) for each in fill_pattern(stated.get("ExpectedLogs", []))],
    )


def drawn(variables: Mapping[str, Any], draw: random.Random) -> dict[str, str]:
    """The values of *variables*: drawn where the file asks for a random text."""
    letters = string.ascii_lowercase + string.digits
    return {
        name: GENERATED.sub(lambda match: "".join(draw.choices(letters, k=int(match[1]))), str(value))
        for name, value in variables.items()
    }


def filler(id: str, variables: Mapping[str, str], *, names_may_be_bound: bool) -> Callable[[Any], Any]:
    """A function that puts the *variables* in whatever it is given.

    Where other names *may be bound* by the history, they stay, each as a text of its own.
    """

    def fill(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: fill(each) for key, each in value.items()}
        if isinstance(value, list):
            return [fill(each) for each in value]
        if not isinstance(value, str):
            return value
        filled = REFERENCE.sub(lambda match: variables.get(match[1], match[0]), value)
        if REFERENCE.search(filled) and not (names_may_be_bound and REFERENCE.fullmatch(filled)):
            raise ValueError(f"{id}: a name in {value!r} stands for nothing")
        return filled

    return fill


def ending_of(id: str, stated: Mapping[str, Any]) -> Ending:
    """What an ``ExpectedResult`` demands."""
    only_known(id, stated, {"ExecutionStatus", "Result"})
    return Ending(stated["ExecutionStatus"], "Result" in stated, stated.get("Result"))


def action_of(id: str, stated: Mapping[str, Any]) -> CallbackAction:
    """What somebody outside does, by one of the ``CallbackActions``."""
    only_known(id, stated, {"CallbackName", "Operation", "Payload", "Delay"})
    return CallbackAction(
        str(stated["CallbackName"]), stated["Operation"], stated.get("Payload"), stated.get("Delay", 0)
    )


def rule_of(id: str, stated: Mapping[str, Any]) -> LogRule:
    """What one of the ``ExpectedLogs`` demands: at least one record, unless it counts them."""
    only_known(id, stated, {"match", "count", "min_count", "max_count", "after", "before"})
    exactly, most = stated.get("count"), stated.get("max_count")
    if exactly is not None:
        least = most = exactly
    else:
        least = stated.get("min_count", 1 if most is None else 0)
    return LogRule(stated["match"], least, most, stated.get("after", ()), stated.get("before", ()))


def only_known(id: str, stated: Mapping[str, Any], known: Iterable[str]) -> None:
    """``ValueError`` if there are members that nobody would look at."""
    if unknown := sorted(stated.keys() - set(known)):
        raise ValueError(f"{id}: the members {unknown} are not understood")
