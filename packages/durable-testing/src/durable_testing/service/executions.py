"""The executions of a service, and how what is recorded in one reaches another."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple

from durable_core.spi import ErrorObject, OperationStatus
from durable_testing.service.arns import LATEST, Function, execution_arn, function_arn, function_of
from durable_testing.service.clock import Clock
from durable_testing.service.errors import Rejection
from durable_testing.service.execution import Birth, Caller, Execution
from durable_testing.service.facts import Details, Fact, Subject
from durable_testing.service.lifecycle import start
from durable_testing.service.limits import Limits
from durable_testing.service.machine import outside, tick
from durable_testing.service.rules import ENDINGS, OUTCOMES
from durable_testing.service.sizes import text_size
from durable_testing.service.state import Origin
from durable_testing.service.unverified import FUNCTION_NOT_FOUND, NO_PAYLOAD, RESULT_TOO_LARGE

CLOSING: Final = frozenset(ENDINGS.values())


class Target(NamedTuple):
    """A function that others can invoke: the version that runs, and whether it is a durable one."""

    version: str = LATEST
    durable: bool = True


Targets = Callable[[Function], Target | None]
"""Finds a function; ``None`` if there is none."""


def any_function(function: Function) -> Target | None:
    """Take every name for that of a durable function."""
    qualifier = function.qualifier
    return Target(qualifier if qualifier is not None and qualifier.isdecimal() else LATEST)


class Executions:
    """Every execution that was started and not deleted."""

    def __init__(self, clock: Clock, limits: Limits, targets: Targets) -> None:
        self.clock = clock
        self._limits = limits
        self._targets = targets
        self._all: dict[str, Execution] = {}
        self._open: dict[str, Execution] = {}
        self._named: dict[tuple[str, str], Execution] = {}

    @property
    def all(self) -> Iterable[Execution]:
        """Every execution, in the order of their starts."""
        return self._all.values()

    @property
    def open(self) -> Iterable[Execution]:
        """Those that are not over."""
        return self._open.values()

    def get(self, arn: str) -> Execution | None:
        """Give an execution as it was left, if there is one."""
        return self._all.get(arn)

    def find(self, arn: str) -> Execution:
        """Give an execution as it is now: what time has led to is recorded first."""
        execution = self._all.get(arn)
        if execution is None:
            raise Rejection(f"Durable execution not found: {arn}", "ResourceNotFoundException")
        self.catch_up(execution)
        return execution

    def advance(self, execution: Execution) -> int:
        """Move time on, record what it has led to in an execution, and give the time: it is later than all before."""
        now = self.clock.tick()
        self.catch_up(execution)
        return now

    def catch_up(self, execution: Execution) -> None:
        """Record what time has led to in an execution."""
        facts = tick(execution.state, self.clock.now())
        if facts:
            self.record(execution, facts)

    def start(self, birth: Birth, *, synchronous: bool, caller: Caller | None = None) -> Execution:
        """Start an execution, or give the one of that name that was started with the very same."""
        known = self._named.get((birth.function_name, birth.name))
        if known is not None:
            if (known.birth.version, known.birth.payload) == (birth.version, birth.payload):
                return known
            message = f"{birth.function_name} has an execution named {birth.name!r} with another payload or version"
            raise Rejection(message, "DurableExecutionAlreadyStartedException")
        execution = self._born(birth, self._limits if synchronous else self._limits.of_an_event(), caller)
        self._all[execution.arn] = self._open[execution.arn] = execution
        self._named[birth.function_name, birth.name] = execution
        return execution

    def _born(self, birth: Birth, limits: Limits, caller: Caller | None) -> Execution:
        size = text_size(birth.payload)
        if size > limits.execution_payload:
            message = f"the payload has {size:,} bytes; an execution takes at most {limits.execution_payload:,}"
            raise Rejection(message, "RequestTooLargeException")
        id_ = str(uuid.uuid4())
        arn = execution_arn(function_arn(birth.function_name, birth.version), birth.name, id_)
        origin = Origin(arn, Subject(id_, "EXECUTION", birth.name), limits, secrets.token_bytes(32))
        execution = Execution(birth, origin, caller)
        execution.add([start(origin.subject, birth.payload, birth.execution_timeout, self.clock.tick())])
        return execution

    def forget(self, execution: Execution) -> None:
        """Delete an execution and all that is known of it."""
        del self._all[execution.arn]
        del self._named[execution.birth.function_name, execution.birth.name]

    def record(self, execution: Execution, facts: Sequence[Fact]) -> None:
        """Append facts to an execution, and let what invoked it know when they end it."""
        execution.add(facts)
        for fact in facts:
            if fact.kind in CLOSING:
                self._open.pop(execution.arn, None)
                self._answer_caller(execution, fact)

    def dispatch(self, execution: Execution, facts: Sequence[Fact]) -> list[Fact]:
        """Give the facts of a batch with what becomes of its invokes: a durable target exists from here on."""
        dispatched: list[Fact] = []
        for fact in facts:
            dispatched.append(fact)
            if fact.kind == "ChainedInvokeStarted":
                dispatched += self._invoke(execution, fact)
        return dispatched

    def _invoke(self, execution: Execution, fact: Fact) -> list[Fact]:
        assert fact.subject is not None
        function = function_of(fact.details.get("FunctionName", ""))
        target = self._targets(function)
        if target is None:
            message = f"Function not found: {function_arn(function.name, function.qualifier or LATEST)}"
            error: ErrorObject = {"ErrorType": FUNCTION_NOT_FOUND, "ErrorMessage": message}
            return [Fact("ChainedInvokeFailed", fact.at, {"Error": error}, fact.subject)]
        fact.details["ExecutedVersion"] = target.version
        if target.durable:
            birth = Birth(function.name, target.version, str(uuid.uuid4()), fact.details.get("Input", NO_PAYLOAD), None)
            started = self.start(birth, synchronous=False, caller=Caller(execution.arn, fact.subject.id))
            fact.details["DurableExecutionArn"] = started.arn
        return []

    def _answer_caller(self, execution: Execution, end: Fact) -> None:
        caller = execution.caller
        invoker = self._open.get(caller.arn) if caller is not None else None
        if caller is None or invoker is None:
            return
        details: Details = {}
        if "Result" in end.details:
            details["Result"] = end.details["Result"]
        if "Error" in end.details:
            details["Error"] = end.details["Error"]
        self.finish(invoker, caller.operation_id, OUTCOMES[end.kind][1], details)

    def stop(self, execution: Execution, error: ErrorObject) -> None:
        """Record that an execution is stopped, unless it has just ended by itself."""
        now = self.advance(execution)
        if execution.state.ending is None:
            id_ = execution.state.origin.subject.id
            self.record(execution, [outside(execution.state, id_, "STOPPED", {"Error": error}, now)])

    def finish(self, execution: Execution, operation_id: str, to: OperationStatus, details: Details) -> None:
        """Record how an invoked function ended, unless nobody waits for it; a result that is too large is a failure."""
        size, most = text_size(details.get("Result", "")), execution.state.origin.limits.invoke_payload
        if size > most:
            message = f"the invoked function's result has {size:,} bytes; at most {most:,} are taken"
            to, details = "FAILED", {"Error": {"ErrorType": RESULT_TOO_LARGE, "ErrorMessage": message}}
        now = self.advance(execution)
        if execution.state.ending is None:
            self.record(execution, [outside(execution.state, operation_id, to, details, now)])
