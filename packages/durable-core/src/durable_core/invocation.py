"""One call of a handler: from the recorded operations to the answer."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

from msgspec import Struct

from durable_core import blocking
from durable_core._core.failures import describe
from durable_core._core.journal import Journal
from durable_core._runtime.async_driver import AsyncDriver
from durable_core._runtime.attempt import Attempt
from durable_core._runtime.crew import Crew, Pools
from durable_core._runtime.driver import Driver, Seen
from durable_core._runtime.endings import Breakdown, Return
from durable_core._runtime.engine import Engine, branch_threads, step_threads
from durable_core._runtime.execution import Execution, Settings
from durable_core._runtime.handler_driver import HandlerDriver
from durable_core._runtime.hooks import Hooks
from durable_core._runtime.interrupts import Interrupt
from durable_core._runtime.pipeline import Pipeline
from durable_core._runtime.scope import Scope
from durable_core._wire.shapes import InvocationAnswer, Operation, OperationUpdate
from durable_core.config import Checkpointing
from durable_core.context import DurableContext
from durable_core.errors import ExecutionError, InvocationError, OperationError, SerDesError, SizeLimitError
from durable_core.limits import error_limit
from durable_core.operations.child import check_unread
from durable_core.serdes import SerDesContext, json_serdes, read, write

_log = logging.getLogger("durable_core")

_NEAR = 0.8
"""The part of the metered quota at which a warning is due."""

_AHEAD = {Checkpointing.EAGER: 0, Checkpointing.BATCHED: 50, Checkpointing.OPTIMISTIC: 2_500}
"""Updates by which a workflow may run ahead of its record: those of 25 steps, or of ten full calls."""

_SLACK = 1_024
"""Bytes of Lambda's response that are not the result."""


class Program(Struct, frozen=True):
    """What the user wrote."""

    func: Callable[..., Any]
    is_async: bool
    event_type: Any
    """What the event is decoded into; ``None``: plain JSON."""
    result_type: Any
    """What the result is encoded as; ``None``: plain JSON."""
    settings: Settings


class Circumstances(Struct, frozen=True):
    """What this invocation was given."""

    arn: str
    lambda_context: Any
    updated: tuple[str, ...]
    """Operations that the service says have changed since the last invocation."""
    deadline: float | None
    """When the sandbox ends, on the monotonic clock."""
    see: Callable[[Seen], None] | None
    impatient: bool
    dry: bool
    now: Callable[[], int]


class Invocation:
    """A program, the operations recorded so far, and the way to record more."""

    def __init__(
        self, program: Program, record: Operation, journal: Journal, pipeline: Pipeline, given: Circumstances
    ) -> None:
        self._program = program
        self._record = record
        self._journal = journal
        self._pipeline = pipeline
        self._given = given
        self._interrupt = Interrupt()
        self._failure: BaseException | None = None

    def run(self, engine: Engine, interrupt: Interrupt) -> InvocationAnswer:
        """Run the handler in its flavour, and answer; what is raised makes Lambda call again."""
        self._interrupt = interrupt
        driver = self._driver(engine)
        execution = self._execution(driver)
        settings = self._program.settings
        if not settings.plugins or self._given.dry:
            try:
                return self._respond(engine, driver, execution.root)
            finally:
                self._journal.forget()  # it may be large, and contexts that know each other keep it until a collection
        hooks = execution.hooks = Hooks(execution, settings.plugins, self._given.updated)
        self._pipeline.observe = hooks.changed
        answer: InvocationAnswer | None = None
        hooks.context.run(hooks.begin)
        try:
            answer = self._respond(engine, driver, execution.root)
            return answer
        except BaseException as error:
            self._failure = error
            raise
        finally:
            hooks.context.run(hooks.finish, answer, self._failure)

    def _respond(self, engine: Engine, driver: AsyncDriver | HandlerDriver, scope: Scope) -> InvocationAnswer:
        try:
            payload = self._record.get("ExecutionDetails", {}).get("InputPayload") or "null"
            event = read(json_serdes(self._program.event_type), payload, self._context("the event"))
        except SerDesError as error:
            return self._failed(error)
        if isinstance(driver, AsyncDriver):
            result = self._run_async(engine, driver, scope, event)
        else:
            result = self._run_blocking(driver, scope, event)
        self._warn_near_quota()
        match driver.ending:
            case Breakdown(ExecutionError() as failure):
                return self._failed(failure)
            case Breakdown(reason):
                if type(reason) is InvocationError:  # the deadline is near: what is queued is still recorded
                    driver.flush()
                raise reason
            case Return() if result is not None:
                try:
                    driver.flush()
                    return self._answer(result, driver)
                except ExecutionError as failure:  # what is queued was refused
                    return self._failed(failure)
            case _:
                return {"Status": "PENDING"}

    def _warn_near_quota(self) -> None:
        """Say once in an execution's life that most of its metered operations are used."""
        limits = self._program.settings.limits
        if not limits.metered or not self._journal.added:
            return
        used, near = self._journal.metered(), int(_NEAR * limits.operations)
        if used - self._journal.added < near <= used:
            _log.warning(
                "execution %s has used %d of the %d operations that it may have; retries and polls count",
                self._given.arn, used, limits.operations,
            )  # fmt: skip

    def _execution(self, driver: Driver) -> Execution:
        given = self._given
        return Execution(
            given.arn,
            self._record,
            self._journal,
            driver,
            self._program.settings,
            given.lambda_context,
            interrupt=self._interrupt,
            dry=given.dry,
            now=given.now,
        )

    def _driver(self, engine: Engine) -> AsyncDriver | HandlerDriver:
        given, ahead = self._given, _AHEAD[self._program.settings.checkpointing]
        if self._program.is_async:
            return AsyncDriver(
                engine.loop,
                engine.sender,
                self._pipeline,
                self._journal,
                deadline=given.deadline,
                impatient=given.impatient,
                ahead=ahead,
                see=given.see,
                threads=step_threads,
            )
        pools = Pools(step_threads, branch_threads)
        crew = Crew(engine.sender, pools, self._pipeline, self._journal, deadline=given.deadline, see=given.see)
        return HandlerDriver(crew, given.see, ahead=ahead)

    def _run_async(self, engine: Engine, driver: AsyncDriver, scope: Scope, event: Any) -> Attempt | None:
        outcome: list[Attempt] = []
        engine.loop.attend(driver)
        try:
            engine.run(driver.conduct(scope, self._program.func, (event, DurableContext(scope)), outcome))
        except BaseException as error:
            engine.abandon()
            raise driver.ending.error if isinstance(driver.ending, Breakdown) else error from None
        finally:
            driver.detach()
        if driver.clean:
            engine.loop.attend(None)
        else:
            engine.abandon()
        return check_unread(scope, outcome[0]) if outcome else None

    def _run_blocking(self, driver: HandlerDriver, scope: Scope, event: Any) -> Attempt | None:
        result = driver.conduct(scope, self._program.func, (event, blocking.DurableContext(scope)))
        return None if result is None else check_unread(scope, result)

    def _answer(self, result: Attempt, driver: AsyncDriver | HandlerDriver) -> InvocationAnswer:
        settings, error = self._program.settings, result.error
        if self._pipeline.closed:
            return {"Status": "PENDING"}
        if isinstance(error, InvocationError) and not isinstance(error, OperationError):
            raise error
        if error is not None:
            return self._failed(error)
        try:
            payload = write(json_serdes(self._program.result_type), result.value, self._context("the result"))[0]
            _check_size(payload, settings.limits.result_bytes)
        except (SerDesError, SizeLimitError) as trouble:
            return self._failed(trouble)
        if _fits(payload, settings.limits.response_bytes):
            return {"Status": "SUCCEEDED", "Result": payload}
        return self._record_result(payload, driver)

    def _record_result(self, payload: str, driver: AsyncDriver | HandlerDriver) -> InvocationAnswer:
        """Answer with a result that Lambda's response has no room for: it goes to the service first."""
        update: OperationUpdate = {
            "Id": self._record["Id"],
            "Type": "EXECUTION",
            "Action": "SUCCEED",
            "Payload": payload,
        }
        ticket = self._pipeline.post(update, lambda _: None)
        driver.flush()
        if ticket.error is not None:
            return self._failed(ticket.error)
        return {"Status": "SUCCEEDED", "Result": ""}

    def _failed(self, error: BaseException) -> InvocationAnswer:
        self._failure = error
        return failed(self._program.settings, error)

    def _context(self, name: str) -> SerDesContext:
        return SerDesContext(None, name, self._given.arn)


def failed(settings: Settings, error: BaseException) -> InvocationAnswer:
    """The answer that fails the execution with *error*."""
    record = describe(error, limit=error_limit(settings.limits), stack_trace=settings.stack_traces)
    return {"Status": "FAILED", "Error": record}


def _check_size(payload: str, most: int) -> None:
    size = len(payload.encode())
    if size > most:
        raise SizeLimitError(f"the execution's result has {size} bytes; the service takes at most {most}")


def _fits(payload: str, most: int) -> bool:
    """Whether Lambda's response has room for *payload*, escaped as its runtime escapes it."""
    return len(payload) * 6 < most - _SLACK or len(json.dumps(payload)) < most - _SLACK
