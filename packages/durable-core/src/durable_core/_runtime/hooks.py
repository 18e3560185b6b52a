"""Telling plugins what happens. Without plugins there is no ``Hooks``, and nothing of this is built."""

from __future__ import annotations

import contextvars
import inspect
import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from durable_core._core.clock import ended, millis
from durable_core._core.journal import Journal
from durable_core._runtime.attempt import Attempt
from durable_core._wire.shapes import TERMINAL, ErrorObject, InvocationAnswer, Operation
from durable_core.plugin import (
    AttemptEnd,
    AttemptStart,
    DurablePlugin,
    InvocationEnd,
    InvocationStart,
    OperationChange,
    OperationInfo,
    PluginFactory,
)

if TYPE_CHECKING:
    from durable_core._runtime.execution import Execution
    from durable_core._runtime.kind import Kind

_log = logging.getLogger("durable_core")

_FAILED: Any = object()
"""What a call to a plugin gives that raised."""


class Recorded(Mapping[str, OperationInfo]):
    """A view of the journal, without the execution's own record."""

    def __init__(self, journal: Journal) -> None:
        self._operations = journal.operations

    def __getitem__(self, id: str) -> OperationInfo:
        entry = self._operations[id]
        if entry["Type"] == "EXECUTION":
            raise KeyError(id)
        return told(entry)

    def __iter__(self) -> Iterator[str]:
        return iter([id for id, entry in list(self._operations.items()) if entry["Type"] != "EXECUTION"])

    def __len__(self) -> int:
        return sum(entry["Type"] != "EXECUTION" for entry in list(self._operations.values()))


class Hooks:
    """The plugins of one invocation."""

    def __init__(self, execution: Execution, factories: Sequence[PluginFactory], updated: Iterable[str]) -> None:
        journal = execution.journal
        self.context: contextvars.Context = contextvars.copy_context()
        """That of the handler, and of the invocation's hooks."""
        self._execution = execution
        self._before = frozenset(journal.operations)
        self._known = {id: _state(entry) for id, entry in journal.operations.items()}
        self._begun: set[str] = set()
        self._bodies: dict[str, Around] = {}
        found = (journal.find(id) for id in dict.fromkeys(updated))
        news = [entry for entry in found if entry is not None and entry["Type"] != "EXECUTION"]
        self._start: dict[str, Any] = {
            "execution_arn": execution.arn,
            "execution_name": execution.name,
            "execution_start_time": execution.start,
            "request_id": execution.request_id,
            "is_first_invocation": not journal.replays,
            "operations": Recorded(journal),
            "updated_operations": MappingProxyType({entry["Id"]: told(entry) for entry in news}),
        }
        self._ended = sorted((e for e in news if e["Status"] in TERMINAL), key=lambda e: (ended(e), e["Id"]))
        self._factories = factories
        self._plugins: list[DurablePlugin] = []
        self._one_at_a_time = threading.RLock()
        """Operation hooks; branches of blocking workflows begin operations on several threads."""

    # The invocation

    def begin(self) -> None:
        """The invocation begins."""
        start = InvocationStart(**self._start)
        for factory in self._factories:
            plugin = self._guarded(factory, start, "factory")
            if isinstance(plugin, DurablePlugin):
                self._plugins.append(plugin)
            elif plugin is not _FAILED:
                _log.error("a plugin factory returned %r, which is no DurablePlugin; it is left out", type(plugin))
        self._tell("on_invocation_start", lambda: start)
        for entry in self._ended:
            self._tell("on_operation_end", partial(told, entry))

    def finish(self, answer: InvocationAnswer | None, error: BaseException | None) -> None:
        """The invocation has ended."""
        status = "RETRY" if answer is None else answer["Status"]
        self._tell("on_invocation_end", lambda: InvocationEnd(**self._start, status=status, error=error))
        self._plugins = []  # what cannot be stopped may still run on a thread, and is not told of

    # Operations

    def operation(self, kind: Kind[Any], entry: Operation | None) -> None:
        """An operation is performed whose record is *entry*; one that is over is not begun any more."""
        if kind.id in self._begun or (entry is not None and entry["Status"] in TERMINAL):
            return
        self._begun.add(kind.id)
        with self._one_at_a_time:
            self._tell("on_operation_start", lambda: self._shown(kind, entry))

    def changed(self, entries: Iterable[Operation]) -> None:
        """The service has told of *entries*."""
        news = []
        for entry in entries:
            state = _state(entry)
            if entry["Type"] != "EXECUTION" and self._known.get(entry["Id"]) != state:
                self._known[entry["Id"]] = state
                news.append(entry)
        if news:
            with self._one_at_a_time:
                self._tell_changes(news)

    def _tell_changes(self, news: list[Operation]) -> None:
        self._tell(
            "on_operation_change",
            lambda: OperationChange(
                execution_arn=self._execution.arn,
                updated_operations=MappingProxyType({entry["Id"]: told(entry) for entry in news}),
                operations=Recorded(self._execution.journal),
            ),
        )
        for entry in news:
            if entry["Status"] in TERMINAL:
                self._tell("on_operation_end", partial(told, entry))

    # Functions of the user's

    def around_attempt(self, kind: Kind[Any], number: int) -> Around:
        """What is told around the attempt with this *number*."""
        return Around(self, kind, number, again=False)

    def around_body(self, kind: Kind[Any], *, again: bool) -> Around:
        """What is told around the body of a context; the same when a branch runs again in this invocation.

        *again*: it runs only to give a large result once more.
        """
        return self._bodies.setdefault(kind.id, Around(self, kind, None, again=again))

    def attempt_began(self, kind: Kind[Any], number: int | None, begun: datetime, *, again: bool) -> dict[str, Any]:
        """Tell that a function is about to run; return the fields to tell its end with."""
        entry = kind.execution.journal.find(kind.id) if kind.recorded else None
        shown = self._shown(kind, entry)
        fields: dict[str, Any] = {
            **{name: getattr(shown, name) for name in OperationInfo.__struct_fields__},
            "status": "STARTED",
            "start_time": begun,
            "end_time": None,
            "attempt": number,
            "result": None,
            "error": None,
            "is_replaying_children": again,
            "is_recorded": kind.recorded,
        }
        self._tell("on_attempt_start", lambda: AttemptStart(**fields))
        return fields

    def attempt_ended(self, fields: dict[str, Any], result: Attempt) -> None:
        """Tell what came of a function."""
        outcome: Literal["SUCCEEDED", "FAILED"] = "SUCCEEDED" if result.error is None else "FAILED"
        fields["end_time"] = self.now()
        self._tell("on_attempt_end", lambda: AttemptEnd(**fields, outcome=outcome, exception=result.error))

    def now(self) -> datetime:
        """The time, as near to the service's as this machine knows it."""
        return _moment(self._execution.now())

    def _shown(self, kind: Kind[Any], entry: Operation | None) -> OperationInfo:
        replayed = kind.was_met(self._before)
        if entry is not None:
            return told(entry, replayed=replayed)
        return OperationInfo(
            operation_id=kind.id,
            operation_type=kind.type,
            sub_type=kind.subtype,
            name=kind.name,
            parent_id=kind.lane.scope.parent_id,
            status="STARTED",
            is_replayed=replayed,
        )

    def _tell(self, hook: str, make: Callable[[], Any]) -> None:
        info: Any = None
        for plugin in self._plugins:
            if getattr(type(plugin), hook) is not getattr(DurablePlugin, hook):
                info = make() if info is None else info
                self._guarded(getattr(plugin, hook), info, hook)

    def _guarded(self, call: Callable[[Any], Any], info: Any, what: str) -> Any:
        try:
            result = call(info)
        except BaseException as error:  # a plugin disturbs nothing, whatever it raises
            if isinstance(error, KeyboardInterrupt) and self._execution.interrupt.pressed:
                raise
            _log.exception("the %s of plugin %r failed; the workflow goes on", what, call)
            return _FAILED
        if inspect.iscoroutine(result):
            result.close()
            _log.error("the %s of plugin %r is async; hooks are plain functions, and this one did not run", what, call)
            return _FAILED
        return result


class Around:
    """One run of a function of the user's."""

    __slots__ = ("_again", "_begun", "_fields", "_hooks", "_kind", "_number", "context")

    def __init__(self, hooks: Hooks, kind: Kind[Any], number: int | None, *, again: bool) -> None:
        self._hooks = hooks
        self._kind = kind
        self._number = number
        self._again = again
        self._begun = False
        self._fields: dict[str, Any] | None = None
        self.context: contextvars.Context = contextvars.copy_context()
        """The context variables of a body; of an attempt, as its start has left them."""

    def start(self) -> None:
        """It is about to run, if it does not run already."""
        if self._begun:
            return
        self._begun = True
        self._fields = self._hooks.attempt_began(self._kind, self._number, self._hooks.now(), again=self._again)
        if self._number is not None:
            self.context = contextvars.copy_context()

    def end(self, result: Attempt) -> None:
        """It has come to *result*; what comes after a first end is of no account."""
        self._begun = True  # its time may be up before a thread is free for it
        fields, self._fields = self._fields, None
        if fields is not None:
            self._hooks.attempt_ended(fields, result)


def told(entry: Operation, *, replayed: bool = False) -> OperationInfo:
    """*entry* as plugins see it."""
    over = entry["Status"] in TERMINAL
    began, over_at = millis(entry["StartTimestamp"]), ended(entry)
    result, error = _outcome(entry)
    return OperationInfo(
        operation_id=entry["Id"],
        operation_type=entry["Type"],
        sub_type=entry.get("SubType"),
        name=entry.get("Name"),
        parent_id=entry.get("ParentId"),
        status=entry["Status"],
        start_time=_moment(began) if began else None,
        end_time=_moment(over_at) if over and over_at else None,
        attempt=entry.get("StepDetails", {}).get("Attempt"),
        result=result if entry["Status"] == "SUCCEEDED" else None,
        error=error if entry["Status"] != "SUCCEEDED" else None,
        is_replayed=replayed,
    )


def _outcome(entry: Operation) -> tuple[str | None, ErrorObject | None]:
    for details in (
        entry.get("StepDetails"),
        entry.get("ContextDetails"),
        entry.get("CallbackDetails"),
        entry.get("ChainedInvokeDetails"),
    ):
        if details is not None:
            return details.get("Result"), details.get("Error")
    return None, None


def _state(entry: Operation) -> tuple[str, int | None]:
    return entry["Status"], entry.get("StepDetails", {}).get("Attempt")


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
