"""A decorated handler: what it is, and how one invocation of it runs."""

from __future__ import annotations

import inspect
import json
import time
import typing
from collections.abc import Callable
from typing import Any

from durable_core import blocking
from durable_core._core.failures import describe
from durable_core._core.journal import Journal
from durable_core._runtime.async_driver import AsyncDriver
from durable_core._runtime.attempt import Attempt
from durable_core._runtime.blocking_driver import BlockingDriver
from durable_core._runtime.driver import Driver
from durable_core._runtime.endings import Breakdown, Return
from durable_core._runtime.engine import Engine, engine, off_loop, step_threads
from durable_core._runtime.exchange import Exchange, RefusedError
from durable_core._runtime.execution import Execution, Seen, Settings
from durable_core._runtime.pipeline import Pipeline
from durable_core._wire.shapes import InvocationAnswer, InvocationEvent, Operation
from durable_core.client import DurableServiceClient
from durable_core.context import DurableContext
from durable_core.errors import (
    CheckpointError,
    ExecutionError,
    InvocationError,
    OperationError,
    SerDesError,
    SizeLimitError,
    ValidationError,
)
from durable_core.limits import BATCH_UPDATES
from durable_core.operations.child import check_unread
from durable_core.operations.functions import hint
from durable_core.serdes import SerDesContext, json_serdes, read, write

_SLACK = 1_024
"""Bytes of Lambda's response that are not the result."""


class Workflow:
    """The function that ``@durable_execution`` was given, and the settings; runners start here."""

    def __init__(self, func: Callable[..., Any], settings: Settings) -> None:
        self.func = func
        self.settings = settings
        self.is_async = inspect.iscoroutinefunction(func)
        self._hints: dict[str, Any] | None = None
        self._event_name = _check_signature(func)
        _check_flavour(func, self.is_async, self.hints)

    @property
    def hints(self) -> dict[str, Any]:
        """The annotations of the function, resolved as far as they can be."""
        if self._hints is None:
            try:
                self._hints = typing.get_type_hints(self.func, include_extras=True)
            except Exception:  # a name that is defined later, or never: then it says nothing
                return {k: v for k, v in self.func.__annotations__.items() if not isinstance(v, str)}
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
    ) -> InvocationAnswer:
        """Run one invocation and return its answer; what it raises makes Lambda call again.

        *see* is told of every outcome that the workflow sees. *impatient*: a workflow that waits for nothing known
        fails at once, not at the deadline. *batch_updates* is how many updates may share a call. *dry*: a replay only;
        no step's body runs, and an operation that is not recorded is a ``NonDeterministicExecutionError``.
        """
        deadline = _deadline(lambda_context)
        exchange = Exchange(client, event["DurableExecutionArn"], event["CheckpointToken"], deadline)
        try:
            operations = exchange.rest(event["InitialExecutionState"])
        except RefusedError as refused:
            return self._failed(ExecutionError(f"the service refused to tell the execution's state: {refused}"))
        record = _execution_record(operations)
        journal = Journal(operations, event.get("UpdatedOperationIds") or ())
        pipeline = Pipeline(exchange, journal, batch_updates=batch_updates)
        invocation = _Invocation(self, record, journal, pipeline, lambda_context, see, dry=dry)
        with engine() as mine:
            try:
                return off_loop(lambda: invocation.run(mine, event["DurableExecutionArn"], deadline, impatient))
            finally:
                mine.sender.release()

    def _failed(self, error: BaseException) -> InvocationAnswer:
        record = describe(error, limit=self.settings.limits.error_bytes, stack_trace=self.settings.stack_traces)
        return {"Status": "FAILED", "Error": record}


class _Invocation:
    """One call of the handler, from the recorded operations to the answer."""

    def __init__(
        self,
        workflow: Workflow,
        record: Operation,
        journal: Journal,
        pipeline: Pipeline,
        lambda_context: Any,
        see: Callable[[Seen], None] | None,
        *,
        dry: bool,
    ) -> None:
        self._dry = dry
        self._workflow = workflow
        self._record = record
        self._journal = journal
        self._pipeline = pipeline
        self._lambda_context = lambda_context
        self._see = see

    def run(self, mine: Engine, arn: str, deadline: float | None, impatient: bool) -> InvocationAnswer:
        """Run the handler in its flavour, and answer."""
        context = SerDesContext(None, "the event", arn)
        try:
            payload = self._record.get("ExecutionDetails", {}).get("InputPayload") or "null"
            event = read(json_serdes(self._workflow.event_type), payload, context)
        except SerDesError as error:
            return self._workflow._failed(error)
        run = self._run_async if self._workflow.is_async else self._run_blocking
        result, driver = run(mine, arn, deadline, impatient, event)
        match driver.ending:
            case Breakdown(ExecutionError() as failure):
                return self._workflow._failed(failure)
            case Breakdown(reason):
                if type(reason) is InvocationError:  # the deadline is near: what is queued is still recorded
                    self._flush()
                raise reason
            case Return() if result is not None:
                self._flush()
                return self._answer(result, arn)
            case _:
                return {"Status": "PENDING"}

    def _execution(self, arn: str, driver: Driver) -> Execution:
        workflow = self._workflow
        return Execution(
            arn, self._record, self._journal, driver, workflow.settings, self._lambda_context, self._see, dry=self._dry
        )

    def _run_async(
        self, mine: Engine, arn: str, deadline: float | None, impatient: bool, event: Any
    ) -> tuple[Attempt | None, Driver]:
        driver = AsyncDriver(
            mine.loop, mine.sender, self._pipeline, self._journal,
            deadline=deadline, impatient=impatient, threads=step_threads(),
        )  # fmt: skip
        scope = self._execution(arn, driver).root
        outcome: list[Attempt] = []
        mine.loop.attend(driver)
        try:
            mine.run(driver.conduct(scope, self._workflow.func, (event, DurableContext(scope)), outcome))
        except BaseException as error:
            mine.abandon()
            fatal = driver.ending.error if isinstance(driver.ending, Breakdown) else error
            raise fatal from None
        finally:
            driver.detach()
        if driver.clean:
            mine.loop.attend(None)
        else:
            mine.abandon()
        return check_unread(scope, outcome[0]) if outcome else None, driver

    def _run_blocking(
        self, mine: Engine, arn: str, deadline: float | None, impatient: bool, event: Any
    ) -> tuple[Attempt | None, Driver]:
        driver = BlockingDriver(mine.sender, step_threads(), self._pipeline, self._journal, deadline=deadline)
        scope = self._execution(arn, driver).root
        result = driver.conduct(scope, self._workflow.func, (event, blocking.DurableContext(scope)))
        return None if result is None else check_unread(scope, result), driver

    def _flush(self) -> None:
        """Send what is still queued."""
        pipeline = self._pipeline
        while not pipeline.quiet and pipeline.failure is None and not pipeline.closed:
            if not pipeline.send():
                pipeline.wait_for_answer()
            pipeline.settle()
        if pipeline.failure is not None:
            raise pipeline.failure

    def _answer(self, result: Attempt, arn: str) -> InvocationAnswer:
        workflow, limits = self._workflow, self._workflow.settings.limits
        error = result.error
        if isinstance(error, InvocationError) and not isinstance(error, OperationError):
            raise error
        if error is not None:
            return workflow._failed(error)
        if self._pipeline.closed:
            return {"Status": "PENDING"}
        try:
            serdes = json_serdes(workflow.result_type)
            payload = write(serdes, result.value, SerDesContext(None, "the result", arn))[0]
            if len(payload.encode()) > limits.result_bytes:
                raise SizeLimitError(
                    f"the execution's result has {len(payload.encode())} bytes; the service takes {limits.result_bytes}"
                )
        except (SerDesError, SizeLimitError) as trouble:
            return workflow._failed(trouble)
        if len(payload) * 6 < limits.response_bytes or len(json.dumps(payload)) < limits.response_bytes - _SLACK:
            return {"Status": "SUCCEEDED", "Result": payload}
        self._pipeline.post({"Id": self._record["Id"], "Type": "EXECUTION", "Action": "SUCCEED", "Payload": payload})
        self._flush()
        return {"Status": "SUCCEEDED", "Result": ""}


def _check_signature(func: Callable[..., Any]) -> str:
    """The name of the event's parameter; ``TypeError`` unless the function takes an event and a context."""
    name = getattr(func, "__qualname__", repr(func))
    shape = f"write `{'async ' if inspect.iscoroutinefunction(func) else ''}def {name}(event, ctx)`"
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
        right, kind = ("durable_core", "async def") if is_async else ("durable_core.blocking", "def")
        raise TypeError(
            f"{func.__qualname__} is `{kind}`, but its context is annotated with {wrong.__module__}.DurableContext; "
            f"import DurableContext from {right}"
        )


def _execution_record(operations: list[Operation]) -> Operation:
    records = [operation for operation in operations if operation["Type"] == "EXECUTION"]
    if len(records) != 1:
        raise CheckpointError(
            f"the recorded state has {len(records)} EXECUTION operations instead of one; no code was run on it"
        )
    return records[0]


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
