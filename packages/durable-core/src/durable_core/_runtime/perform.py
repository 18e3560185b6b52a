"""The one place that decides between recalling an operation and running it."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Generic, Protocol, TypeVar

from durable_core._core.failures import describe
from durable_core._core.text import visible
from durable_core._runtime.driver import Driver
from durable_core._runtime.execution import Execution, Seen
from durable_core._runtime.scope import Place
from durable_core._wire.shapes import (
    ErrorObject,
    Operation,
    OperationAction,
    OperationType,
    OperationUpdate,
)
from durable_core.errors import NonDeterministicExecutionError, SizeLimitError
from durable_core.limits import error_limit
from durable_core.serdes import JsonSerDes, SerDes, SerDesContext, read, write

T_co = TypeVar("T_co", covariant=True)

_ADVICE = "Keep the order of operations stable for running executions, or publish a new version."


class Kind(Protocol, Generic[T_co]):
    """An operation that the code asks for: what it is, and how it runs or is recalled."""

    type: OperationType
    subtype: str
    name: str | None
    recorded: bool
    """``False``: nothing of it is in the history, and its body always runs."""

    def is_over(self, entry: Operation) -> bool:
        """Whether *entry* can be recalled."""
        ...

    async def run(self, recorder: Recorder, entry: Operation | None) -> Operation:
        """Do the work that is left, from what is recorded so far; return the operation once it is over."""
        ...

    async def run_unrecorded(self, recorder: Recorder) -> T_co:
        """Run it where it is not ``recorded``."""
        ...

    def recall(self, recorder: Recorder, entry: Operation) -> T_co:
        """The result that *entry*, which is over, records, or its error."""
        ...


class Recorder:
    """What an operation may ask of its execution, with its own place filled in."""

    __slots__ = ("driver", "execution", "kind", "place", "replaying")

    def __init__(self, execution: Execution, place: Place, kind: Kind[Any]) -> None:
        self.replaying: bool = place.lane.replaying
        """Whether the code that asks for the operation was repeating what an earlier invocation did."""
        self.execution: Execution = execution
        self.driver: Driver = execution.driver
        self.place: Place = place
        self.kind: Kind[Any] = kind

    def update(self, action: OperationAction, **fields: Any) -> OperationUpdate:
        """An update of this operation; a payload or error over the limit is a ``SizeLimitError``."""
        kind, parent = self.kind, self.place.lane.scope.parent_id
        update: OperationUpdate = {"Id": self.place.id, "Type": kind.type, "SubType": kind.subtype, "Action": action}
        if kind.name is not None:
            update["Name"] = kind.name
        if parent is not None:
            update["ParentId"] = parent
        update.update(fields)  # type: ignore[typeddict-item]
        return update

    def check_size(self, payload: str, limit: int) -> None:
        """``SizeLimitError`` if *payload* has more than *limit* bytes."""
        if len(payload) * 4 > limit and (size := len(payload.encode())) > limit:
            raise SizeLimitError(f"the result of {self.kind} has {size} bytes; the service takes at most {limit}")

    def describe(self, error: BaseException) -> ErrorObject:
        """*error* as it is recorded."""
        settings = self.execution.settings
        return describe(error, limit=error_limit(settings.limits), stack_trace=settings.stack_traces)

    async def put(self, update: OperationUpdate) -> Operation:
        """Record *update*, and return the operation as it is recorded then."""
        await self.driver.put(update)
        entry = self.execution.journal.find(self.place.id)
        assert entry is not None, "what was recorded is in the journal"
        return entry

    def read(self, serdes: SerDes[Any], data: str) -> Any:
        """The value that *data* records of this operation."""
        if type(serdes) is JsonSerDes:  # which does not look at the context: a replay spares making it
            with suppress(Exception):
                return serdes.deserialize(data)
        return read(serdes, data, self._serdes_context())

    def write(self, serdes: SerDes[Any], value: object) -> tuple[str, Any]:
        """The text to record for *value*, and the value as a replay will read it."""
        return write(serdes, value, self._serdes_context())

    def _serdes_context(self) -> SerDesContext:
        return SerDesContext(self.place.id, self.kind.name, self.execution.arn)


async def perform(execution: Execution, place: Place, kind: Kind[T_co]) -> T_co:
    """The result of the operation at *place*: recalled if it is over, else run; ``CancelledError`` after the end."""
    driver = execution.driver
    if driver.ending is not None:
        await driver.refuse()
    begun = driver.begin(place, kind)
    try:
        recorder = Recorder(execution, place, kind)
        if not kind.recorded:
            return await kind.run_unrecorded(recorder)
        entry = execution.journal.find(place.id)
        if entry is not None:
            check_same(entry, recorder)
        if entry is None or not execution.journal.was_over(place.id):
            place.lane.replaying = False
        if entry is None and place.lane.scope.over:
            raise unexpected(recorder)
        if entry is None or not kind.is_over(entry):
            entry = await kind.run(recorder, entry)
        await driver.turn(entry)
        if execution.see is not None:
            execution.see(Seen(place.id, entry["Status"]))
        return kind.recall(recorder, entry)
    finally:
        driver.finish(begun)


def check_same(entry: Operation, recorder: Recorder) -> None:
    """``NonDeterministicExecutionError`` unless *entry* is of the kind, and has the name and parent, asked for."""
    kind, parent = recorder.kind, recorder.place.lane.scope.parent_id
    if (
        entry["Type"] == kind.type
        and entry.get("SubType", kind.subtype) == kind.subtype
        and entry.get("Name") == kind.name
        and entry.get("ParentId") == parent
    ):
        return
    raise NonDeterministicExecutionError(
        f"{recorder.place} was recorded as {_shown(entry['Type'], entry.get('SubType'), entry.get('Name'))}"
        f"{_under(entry.get('ParentId'), parent)}; the code now asks for "
        f"{_shown(kind.type, kind.subtype, kind.name)} ({recorder.place.line}). {_ADVICE}"
    )


def unexpected(recorder: Recorder) -> NonDeterministicExecutionError:
    """The error for an operation that a context which is over did not have."""
    kind = recorder.kind
    return NonDeterministicExecutionError(
        f"{recorder.place} was not recorded before {recorder.place.lane.scope} ended; the code now asks for "
        f"{_shown(kind.type, kind.subtype, kind.name)} ({recorder.place.line}). {_ADVICE}"
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
