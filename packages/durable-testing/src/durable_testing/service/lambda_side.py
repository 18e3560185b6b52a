"""The side of the service that calls functions: what a runner asks, and what it tells."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from itertools import count
from typing import Concatenate, NamedTuple, ParamSpec, TypeVar

from durable_core.spi import ErrorObject, InvocationAnswer, InvocationEvent, Operation, OperationStatus
from durable_testing.service.arns import LATEST
from durable_testing.service.checks import check
from durable_testing.service.clock import Clock, VirtualClock
from durable_testing.service.errors import Rejection, client_error
from durable_testing.service.execution import Birth, Execution
from durable_testing.service.executions import Executions, Targets, any_function
from durable_testing.service.facts import Details, Fact
from durable_testing.service.lifecycle import begin, complete, fail
from durable_testing.service.limits import DEFAULT, Limits
from durable_testing.service.machine import next_alarm
from durable_testing.service.members import START
from durable_testing.service.times import detached
from durable_testing.service.unverified import NO_PAYLOAD

P = ParamSpec("P")
R = TypeVar("R")
S = TypeVar("S", bound="LambdaSide")


def exclusive(method: Callable[Concatenate[S, P], R]) -> Callable[Concatenate[S, P], R]:
    """Let one thread at a time into the service; what it rejects is raised as boto3 does."""

    @wraps(method)
    def call(self: S, /, *args: P.args, **kwargs: P.kwargs) -> R:
        with self.lock:
            try:
                return method(self, *args, **kwargs)
            except Rejection as rejection:
                raise client_error(rejection, method.__name__) from None

    return call


class ChainedInvoke(NamedTuple):
    """A function that is to be run for a CHAINED_INVOKE."""

    arn: str
    operation_id: str
    function_name: str
    version: str
    payload: str
    tenant_id: str | None
    durable_execution_arn: str | None
    """The execution that was started for it, if the function is durable: it ends the operation when it ends."""


class LambdaSide:
    """The executions, and the invocations of their functions."""

    def __init__(
        self, *, clock: Clock | None = None, limits: Limits = DEFAULT, targets: Targets = any_function
    ) -> None:
        self.lock = threading.RLock()
        self.requests = count(1)
        self.clock: Clock = VirtualClock() if clock is None else clock
        self._executions = Executions(self.clock, limits, targets)

    @exclusive
    def start(
        self,
        function_name: str,
        payload: str,
        *,
        name: str | None = None,
        version: str = LATEST,
        execution_timeout: timedelta | None = None,
        synchronous: bool = True,
    ) -> str:
        """Start an execution and give its ARN; the same name, payload and version give the one that is there."""
        timeout = None if execution_timeout is None else int(execution_timeout.total_seconds())
        birth = Birth(function_name, version, name or str(uuid.uuid4()), payload, timeout)
        check(START, {member: value for member, value in birth._asdict().items() if value is not None})
        return self._executions.start(birth, synchronous=synchronous).arn

    @exclusive
    def due(self, arn: str) -> bool:
        """Whether the execution is to be invoked now."""
        return self._executions.find(arn).due

    @exclusive
    def all_due(self) -> list[str]:
        """Give the ARNs of the executions that are to be invoked now, in the order of their starts."""
        self.tick()
        return [execution.arn for execution in self._executions.open if execution.due]

    @exclusive
    def begin_invocation(self, arn: str, request_id: str | None = None) -> InvocationEvent:
        """Begin an invocation and give its event; one that was running can record nothing any more."""
        execution = self._executions.find(arn)
        now = self._executions.advance(execution)
        self._executions.record(execution, [begin(execution.state, request_id or str(uuid.uuid4()), now)])
        return execution.call()

    @exclusive
    def rehearse_invocation(self, arn: str) -> InvocationEvent:
        """Give the event of an invocation that would replay an execution as it stands, in one page; none begins."""
        return self._executions.find(arn).rehearsal()

    @exclusive
    def operations(self, arn: str) -> list[Operation]:
        """Give every operation of an execution, the execution's own first, in the order of their starts."""
        state = self._executions.find(arn).state
        return [detached(state.operations[id_]) for id_ in state.ids]

    @exclusive
    def complete_invocation(self, arn: str, answer: InvocationAnswer, *, request_id: str | None = None) -> None:
        """Take the answer of the running invocation, or of the one named; nothing is taken of one superseded.

        An answer that may not be counts as a failed invocation.
        """
        execution = self._executions.find(arn)
        if is_current(execution, request_id):
            now = self._executions.advance(execution)
            self._end(execution, complete(execution.state, answer, untold=bool(execution.untold), now=now))

    @exclusive
    def fail_invocation(self, arn: str, error: ErrorObject, *, request_id: str | None = None) -> None:
        """Take note that the running invocation, or the one named, ended without an answer: it crashed or timed out."""
        execution = self._executions.find(arn)
        if is_current(execution, request_id):
            now = self._executions.advance(execution)
            self._end(execution, fail(execution.state, detached(error), now))

    @exclusive
    def chained_invokes_waiting(self) -> list[ChainedInvoke]:
        """Give the functions that are to be run for others, in the order in which they were asked for."""
        return [invoke for execution in self._executions.open for invoke in waiting_in(execution)]

    @exclusive
    def finish_chained_invoke(
        self,
        arn: str,
        operation_id: str,
        *,
        status: OperationStatus,
        result: str | None = None,
        error: ErrorObject | None = None,
    ) -> None:
        """Record how an invoked function ended: SUCCEEDED, FAILED, TIMED_OUT or STOPPED."""
        details: Details = {}
        if result is not None:
            details["Result"] = result
        if error is not None:
            details["Error"] = error
        self._executions.finish(self._executions.find(arn), operation_id, status, details)

    @exclusive
    def next_alarm(self) -> int | None:
        """Give the first moment at which time will change an execution: until then, only others can."""
        alarms = (next_alarm(execution.state) for execution in self._executions.open)
        return min((alarm for alarm in alarms if alarm is not None), default=None)

    @exclusive
    def tick(self) -> None:
        """Record all that time has led to by now."""
        for execution in list(self._executions.open):
            self._executions.catch_up(execution)

    def _end(self, execution: Execution, facts: list[Fact]) -> None:
        execution.lease = None
        self._executions.record(execution, facts)


def is_current(execution: Execution, request_id: str | None) -> bool:
    """Whether the running invocation is the one named, or none was named."""
    running = execution.state.running
    return request_id is None or (running is not None and running.request_id == request_id)


def waiting_in(execution: Execution) -> list[ChainedInvoke]:
    """Give the functions that are to be run for an execution."""
    return [
        ChainedInvoke(
            execution.arn,
            operation_id,
            fact.details.get("FunctionName", ""),
            fact.details.get("ExecutedVersion", LATEST),
            fact.details.get("Input", NO_PAYLOAD),
            fact.details.get("TenantId"),
            fact.details.get("DurableExecutionArn"),
        )
        for operation_id, fact in execution.state.invokes.items()
    ]
