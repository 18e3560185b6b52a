"""``ctx.run_in_child_context``: a group of operations with one recorded outcome."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from durable_core._core.failures import message_of
from durable_core._core.rebuilding import Family, rebuild
from durable_core._core.text import visible
from durable_core._runtime.attempt import Attempt
from durable_core._runtime.kind import Kind
from durable_core._runtime.perform import removed
from durable_core._runtime.scope import Scope
from durable_core._wire.shapes import TERMINAL, ErrorObject, Operation, OperationType
from durable_core.config import ChildConfig
from durable_core.errors import (
    ChildContextError,
    NonDeterministicExecutionError,
    OperationError,
    SerDesError,
    SizeLimitError,
    ValidationError,
)
from durable_core.limits import ServiceLimits
from durable_core.operations.functions import checked_name, facts_of, serdes_of
from durable_core.serdes import SerDes

_DEFAULT = ChildConfig()
_NOTHING: Any = object()


class Child(Kind[Any]):
    """A CONTEXT operation, or a virtual one that is not recorded itself."""

    __slots__ = ("_args", "_cause", "_facts", "_func", "_make_context", "_value", "config", "recorded")

    type: OperationType = "CONTEXT"
    subtype = "RunInChildContext"
    runs_the_users = True
    """Whether its body is a function of the user's."""

    def __init__(
        self,
        func: Callable[..., Any],
        args: tuple[Any, ...],
        name: str | None,
        config: ChildConfig | None,
        make_context: Callable[[Scope], object],
    ) -> None:
        self._func = func
        self._args = args
        self._facts = facts_of(func)
        self._make_context = make_context
        self.name: str | None = checked_name(name) or self._facts.name
        self.config: ChildConfig = _DEFAULT if config is None else config
        if not isinstance(self.config, ChildConfig):
            raise ValidationError(f"run_in_child_context takes a ChildConfig as its config, got {self.config!r}")
        self.recorded: bool = not self.config.virtual
        self._value = _NOTHING
        self._cause: BaseException | None = None

    def __str__(self) -> str:
        return f'child context "{self.name}"' if self.name else "a child context"

    def admit(self) -> None:
        self._serdes()

    def is_over(self, entry: Operation) -> bool:
        return entry["Status"] in TERMINAL and not _replays_children(entry)

    def recall(self, entry: Operation) -> Any:
        details = entry.get("ContextDetails", {})
        if entry["Status"] == "SUCCEEDED":
            if self._value is not _NOTHING:
                return self._value
            return self.read(self._serdes(), details.get("Result", "null"))
        raise self.failed(details.get("Error", {}), entry) from self._cause

    def failed(self, record: ErrorObject, entry: Operation) -> OperationError:
        """The error that *record* describes."""
        return rebuild(ChildContextError, record, entry, Family(self.execution.settings.errors, self._facts.names))

    async def run(self, entry: Operation | None) -> Operation:
        serdes = self._serdes()
        begun = entry is not None or self.id in self.execution.journal.begun
        if entry is None:
            self.driver.post(self.update("START"))
        again = entry is not None and _replays_children(entry)
        result = await self.enter(begun=begun, over=again)
        if entry is not None and again:
            await self.driver.turn(self.id, self.moment(entry))
            return self._rebuilt(entry, result, serdes)
        if result.error is None:
            return await self._succeed(result.value, serdes)
        return await self._fail(result.error)

    async def run_unrecorded(self) -> Any:
        """Run the body without recording a CONTEXT; what it raises is raised as it is."""
        result = await self.enter(begun=True)
        if result.error is not None:
            raise self._unrecorded(result.error)
        return result.value

    def _unrecorded(self, error: BaseException) -> BaseException:
        """What is raised for *error*, of which there is no record."""
        return self._mapped(error)

    async def enter(self, *, begun: bool, over: bool = False) -> Attempt:
        """Run the body in a scope of its own.

        *begun*: an earlier invocation may have run it. *over*: only to give again what its children have recorded.
        """
        scope = self.inside(begun=begun, over=over)
        hooks = self.execution.hooks
        around = None if hooks is None or not self.runs_the_users else hooks.around_body(self, again=over)
        result = await self.driver.enter(scope, self._func, (self._make_context(scope), *self._args), around)
        self.lane.replaying = self.lane.replaying and scope.lane.replaying
        return check_unread(scope, result)

    def inside(self, *, begun: bool, over: bool) -> Scope:
        """The scope of its body."""
        parent = self.lane.scope
        return Scope(
            self.execution,
            self.driver,
            id=self.id,
            name=self.name,
            parent_id=parent.parent_id if self.config.virtual else self.id,
            replaying=self.replaying and begun,
            over=over or parent.over,
            depth=parent.depth + 1,
            above=parent.parent_id,
        )

    async def _succeed(self, value: Any, serdes: SerDes[Any]) -> Operation:
        limits = self.execution.settings.limits
        try:
            payload, seen = self.write(serdes, value)
            fields: dict[str, Any] = {"Payload": payload}
            if len(payload.encode()) > min(limits.payload_bytes, ServiceLimits.DEFAULT.payload_bytes):
                fields = {"Payload": self._summary(seen), "ContextOptions": {"ReplayChildren": True}}
            entry = await self.driver.conclude(self.update("SUCCEED", **fields))
        except (SerDesError, SizeLimitError) as error:
            return await self._fail(error)
        except _SummaryError as error:
            return await self._fail(error.__cause__ or error)
        self._value = seen
        return entry

    def _summary(self, value: Any) -> str:
        most = ServiceLimits.DEFAULT.payload_bytes
        try:
            summary = "" if self.config.summary_generator is None else self.config.summary_generator(value)
        except Exception as trouble:
            raise _SummaryError from trouble
        if not isinstance(summary, str):
            raise SerDesError(f"the summary_generator of {self} must return str, but returned {type(summary).__name__}")
        if len(summary.encode()) > most:
            raise SizeLimitError(f"the summary of {self} has {len(summary.encode())} bytes; it may have {most}")
        return summary

    async def _fail(self, error: BaseException) -> Operation:
        self._cause = error
        return await self.driver.conclude(self.update("FAIL", Error=self.describe(self._mapped(error))))

    def _mapped(self, error: BaseException) -> BaseException:
        if self.config.error_mapper is None:
            return error
        try:
            mapped = self.config.error_mapper(error)
        except Exception as trouble:
            trouble.__context__ = error
            return trouble
        returned: object = mapped
        if not isinstance(returned, BaseException):
            return ValidationError(f"the error_mapper of {self} must return an exception, but returned {mapped!r}")
        return mapped

    def _rebuilt(self, entry: Operation, result: Attempt, serdes: SerDes[Any]) -> Operation:
        """A finished child whose result was too large: its children have given it again."""
        if result.error is not None:
            if isinstance(result.error, NonDeterministicExecutionError):
                raise result.error
            raise NonDeterministicExecutionError(
                f"{self} was recorded as succeeded; its replay raised {type(result.error).__name__}: "
                + visible(message_of(result.error))
            ) from result.error
        self._value = self.write(serdes, result.value)[1]
        return entry

    def _serdes(self) -> SerDes[Any]:
        return serdes_of(self.config, self.execution.settings, self._facts)


class _SummaryError(Exception):
    """The program's ``summary_generator`` raised."""


def check_unread(scope: Scope, result: Attempt) -> Attempt:
    """*result*, or the error that a body which returned has left recorded operations unread."""
    if result.error is not None:
        return result
    journal = scope.execution.journal
    for lane in (scope.lane, *scope.returned) if journal.has_unread else ():
        entry = next((found for id in lane.next_ids() if (found := journal.unread(id)) is not None), None)
        if entry is not None:
            return Attempt(error=removed(entry, lane))
    return result


def _replays_children(entry: Operation) -> bool:
    return entry["Status"] == "SUCCEEDED" and bool(entry.get("ContextDetails", {}).get("ReplayChildren"))
