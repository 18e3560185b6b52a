"""One run of a program whose sandbox dies at chosen checkpoints, and all that is known of it afterwards."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from crash_program import Program, handler_of
from crash_world import FUNCTIONS, Effect, Outcome, World, answer_to

from durable_core import Checkpointing
from durable_core.spi import DurableServiceClient, InvocationEvent, Operation, Seen
from durable_testing import LocalRunner, TestResult
from durable_testing.faults import CrashingClient, Side
from durable_testing.service import DEFAULT, DurableService, Limits, Target
from durable_testing.service.arns import Function

AS_THEY_COME = 250


class Crash(NamedTuple):
    """The checkpoint with this number, from 1, is the last thing that a sandbox does."""

    at: int
    side: Side

    def __str__(self) -> str:
        return f"{self.side.value} checkpoint {self.at}"


Beginning = Mapping[str, Operation]
"""What an invocation is shown of its execution: not what is inside contexts that are over."""


class Run(NamedTuple):
    """An execution that is over."""

    outcome: Outcome
    effects: Sequence[Effect]
    result: TestResult[Any]
    beginnings: Sequence[Beginning]
    """One for each invocation."""
    seen: Sequence[Sequence[Seen]]
    """The outcomes that the workflow saw, for each invocation."""
    calls: int
    """Checkpoints that were asked for."""
    crashes: Sequence[Crash]
    """Where sandboxes were to die; those beyond the last checkpoint never did."""
    flavour: str
    checkpointing: Checkpointing = Checkpointing.EAGER

    @property
    def died(self) -> Sequence[bool]:
        """For each invocation, whether its sandbox died."""
        return [invocation.error is not None for invocation in self.result.invocations]

    @property
    def deaths(self) -> int:
        """How many sandboxes died."""
        return sum(self.died)


class WatchedService(DurableService):
    """Remembers what each invocation was shown when it began."""

    def __init__(self, **options: Any) -> None:
        super().__init__(targets=_plain, **options)
        self.beginnings: list[Beginning] = []

    def begin_invocation(self, arn: str, request_id: str | None = None) -> InvocationEvent:
        event = super().begin_invocation(arn, request_id)
        page: Any = event["InitialExecutionState"]
        shown = {each["Id"]: each for each in page["Operations"]}
        while marker := page.get("NextMarker"):
            page = self.get_durable_execution_state(
                DurableExecutionArn=arn, CheckpointToken=event["CheckpointToken"], Marker=marker
            )
            shown |= {each["Id"]: each for each in page["Operations"]}
        self.beginnings.append(shown)
        return event


def _plain(function: Function) -> Target | None:
    return Target(durable=False) if function.name in FUNCTIONS else None


def _answered_as_it_asks(runner: LocalRunner) -> TestResult[Any]:
    return runner.run(callbacks=answer_to)


def run(
    each: Program,
    flavour: str,
    crashes: Sequence[Crash] = (),
    *,
    batch_updates: int = AS_THEY_COME,
    service_limits: Limits = DEFAULT,
    checkpointing: Checkpointing = Checkpointing.EAGER,
    drive: Callable[[LocalRunner], TestResult[Any]] = _answered_as_it_asks,
    **settings: Any,
) -> Run:
    """Run the program to its end, with a sandbox that dies at each of *crashes*, the first one first.

    *drive* brings an execution to its end; *settings* are the handler's.
    """
    effects: list[Effect] = []
    service = WatchedService(limits=service_limits)
    clients: list[CrashingClient] = []

    def crashing(inner: DurableServiceClient) -> DurableServiceClient:
        for at, side in crashes or [Crash(0, Side.BEFORE)]:  # no checkpoint has the number 0
            inner = CrashingClient(inner, at, side)
            clients.append(inner)
        return inner

    def record(effect: Effect) -> None:
        if effect.invocation == len(service.beginnings):  # a thread of a sandbox that died does nothing more
            effects.append(effect)

    handler = handler_of(
        each, flavour, lambda: World(record, len(service.beginnings)), checkpointing=checkpointing, **settings
    )
    with LocalRunner(handler, service=service, client=crashing, batch_updates=batch_updates) as runner:
        for name, function in FUNCTIONS.items():
            runner.register(name, function)
        result = drive(runner)
        seen = runner.seen_by_invocation
    calls = clients[-1].calls
    return Run(outcome_of(result), effects, result, service.beginnings, seen, calls, crashes, flavour, checkpointing)


def outcome_of(result: TestResult[Any]) -> Outcome:
    """How the execution ended, in the words of the plain interpreter."""
    if result.status == "SUCCEEDED":
        return Outcome(result.value)
    error = result.error or {}
    return Outcome(error=(error.get("ErrorType", ""), error.get("ErrorMessage", "")))
