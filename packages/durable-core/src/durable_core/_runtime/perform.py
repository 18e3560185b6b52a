"""The one place that decides between recalling an operation and running it."""

from __future__ import annotations

from typing import Any, Never, TypeVar

from durable_core._core.text import visible
from durable_core._runtime.driver import Seen
from durable_core._runtime.kind import Kind
from durable_core._wire.shapes import Operation
from durable_core.errors import NonDeterministicExecutionError

T = TypeVar("T")

NOT_AT_HAND: Any = object()
_ADVICE = "Keep the order of operations stable for running executions, or publish a new version."


async def perform(kind: Kind[T]) -> T:
    """The result of the operation: recalled if it is over, else run; ``CancelledError`` after the end."""
    driver = kind.driver
    if driver.ending is not None:
        await driver.refuse()
    begun = driver.begin(kind)
    try:
        if not kind.recorded:
            return await kind.run_unrecorded()
        try:
            entry = _found(kind)
            if entry is None and kind.lane.scope.over and not kind.operands():
                await unexpected(kind)
            hooks = kind.execution.hooks
            if hooks is not None:
                hooks.operation(kind, entry)
            if entry is None or not kind.is_over(entry):
                entry = await kind.run(entry)
            elif driver.alive > 1:
                await driver.turn(kind.id, kind.moment(entry))
        except NonDeterministicExecutionError as error:
            await driver.abort(error)  # the workflow may not catch it and go on
            raise
        return _seen(kind, entry)
    finally:
        driver.finish(begun)
        del begun  # a task, which holds the error that holds this frame: no circle is left


def recall(kind: Kind[T]) -> T:
    """As ``perform``, where nothing has to be waited for; else ``NOT_AT_HAND``, and nothing is done."""
    entry = at_hand(kind)
    if entry is None:
        result: T = NOT_AT_HAND
        return result
    driver = kind.driver
    begun = driver.begin(kind)
    try:
        return _seen(kind, entry)
    finally:
        driver.finish(begun)
        del begun


def at_hand(kind: Kind[Any]) -> Operation | None:
    """What is recorded of the operation, if it can be recalled without waiting for anything."""
    journal, driver = kind.execution.journal, kind.driver
    entry = journal.find(kind.id)
    if (
        entry is None
        or not kind.recorded
        or kind.id in journal.news
        or not kind.is_over(entry)
        or not _is_same(entry, kind)
        or driver.alive > 1
        or driver.ending is not None
    ):
        return None
    return entry


def _found(kind: Kind[Any]) -> Operation | None:
    """What is recorded of the operation; ``NonDeterministicExecutionError`` if it is something else."""
    journal, lane = kind.execution.journal, kind.lane
    entry = journal.find(kind.id)
    if entry is None:
        kind.admit()
        if kind.id not in journal.begun:
            lane.replaying = False
        return None
    if not _is_same(entry, kind):
        raise _changed(entry, kind)
    if lane.replaying and kind.is_news(entry):
        lane.replaying = False
    return entry


def _seen(kind: Kind[T], entry: Operation) -> T:
    see = kind.driver.see
    if see is not None:
        see(Seen(kind.id, kind.status(entry), kind.lane.prefix))
    return kind.recall(entry)


def _is_same(entry: Operation, kind: Kind[Any]) -> bool:
    """Whether *entry* is of the kind, and has the name and parent, that is asked for."""
    return (
        entry["Type"] == kind.type
        and entry.get("SubType", kind.subtype) == kind.subtype
        and entry.get("Name") == kind.name
        and entry.get("ParentId") == kind.lane.scope.parent_id
    )


def _changed(entry: Operation, kind: Kind[Any]) -> NonDeterministicExecutionError:
    """The error for an *entry* that is something else than what is asked for."""
    return NonDeterministicExecutionError(
        f"{kind.place} was recorded as {_shown(entry['Type'], entry.get('SubType'), entry.get('Name'))}"
        f"{_under(entry.get('ParentId'), kind.lane.scope.parent_id)}; the code now asks for "
        f"{_shown(kind.type, kind.subtype, kind.name)} ({kind.line}). {_ADVICE}"
    )


async def unexpected(kind: Kind[Any]) -> Never:
    """Refuse an operation that a context which is over did not have.

    Not before all that is recorded has been seen: an outcome may cancel it, as it did before it was recorded.
    """
    await kind.driver.caught_up()
    raise NonDeterministicExecutionError(
        f"{kind.place} was not recorded before {kind.lane.scope} ended; the code now asks for "
        f"{_shown(kind.type, kind.subtype, kind.name)} ({kind.line}). {_ADVICE}"
    )


def removed(entry: Operation, where: object) -> NonDeterministicExecutionError:
    """The error for *entry*, which was recorded in *where* and which the code no longer asks for."""
    return NonDeterministicExecutionError(
        f"{where} has a recorded {_shown(entry['Type'], entry.get('SubType'), entry.get('Name'))} that the code did "
        f"not ask for before it returned. {_ADVICE}"
    )


def _under(recorded: str | None, asked: str | None) -> str:
    return "" if recorded == asked else f" in the context {recorded or 'of the execution'}, not {asked or 'there'}"


def _shown(type: str, subtype: str | None, name: str | None) -> str:
    kind = type if subtype is None or subtype.upper() == type else f"{type} ({subtype})"
    return visible(f'{kind} "{name}"' if name is not None else f"{kind} without a name")
