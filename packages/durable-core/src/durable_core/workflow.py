"""A decorated handler: what it is, and what it takes and gives."""

from __future__ import annotations

import inspect
import time
import typing
from collections.abc import Callable
from typing import Any

from durable_core import blocking
from durable_core._core.identity import execution_name
from durable_core._core.journal import Journal
from durable_core._runtime.driver import Seen
from durable_core._runtime.engine import engine, off_loop
from durable_core._runtime.exchange import Exchange, RefusedError
from durable_core._runtime.execution import Settings
from durable_core._runtime.interrupts import watched
from durable_core._runtime.pipeline import Pipeline
from durable_core._wire.shapes import InvocationAnswer, InvocationEvent, Operation
from durable_core.client import DurableServiceClient
from durable_core.context import DurableContext
from durable_core.errors import CheckpointError, ExecutionError, ValidationError
from durable_core.invocation import Circumstances, Invocation, Program, failed
from durable_core.limits import BATCH_UPDATES
from durable_core.operations.functions import hint, resolved
from durable_core.serdes import SerDesContext, json_serdes, read


class Workflow:
    """The function that ``@durable_execution`` was given, and the settings; runners start here."""

    def __init__(self, func: Callable[..., Any], settings: Settings) -> None:
        self.func = func
        self.settings = settings
        self.is_async: bool = inspect.iscoroutinefunction(func)
        self._hints: dict[str, Any] | None = None
        self._event_name = _check_signature(func)
        _check_flavour(func, self.is_async, self.hints)

    @property
    def hints(self) -> dict[str, Any]:
        """The annotations of the function, resolved as far as they can be."""
        if self._hints is None:
            declared = self.func.__annotations__
            found = {name: resolved(annotation, self.func) for name, annotation in declared.items()}
            if Any in found.values():
                return found  # a name may be defined later in the module
            self._hints = found
        return self._hints

    @property
    def event_type(self) -> Any:
        """What the event is decoded into; ``None``: plain JSON."""
        return hint(self.hints.get(self._event_name, inspect.Parameter.empty))

    @property
    def result_type(self) -> Any:
        """What the result is encoded as; ``None``: plain JSON."""
        return hint(self.hints.get("return", inspect.Parameter.empty))

    def decode_result(self, payload: str) -> Any:
        """The handler's result from its JSON."""
        return read(json_serdes(self.result_type), payload, SerDesContext(None, "the result", ""))

    def invoke(
        self,
        event: InvocationEvent,
        lambda_context: Any,
        *,
        client: DurableServiceClient,
        see: Callable[[Seen], None] | None = None,
        impatient: bool = False,
        batch_updates: int = BATCH_UPDATES,
        dry: bool = False,
        now: Callable[[], int] | None = None,
    ) -> InvocationAnswer:
        """Run one invocation and return its answer; what it raises makes Lambda call again.

        *see* is told of every outcome that the workflow sees. *impatient*: a workflow that waits for nothing known
        fails at once, not at the deadline. *batch_updates* is how many updates may share a call. *dry*: a replay only;
        no step's body runs, and an operation that is not recorded is a ``NonDeterministicExecutionError``. *now* gives
        the service's time in milliseconds, where it is not that of this machine.
        """
        arn, deadline = event["DurableExecutionArn"], _deadline(lambda_context)
        exchange = Exchange(client, arn, event["CheckpointToken"], deadline)
        try:
            operations = exchange.rest(event["InitialExecutionState"])
        except RefusedError as refused:
            error = ExecutionError(f"the service refused to tell the execution's state: {refused}")
            return failed(self.settings, error)
        record = _execution_record(operations, arn)
        updated = tuple(event.get("UpdatedOperationIds") or ())
        journal = Journal(operations, updated)
        pipeline = Pipeline(exchange, journal, batch_updates=batch_updates)
        given = Circumstances(arn, lambda_context, updated, deadline, see, impatient, dry, now or _now)
        program = Program(self.func, self.is_async, self.event_type, self.result_type, self.settings)
        invocation = Invocation(program, record, journal, pipeline, given)
        with engine() as mine, watched() as interrupt:
            try:
                return off_loop(lambda: invocation.run(mine, interrupt))
            finally:
                mine.sender.release()


def _now() -> int:
    return time.time_ns() // 1_000_000


def _check_signature(func: Callable[..., Any]) -> str:
    """The name of the event's parameter; ``TypeError`` unless the function takes an event and a context."""
    name = getattr(func, "__qualname__", "handler")
    is_async = inspect.iscoroutinefunction(func) or inspect.isasyncgenfunction(func)
    shape = f"write `{'async ' if is_async else ''}def {name}(event, ctx)`"
    if inspect.isgeneratorfunction(func) or inspect.isasyncgenfunction(func):
        raise TypeError(f"a durable handler returns its result, but {name} is a generator; {shape} without yield")
    if not inspect.isroutine(func):
        raise TypeError(f"@durable_execution decorates a function, got {func!r}; {shape}")
    try:
        inspect.signature(func).bind(None, None)
    except TypeError:
        raise TypeError(f"a durable handler takes an event and a context, but {name} does not; {shape}") from None
    return next(iter(inspect.signature(func).parameters))


def _check_flavour(func: Callable[..., Any], is_async: bool, hints: dict[str, Any]) -> None:
    parameters = list(inspect.signature(func).parameters)
    declared = hints.get(parameters[1]) if len(parameters) > 1 else None
    wrong = blocking.DurableContext if is_async else DurableContext
    if declared is wrong:
        flavours = [("durable_core", "async def"), ("durable_core.blocking", "def")]
        (right, kind), (other, _) = flavours if is_async else reversed(flavours)
        raise TypeError(
            f"{func.__qualname__} is `{kind}`, but its context is annotated with {other}.DurableContext; import "
            f"DurableContext from {right}"
        )


def _execution_record(operations: list[Operation], arn: str) -> Operation:
    """The record of the execution itself, wherever it stands; ``CheckpointError`` if it is another's, or missing."""
    records = [each for each in operations if each["Type"] == "EXECUTION" and not _is_anothers(each, arn)]
    if len(records) != 1:
        raise CheckpointError(
            f"the recorded state has {len(records)} EXECUTION operations of this execution instead of one; no code "
            "was run on it"
        )
    return records[0]


def _is_anothers(record: Operation, arn: str) -> bool:
    named = record.get("Name")
    return named is not None and named != execution_name(arn) and record["Id"] != arn.rpartition("/")[2]


def _deadline(lambda_context: Any) -> float | None:
    """When the sandbox ends, on the monotonic clock; ``None`` where the context does not say."""
    remaining = getattr(lambda_context, "get_remaining_time_in_millis", None)
    return None if remaining is None else time.monotonic() + float(remaining()) / 1000


def check_event(event: Any) -> InvocationEvent:
    """*event*, if it is that of a durable invocation; else ``ValidationError``."""
    if isinstance(event, dict) and {"DurableExecutionArn", "CheckpointToken", "InitialExecutionState"} <= event.keys():
        return typing.cast("InvocationEvent", event)
    raise ValidationError(
        "this is not the event of a durable invocation: the function has no durable configuration, or it was invoked "
        "without a qualifier; configure DurableConfig on the function, and invoke a version, an alias or $LATEST"
    )
