"""``LocalRunner``: a handler against the service in memory, on a clock that skips what nobody wants to wait for."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from types import TracebackType
from typing import Any, Self

from durable_core import DurableFunction, Duration, ValidationError
from durable_core.spi import (
    BotoClient,
    DurableServiceClient,
    InvocationAnswer,
    InvocationEvent,
    OperationStatus,
    Seen,
    Workflow,
    encode_json,
)
from durable_testing.errors import ReplayMismatchError, RunnerError
from durable_testing.faults import SandboxDied
from durable_testing.runner.callbacks import Answers, PendingCallback, answer, is_over, pending_callbacks
from durable_testing.runner.functions import Functions, crashed, known_name
from durable_testing.runner.lambda_context import LambdaContext
from durable_testing.runner.result import InvocationResult, TestResult, operation_results
from durable_testing.runner.run import AsyncRun, Run
from durable_testing.runner.verify import verify_replay
from durable_testing.runner.warnings import collected_warnings
from durable_testing.service.clock import SystemClock, VirtualClock
from durable_testing.service.lambda_side import ChainedInvoke
from durable_testing.service.verbs import DurableService

FUNCTION_TIMEOUT = timedelta(minutes=15)
"""Lambda's longest timeout."""


class LocalRunner:
    """Invokes a handler against the in-memory service, as often as the service would.

    With *skip_time* the clock is virtual: it stands still while an invocation runs, and otherwise jumps to whatever is
    due next (a wait, a retry, an invocation's back-off, a time-out), in order. After a run it replays the execution
    once more, and compares what the workflow saw; *verify_replay* ``=False`` turns that off. *client* wraps the client
    that the workflow is given. *batch_updates* is how many updates may share a call, at most.
    """

    def __init__(
        self,
        handler: DurableFunction[Any],
        *,
        skip_time: bool = True,
        verify_replay: bool = True,
        function_timeout: timedelta = FUNCTION_TIMEOUT,
        service: DurableService | None = None,
        client: Callable[[DurableServiceClient], DurableServiceClient] | None = None,
        batch_updates: int = 250,
    ) -> None:
        if not isinstance(handler, DurableFunction):
            raise ValidationError(f"LocalRunner takes a function decorated with @durable_execution, got {handler!r}")
        self.handler = handler
        self._functions = Functions()
        clock = VirtualClock() if skip_time else SystemClock()
        self.service = service or DurableService(clock=clock, targets=self._functions.find)
        self._workflow: Workflow = handler.durable
        self._functions.add(self._function_name, handler)
        self._answers: dict[str, Answers] = {}
        self._function_timeout = function_timeout
        self._verify = verify_replay
        plain: DurableServiceClient = BotoClient(self.service)
        self._client = plain if client is None else client(plain)
        self._batch_updates = batch_updates
        self._seen: dict[str, list[Seen]] = {}
        """What the workflow saw in the last invocation, by execution."""
        self._warnings: list[str] = []
        self._latest = ""
        self.seen_by_invocation: list[list[Seen]] = []
        """The outcomes that the workflow saw, for each invocation of the last run."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End what the runner started."""

    @property
    def clock(self) -> VirtualClock | SystemClock:
        """The service's clock: ``runner.clock.advance(duration)``."""
        clock = self.service.clock
        assert isinstance(clock, VirtualClock | SystemClock)
        return clock

    def register(self, function_name: str, target: DurableFunction[Any] | Callable[..., Any]) -> None:
        """Let ``ctx.invoke(function_name, …)`` call *target*.

        A durable function runs as an execution of its own; a plain one takes the event, or the event and a Lambda
        context, and runs when its caller is suspended. What is not registered is not found.
        """
        if known_name(function_name) == self._function_name and target is not self.handler:
            raise ValidationError(
                f"{function_name!r} is the name of the handler under test; give the other one another"
            )
        self._functions.add(function_name, target)

    def run(
        self,
        event: Any = None,
        *,
        callbacks: Answers | None = None,
        timeout: timedelta | None = None,
        name: str | None = None,
    ) -> TestResult[Any]:
        """Start an execution with *event*, run it to its end, and return what came of it.

        *event* is what a caller would send: plain JSON, or an object of the handler's event type. *callbacks* are the
        answers to its callbacks, by name; each is given when nothing else can go on. *timeout* is the execution's, on
        the runner's clock; *name* its name.
        """
        return self.start(event, callbacks=callbacks, timeout=timeout, name=name).result()

    def start(
        self,
        event: Any = None,
        *,
        callbacks: Answers | None = None,
        timeout: timedelta | None = None,
        name: str | None = None,
    ) -> Run:
        """Start an execution, as ``run``, for a test that acts while it runs."""
        if not (callbacks is None or isinstance(callbacks, Mapping) or callable(callbacks)):
            raise ValidationError(f"callbacks takes answers by name, or a function of a name, got {callbacks!r}")
        if not isinstance(timeout, timedelta | None):
            raise ValidationError(f"timeout takes a timedelta such as Duration.from_minutes(5), got {timeout!r}")
        self.seen_by_invocation = []
        self._warnings = []
        limit = None if timeout is None else Duration.from_seconds(timeout.total_seconds())
        arn = self.service.start(self._function_name, encode_json(event), name=name, execution_timeout=limit)
        self._latest = arn
        self._answers[arn] = {} if callbacks is None else callbacks
        return Run(self, arn)

    def finish(self, arn: str) -> TestResult[Any]:
        """Move an execution on to its end, and give what came of it."""
        while not self.is_over(arn):
            if not self.work():
                self.pass_time(arn)
        result = self.snapshot(arn)
        if self._verify and result.status == "SUCCEEDED":
            recorded = self.service.get_durable_execution(DurableExecutionArn=arn).get("Result")
            verify_replay(
                self._workflow, self.service.rehearse_invocation(arn), self._seen[arn], recorded, self._context()
            )
        return result

    def pending(self, arn: str) -> Iterator[PendingCallback]:
        """The callbacks of an execution that wait for an answer, then those of the executions that it waits for."""
        yield from pending_callbacks(self.service, arn)
        for each in self.service.chained_invokes_waiting():
            if each.arn == arn and each.durable_execution_arn is not None:
                yield from self.pending(each.durable_execution_arn)

    def work(self) -> bool:
        """Do one thing that needs no time to pass: an invocation, an invoked function, an answer; or say no."""
        for arn in self.service.all_due():
            self._invoke(arn)
            return True
        for each in self.service.chained_invokes_waiting():
            if each.durable_execution_arn is None:
                self._call_plain(each)
                return True
            self._answers.setdefault(each.durable_execution_arn, self._answers.get(each.arn, {}))
        return any(
            answer(callback, answers)
            for arn, answers in self._answers.items()
            for callback in pending_callbacks(self.service, arn)
        )

    @property
    def _function_name(self) -> str:
        name = getattr(self._workflow.func, "__name__", "function")
        return "".join(c if (c.isalnum() and c.isascii()) or c in "-_" else "-" for c in name)[:64] or "function"

    def _invoke(self, arn: str) -> None:
        context = self._context()
        event = self.service.begin_invocation(arn, context.aws_request_id)
        seen: list[Seen] = []
        self._seen[arn] = seen
        if arn == self._latest:
            self.seen_by_invocation.append(seen)
        try:
            with collected_warnings(self._warnings):
                answer = self._call(arn, event, context, seen)
        except SandboxDied:
            self.service.fail_invocation(arn, {"ErrorType": "Runtime.ExitError", "ErrorMessage": "the sandbox ended"})
        except Exception as error:
            self.service.fail_invocation(arn, crashed(error))
        else:
            self.service.complete_invocation(arn, answer)

    def _call_plain(self, asked: ChainedInvoke) -> None:
        result, error = self._functions.call(asked.function_name, asked.payload, self._context())
        status: OperationStatus = "SUCCEEDED" if error is None else "FAILED"
        self.service.finish_chained_invoke(asked.arn, asked.operation_id, status=status, result=result, error=error)

    def _call(self, arn: str, event: InvocationEvent, context: LambdaContext, seen: list[Seen]) -> InvocationAnswer:
        return self._functions.workflow(arn).invoke(
            event,
            context,
            client=self._client,
            see=seen.append,
            impatient=True,
            batch_updates=self._batch_updates,
            now=self.service.clock.now,
        )

    def _context(self) -> LambdaContext:
        return LambdaContext(self._function_name, str(uuid.uuid4()), self._function_timeout)

    def is_over(self, arn: str) -> bool:
        """Whether an execution has ended."""
        return is_over(self.service, arn)

    def pass_time(self, arn: str) -> None:
        """Let time pass until something is due; ``RunnerError`` if nothing ever will be."""
        alarm = self.service.next_alarm()
        if alarm is None:
            raise RunnerError(
                "the execution waits for something that nobody in this test will bring:\n"
                + self.snapshot(arn).to_table()
            )
        if isinstance(self.service.clock, VirtualClock):
            self.service.clock.move_to(alarm)
        else:
            time.sleep(max(0, alarm - self.service.clock.now()) / 1000)
        self.service.tick()

    def snapshot(self, arn: str) -> TestResult[Any]:
        """What is recorded of an execution so far."""
        facts = self.service.get_durable_execution(DurableExecutionArn=arn)
        events = self._events(arn)
        value = None
        if facts["Status"] == "SUCCEEDED":
            value = self._workflow.decode_result(facts.get("Result") or "null")
        return TestResult(
            execution_arn=arn,
            status=facts["Status"],
            value=value,
            error=facts.get("Error"),
            operations=operation_results(self.service.operations(arn)),
            invocations=[_invocation(event) for event in events if event["EventType"] == "InvocationCompleted"],
            history=events,
            warnings=tuple(self._warnings),
        )

    def _events(self, arn: str) -> list[dict[str, Any]]:
        events: list[Any] = []
        marker: str | None = None
        while True:
            page = self.service.get_durable_execution_history(
                DurableExecutionArn=arn, IncludeExecutionData=True, MaxItems=1000, Marker=marker
            )
            events += page["Events"]
            marker = page.get("NextMarker")
            if marker is None:
                return events


class AsyncLocalRunner:
    """``LocalRunner`` for tests that are ``async``: invocations run in a thread."""

    def __init__(self, handler: DurableFunction[Any], **options: Any) -> None:
        self.blocking = LocalRunner(handler, **options)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.blocking.close()

    @property
    def clock(self) -> VirtualClock | SystemClock:
        """The service's clock."""
        return self.blocking.clock

    def register(self, function_name: str, target: DurableFunction[Any] | Callable[..., Any]) -> None:
        """Let ``ctx.invoke(function_name, …)`` call *target*, as ``LocalRunner.register``."""
        self.blocking.register(function_name, target)

    async def run(
        self,
        event: Any = None,
        *,
        callbacks: Answers | None = None,
        timeout: timedelta | None = None,
        name: str | None = None,
    ) -> TestResult[Any]:
        """Run an execution, as ``LocalRunner.run``."""
        return await self.start(event, callbacks=callbacks, timeout=timeout, name=name).result()

    def start(
        self,
        event: Any = None,
        *,
        callbacks: Answers | None = None,
        timeout: timedelta | None = None,
        name: str | None = None,
    ) -> AsyncRun:
        """Start an execution, as ``LocalRunner.start``."""
        return AsyncRun(self.blocking.start(event, callbacks=callbacks, timeout=timeout, name=name))


def _invocation(event: dict[str, Any]) -> InvocationResult:
    details = event["InvocationCompletedDetails"]
    return InvocationResult(
        request_id=details["RequestId"],
        started_at=details["StartTimestamp"],
        ended_at=details["EndTimestamp"],
        error=details.get("Error", {}).get("Payload"),
    )


__all__ = ["AsyncLocalRunner", "LocalRunner", "ReplayMismatchError"]
