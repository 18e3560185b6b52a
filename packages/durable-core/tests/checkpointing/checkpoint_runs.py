"""Workflows written once for both flavours and all modes, and services that let a workflow run ahead of its record."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Final

import both_flavours
import pytest
from both_flavours import Body
from watchdog import PATIENCE, watchdog

from durable_core import (
    Checkpointing,
    DurableContext,
    DurableFunction,
    Duration,
    NoRetry,
    StepConfig,
)
from durable_core.spi import (
    BotoClient,
    CheckpointAnswer,
    DurableServiceClient,
    ExecutionState,
    InvocationAnswer,
    InvocationEvent,
    OperationUpdate,
    encode_json,
)
from durable_testing import DurableService, LocalRunner, TestResult, VirtualClock
from durable_testing.faults import SandboxDied, Side

EAGER, BATCHED, OPTIMISTIC = Checkpointing.EAGER, Checkpointing.BATCHED, Checkpointing.OPTIMISTIC
HOUR: Final = Duration.from_hours(1)
ONCE: Final = StepConfig(retry_strategy=NoRetry())
AHEAD: Final = 26
"""Steps of which a BATCHED workflow may have seen, or waits to see, an outcome that is not durable: 50 updates, and
those of one more."""

every_mode: Final = pytest.mark.parametrize("mode", Checkpointing, ids=lambda mode: mode.value)
ahead_of_the_record: Final = pytest.mark.parametrize("mode", [BATCHED, OPTIMISTIC], ids=lambda mode: mode.value)


def handler_of(flavour: str, mode: Checkpointing, body: Body, **settings: Any) -> DurableFunction[Any]:
    """A handler that runs *body*, which awaits nothing but operations, in this flavour and mode."""
    return both_flavours.handler_of(flavour, body, checkpointing=mode, **settings)


def run(flavour: str, mode: Checkpointing, body: Body, **options: Any) -> TestResult[Any]:
    """*body*, run to its end and replayed once more."""
    functions: dict[str, Any] = options.pop("functions", {})
    callbacks = options.pop("callbacks", None)
    with watchdog(), LocalRunner(handler_of(flavour, mode, body), **options) as runner:
        for name, target in functions.items():
            runner.register(name, target)
        return runner.run(callbacks=callbacks)


class Bodies:
    """The bodies of steps, and how often each of them ran."""

    def __init__(self) -> None:
        self.ran: Counter[str] = Counter()
        self.order: list[str] = []
        self._moved = threading.Condition()

    def note(self, name: str) -> str:
        """The body of the step with this *name*."""
        with self._moved:
            self.ran[name] += 1
            self.order.append(name)
            self._moved.notify_all()
        return name

    def wait_for(self, count: int) -> None:
        """Return when so many bodies have run."""
        with self._moved:
            assert self._moved.wait_for(lambda: len(self.order) >= count, PATIENCE / 2), f"{len(self.order)} of {count}"

    async def step(self, ctx: DurableContext, name: str, config: StepConfig | None = None) -> str:
        """A step of this *name*, which gives its name."""

        async def body() -> str:
            return self.note(name)

        return await ctx.step(body, name=name, config=config)


class Watched:
    """Passes every call on, and keeps books: the steps that are durable, and the updates of each call."""

    def __init__(self, inner: DurableServiceClient) -> None:
        self._inner = inner
        self.calls: list[Sequence[OperationUpdate]] = []
        self.durable: set[str] = set()
        """The names of operations with a recorded outcome."""
        self.known: set[str] = set()
        """The names of operations with any record."""
        self.reads = 0

    def checkpoint(
        self,
        arn: str,
        token: str,
        updates: Sequence[OperationUpdate],
        client_token: str,
        *,
        timeout: float | None = None,
    ) -> CheckpointAnswer:
        self.calls.append([*updates])
        self.before(len(self.calls))
        answer = self._inner.checkpoint(arn, token, updates, client_token, timeout=timeout)
        self.known |= {update.get("Name", "") for update in updates}
        self.durable |= {update.get("Name", "") for update in updates if update["Action"] in ("SUCCEED", "FAIL")}
        self.after(len(self.calls))
        return answer

    def before(self, number: int) -> None:
        """What happens before the service takes the call with this *number*, from 1."""

    def after(self, number: int) -> None:
        """What happens before its answer arrives."""

    def get_state(self, arn: str, token: str, marker: str, *, timeout: float | None = None) -> ExecutionState:
        self.reads += 1
        return self._inner.get_state(arn, token, marker, timeout=timeout)


class Late(Watched):
    """The first call is not answered before the workflow has come as far as it can, and the others a little late."""

    def __init__(self, inner: DurableServiceClient, bodies: Bodies, ahead: int) -> None:
        """It can run so many steps *ahead* of those that are durable."""
        super().__init__(inner)
        self._bodies = bodies
        self._ahead = ahead
        self.farthest = 0
        """Bodies that had run without their step being durable, at most."""

    def before(self, number: int) -> None:
        if number == 1:
            self._bodies.wait_for(self._ahead)
        else:
            time.sleep(0.001)
        self.farthest = max(self.farthest, len(self._bodies.order) - len(self.durable))


class Dying(Watched):
    """The sandbox dies before or after the call with the number *at*; once."""

    def __init__(
        self,
        inner: DurableServiceClient,
        at: int,
        side: Side,
        *,
        late: Callable[[], None] = lambda: None,
    ) -> None:
        """It is as *late* as this waits for."""
        super().__init__(inner)
        self._at = at
        self._side = side
        self._late = late
        self.durable_then: set[str] = set()
        """The names of operations whose outcome was recorded when it came to that call."""

    def before(self, number: int) -> None:
        if number == self._at:
            self.durable_then = set(self.durable)
            self._late()
            if self._side is Side.BEFORE:
                raise SandboxDied

    def after(self, number: int) -> None:
        if number == self._at and self._side is Side.AFTER:
            raise SandboxDied


class Stage:
    """An execution whose invocations a test makes by hand."""

    def __init__(
        self,
        handler: DurableFunction[Any],
        client: Callable[[DurableServiceClient], DurableServiceClient] = Watched,
        *,
        service: DurableService | None = None,
    ) -> None:
        self.handler = handler
        self.service = service or DurableService()
        self.client: Any = client(BotoClient(self.service))
        self.arn = self.service.start("stage", encode_json(None))
        self.answers: list[InvocationAnswer] = []

    def begin(self) -> InvocationEvent:
        """Begin an invocation, and give its event."""
        return self.service.begin_invocation(self.arn)

    def invoke(self, lambda_context: object = None) -> InvocationAnswer:
        """Invoke the handler once, and tell the service what came of it."""
        event = self.begin()
        try:
            with watchdog():
                answer = self.handler.durable.invoke(event, lambda_context, client=self.client, impatient=True)
        except BaseException as error:
            self.service.fail_invocation(self.arn, {"ErrorType": type(error).__name__, "ErrorMessage": str(error)})
            raise
        self.at_the_answer = self.statuses
        self.service.complete_invocation(self.arn, answer)
        return answer

    def pass_time(self, duration: Duration) -> None:
        """Let *duration* pass at the service."""
        assert isinstance(self.service.clock, VirtualClock)
        self.service.clock.advance(duration)
        self.service.tick()

    @property
    def statuses(self) -> dict[str, str]:
        """What is recorded, by name."""
        operations = self.service.operations(self.arn)
        return {each.get("Name", each["Type"]): each["Status"] for each in operations if each["Type"] != "EXECUTION"}
