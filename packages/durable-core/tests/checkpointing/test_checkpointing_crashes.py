"""What a crash costs in each mode: the steps that were not durable run again, and no others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from both_flavours import both_flavours
from checkpoint_runs import (
    AHEAD,
    BATCHED,
    EAGER,
    HOUR,
    ONCE,
    OPTIMISTIC,
    Bodies,
    Dying,
    Stage,
    Watched,
    ahead_of_the_record,
    every_mode,
    handler_of,
    run,
)
from watchdog import watchdog

from durable_core import Checkpointing, DurableContext, NoRetry, StepConfig, StepInterruptedError, StepSemantics
from durable_core.spi import DurableServiceClient
from durable_testing import LocalRunner, TestResult
from durable_testing.faults import SandboxDied, Side

pytestmark = pytest.mark.exhaustive


AT_MOST_ONCE = StepConfig(retry_strategy=NoRetry(), step_semantics=StepSemantics.AT_MOST_ONCE_PER_RETRY)
STEPS = 40
REDONE = {EAGER: 1, BATCHED: AHEAD, OPTIMISTIC: STEPS}
"""How many steps of forty a crash may redo."""

every_batch = pytest.mark.parametrize("updates", [250, 1], ids=["batches", "single"])


class Crashed(Bodies):
    """A workflow whose first sandbox dies, and what was durable then."""

    def __init__(self, flavour: str, mode: Checkpointing, at: int, side: Side, updates: int) -> None:
        super().__init__()
        self.clients: list[Dying] = []

        def dying(inner: DurableServiceClient) -> Dying:
            self.clients.append(Dying(inner, at, side, late=self.late))
            return self.clients[-1]

        handler = handler_of(flavour, mode, self.workflow)
        with watchdog(), LocalRunner(handler, client=dying, batch_updates=updates) as runner:
            self.result: TestResult[Any] = runner.run()
        self.died = any(each.error is not None for each in self.result.invocations)
        assert self.result.status == "SUCCEEDED", self.result.error

    @property
    def calls(self) -> int:
        """Checkpoints that were asked for."""
        return len(self.clients[0].calls)

    def late(self) -> None:
        """How long a sandbox lives beyond its last call."""

    async def workflow(self, ctx: DurableContext) -> Any:
        raise NotImplementedError


class Forty(Crashed):
    """Forty steps, one after the other."""

    async def workflow(self, ctx: DurableContext) -> list[str]:
        return [await self.step(ctx, f"step-{number}") for number in range(STEPS)]


class Mixed(Crashed):
    """Steps before and after one that is not to run twice, and a step that fails."""

    async def workflow(self, ctx: DurableContext) -> list[str]:
        def fail() -> None:
            self.note("fail")
            raise LookupError("no such thing")

        found = [await self.step(ctx, f"before-{number}") for number in range(3)]
        try:
            found.append(await self.step(ctx, "charge", AT_MOST_ONCE))
        except StepInterruptedError:
            found.append("charge")
        try:
            await ctx.step(fail, name="fail", config=ONCE)
        except LookupError as error:
            found.append(str(error))
        await ctx.wait(HOUR, name="pause")
        return [*found, *[await self.step(ctx, f"after-{number}") for number in range(3)]]


def everywhere(kind: type[Crashed], flavour: str, mode: Checkpointing, updates: int, stride: int = 1) -> Iterator[Any]:
    """Runs that die at each of their checkpoints, before it and after it, the last one of each not at all."""
    for side in Side:
        at = 1
        while True:
            each = kind(flavour, mode, at, side, updates)
            yield each
            if not each.died:
                break
            at += stride


@every_batch
@both_flavours
@every_mode
def test_a_crash_redoes_no_more_than_the_mode_says_and_shows_in_no_result(
    flavour: str, mode: Checkpointing, updates: int
) -> None:
    for each in everywhere(Forty, flavour, mode, updates, stride=9 if updates == 1 else 3):
        assert each.result.value == [f"step-{number}" for number in range(STEPS)]
        redone = [name for name, times in each.ran.items() if times > 1]
        assert len(redone) <= REDONE[mode]
        assert max(each.ran.values()) <= 2
        assert list(dict.fromkeys(each.order)) == each.result.value, "the order is the same again"


@both_flavours
@pytest.mark.parametrize(("mode", "redone"), [(EAGER, 1), (BATCHED, 25), (OPTIMISTIC, STEPS)], ids=str)
def test_the_modes_differ_in_what_a_crash_redoes(flavour: str, mode: Checkpointing, redone: int) -> None:
    """The sandbox dies with its first call on the way, as late as it can."""

    class Late(Forty):
        def late(self) -> None:
            self.wait_for(redone)

    each = Late(flavour, mode, 1, Side.BEFORE, 250)
    assert redone <= sum(times > 1 for times in each.ran.values()) <= redone + 1


@both_flavours
@every_mode
@every_batch
def test_what_is_recorded_is_not_done_again(flavour: str, mode: Checkpointing, updates: int) -> None:
    for at in (1, 2, 5):
        each = Forty(flavour, mode, at, Side.BEFORE, updates)
        durable = each.clients[0].durable_then if each.died else set(each.ran)
        assert len(durable) >= (at - 1) // 2
        assert all(each.ran[name] == 1 for name in durable)


@both_flavours
@every_mode
@every_batch
def test_a_step_that_is_not_to_run_twice_does_not_wherever_the_sandbox_dies(
    flavour: str, mode: Checkpointing, updates: int
) -> None:
    for each in everywhere(Mixed, flavour, mode, updates):
        assert each.ran["charge"] <= 1
        expected = ["before-0", "before-1", "before-2", "charge", "no such thing", "after-0", "after-1", "after-2"]
        assert each.result.value == expected


@both_flavours
@every_mode
@every_batch
def test_no_later_operation_is_recorded_without_those_before_it(
    flavour: str, mode: Checkpointing, updates: int
) -> None:
    """After any number of calls, what is recorded is what came first."""
    names = ["before-0", "before-1", "before-2", "charge", "fail", "pause", "after-0", "after-1", "after-2"]
    for each in everywhere(Mixed, flavour, mode, updates):
        recorded = list(dict.fromkeys(update["Name"] for call in each.clients[0].calls for update in call))
        assert recorded == names[: len(recorded)]


@both_flavours
@ahead_of_the_record
def test_what_an_earlier_sandbox_saw_and_lost_is_seen_again_in_the_same_order(
    flavour: str, mode: Checkpointing
) -> None:
    work = Bodies()

    async def workflow(ctx: DurableContext) -> str:
        seen = ""
        for name in "abcdefgh":
            seen += await work.step(ctx, name)
            if len(seen) == 4:
                await work.step(ctx, seen)  # what comes next depends on what was seen
        return seen

    class Late(Dying):
        def before(self, number: int) -> None:
            if number == self._at:
                work.wait_for(9)
            super().before(number)

    with (
        watchdog(),
        LocalRunner(handler_of(flavour, mode, workflow), client=lambda inner: Late(inner, 1, Side.BEFORE)) as runner,
    ):
        assert runner.run().value == "abcdefgh"
    assert work.order == ["a", "b", "c", "d", "abcd", "e", "f", "g", "h"] * 2


@both_flavours
@every_mode
def test_no_body_runs_once_the_record_of_a_pause_is_lost(flavour: str, mode: Checkpointing) -> None:
    """A sandbox that dies with the pause on the way has done nothing that comes after it."""
    work = Bodies()

    async def workflow(ctx: DurableContext) -> None:
        await work.step(ctx, "before")
        await ctx.wait(HOUR)
        await work.step(ctx, "after")

    class DyingAtThePause(Watched):
        def before(self, number: int) -> None:
            if any(update["Type"] == "WAIT" for update in self.calls[-1]):
                raise SandboxDied

    stage = Stage(handler_of(flavour, mode, workflow), DyingAtThePause)
    with pytest.raises(SandboxDied):
        stage.invoke()
    assert work.order == ["before"]


@both_flavours
@every_mode
def test_the_runners_replay_agrees_with_the_run(flavour: str, mode: Checkpointing) -> None:
    work = Bodies()

    async def workflow(ctx: DurableContext) -> list[str]:
        found = [await work.step(ctx, name) for name in "abc"]
        await ctx.wait(HOUR)
        return [*found, *[await work.step(ctx, name) for name in "def"]]

    assert run(flavour, mode, workflow).value == list("abcdef")
    assert work.order == list("abcdef")
