"""An operation that the code asks for: its place in the order, and what its kind may ask of the execution."""

from __future__ import annotations

from collections.abc import Container, Sequence
from types import CodeType, FrameType
from typing import Any, Generic, TypeVar

from durable_core._core.clock import ended
from durable_core._core.failures import describe
from durable_core._core.identity import hashed
from durable_core._runtime.driver import Driver
from durable_core._runtime.execution import Execution
from durable_core._runtime.scope import Lane
from durable_core._wire.shapes import (
    ErrorObject,
    Operation,
    OperationAction,
    OperationStatus,
    OperationType,
    OperationUpdate,
)
from durable_core.errors import SizeLimitError
from durable_core.limits import error_limit
from durable_core.serdes import JsonSerDes, SerDes, SerDesContext, read, write

T_co = TypeVar("T_co", covariant=True)


class Kind(Generic[T_co]):
    """What every kind of operation has in common. It is made when it is called, and takes its place then."""

    __slots__ = ("_at", "_code", "driver", "execution", "id", "lane", "name", "number", "replaying")

    driver: Driver
    """What carries it through this invocation."""
    type: OperationType
    subtype: str
    name: str | None
    recorded: bool
    """``False``: nothing of it is in the history, and its body always runs."""
    replaying: bool
    """Whether the code that called it was repeating what an earlier invocation did."""

    def take_place(self, lane: Lane, frame: FrameType) -> None:
        """Stand next in the order of *lane*, for the call that *frame* is making."""
        lane.operations = number = lane.operations + 1
        scope = lane.scope
        execution = scope.execution
        id = hashed(f"{lane.prefix}{number}")
        execution.journal.read(id)
        self.execution: Execution = execution
        self.driver = scope.driver
        self.lane: Lane = lane
        self.number: int = number
        self.id: str = id
        self.replaying: bool = lane.replaying
        self._code: CodeType = frame.f_code
        self._at: int = frame.f_lasti

    def stand(self, lane: Lane, number: int, id: str, code: CodeType, at: int) -> None:
        """Stand at a place that does not come from the order of *lane*."""
        self.execution, self.driver, self.lane = lane.scope.execution, lane.scope.driver, lane
        self.number, self.id = number, id
        self.replaying = lane.replaying
        self._code, self._at = code, at

    @property
    def line(self) -> str:
        """The line of the call, as ``orders.py:41``."""
        positions = list(self._code.co_positions())[self._at // 2]
        return f"{self._code.co_filename.rpartition('/')[2]}:{positions[0]}"

    @property
    def place(self) -> str:
        """Its place, as ``the 2nd operation of this execution``."""
        return f"the {_ordinal(self.number)} operation of {self.lane}"

    # What each kind does

    def admit(self) -> None:
        """Raise what stands against it, where nothing of it is recorded yet: on this run as on every replay."""

    def is_over(self, entry: Operation) -> bool:
        """Whether *entry* can be recalled."""
        raise NotImplementedError

    def is_news(self, entry: Operation) -> bool:
        """Whether *entry* has not come about yet, or no earlier invocation was told that it has."""
        journal = self.execution.journal
        return not journal.was_over(self.id) and (self.id in journal.news or not self.is_over(entry))

    def was_met(self, recorded: Container[str]) -> bool:
        """Whether an earlier invocation, which left so many operations *recorded*, came as far as this one."""
        return self.id in recorded

    def moment(self, entry: Operation) -> int:
        """When what is recalled of *entry* came about, in milliseconds of the service's clock; 0: it did not say."""
        return ended(entry)

    def status(self, entry: Operation) -> OperationStatus:
        """What the workflow sees that *entry*, which is over, came to; the same on every replay."""
        return entry["Status"]

    def recall(self, entry: Operation) -> T_co:
        """The result that *entry*, which is over, records, or its error."""
        raise NotImplementedError

    async def run(self, entry: Operation | None) -> Operation:
        """Do the work that is left, from what is recorded so far.

        Return the operation once it is over, and it is its turn to be seen.
        """
        raise NotImplementedError

    async def run_unrecorded(self) -> T_co:
        """Run it where it is not ``recorded``."""
        raise AssertionError(f"{self} is always recorded")

    def operands(self) -> Sequence[Any]:
        """What it would run: placed for its sake alone."""
        return ()

    def abandoned(self) -> OperationUpdate | None:
        """What to tell the service when nobody waits for it any more."""
        return None

    # What it does that with

    def update(self, action: OperationAction, **fields: Any) -> OperationUpdate:
        """An update of this operation."""
        update: OperationUpdate = {"Id": self.id, "Type": self.type, "SubType": self.subtype, "Action": action}
        if self.name is not None:
            update["Name"] = self.name
        parent = self.lane.scope.parent_id
        if parent is not None:
            update["ParentId"] = parent
        update.update(fields)  # type: ignore[typeddict-item]
        return update

    def entry(self) -> Operation:
        """The operation, which is recorded."""
        entry = self.execution.journal.find(self.id)
        assert entry is not None, "what was recorded is in the journal"
        return entry

    def check_size(self, payload: str, limit: int, what: str = "result") -> None:
        """``SizeLimitError`` if *payload* has more than *limit* bytes."""
        if len(payload) * 4 > limit and (size := len(payload.encode())) > limit:
            raise SizeLimitError(f"the {what} of {self} has {size} bytes; the service takes at most {limit}")

    def describe(self, error: BaseException, *, spare: int = 0) -> ErrorObject:
        """*error* as it is recorded, with so many bytes to *spare*."""
        settings = self.execution.settings
        return describe(error, limit=error_limit(settings.limits) - spare, stack_trace=settings.stack_traces)

    def read(self, serdes: SerDes[Any], data: str) -> Any:
        """The value that *data* records of this operation."""
        if type(serdes) is JsonSerDes:  # which does not look at the context: a replay spares making it
            try:
                return serdes.read(data)
            except Exception:  # noqa: S110 (said below, with the context)
                pass
        return read(serdes, data, self._serdes_context())

    def write(self, serdes: SerDes[Any], value: object) -> tuple[str, Any]:
        """The text to record for *value*, and the value as a replay will read it."""
        if type(serdes) is JsonSerDes:
            try:
                return serdes.round_trip(value)
            except Exception:  # noqa: S110 (said below, with the context)
                pass
        return write(serdes, value, self._serdes_context())

    def _serdes_context(self) -> SerDesContext:
        return SerDesContext(self.id, self.name, self.execution.arn)


def _ordinal(number: int) -> str:
    suffix = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{suffix}"
