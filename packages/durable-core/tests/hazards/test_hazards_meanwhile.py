"""The world fails: things happen at the service while the workflow works, and clocks disagree. In real time."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from hazard_clients import Answering, Call, Watched
from hazard_runs import Stage, failure_of

from durable_core import DurableContext, Duration, FixedDelay, ServiceError, StepConfig, durable_execution, step_context
from durable_core.spi import CheckpointAnswer
from durable_testing import DurableService, SystemClock

SECOND = Duration.from_seconds(1)


class Drifting:
    """A clock that is years behind, and runs at *pace* of this machine's."""

    def __init__(self, pace: float) -> None:
        self._began = time.monotonic()
        self._pace = pace
        self._last = 0

    def now(self) -> int:
        return max(self._last, int((time.monotonic() - self._began) * 1000 * self._pace) + 86_400_000)

    def tick(self) -> int:
        self._last = max(self._last + 1, self.now())
        return self._last


async def busy(seconds: float) -> str:
    await asyncio.sleep(seconds)
    return "busy"


def busy_thread(seconds: float) -> str:
    time.sleep(seconds)
    return "busy"


def polls(stage: Stage) -> int:
    assert isinstance(stage.client, Watched)
    return sum(not call.updates for call in stage.client.calls)


@durable_execution
async def pause_beside_a_step(event: float, ctx: DurableContext) -> list[str]:
    ended: list[str] = []

    async def pause() -> None:
        await ctx.wait(SECOND)
        ended.append(await ctx.step(str, "after the pause", name="after"))

    async def work() -> None:
        ended.append(await ctx.step(busy, event))

    await asyncio.gather(pause(), work())
    return ended


def test_a_branch_whose_wait_is_over_goes_on_while_its_sibling_works() -> None:
    stage = Stage(pause_beside_a_step, 1.5, service=DurableService(clock=SystemClock()), client=Watched)
    assert stage.invoke() == {"Status": "SUCCEEDED", "Result": '["after the pause","busy"]'}
    assert polls(stage) == 1


def test_a_branch_whose_retry_is_due_goes_on_while_a_thread_of_its_sibling_works() -> None:
    ended: list[str] = []

    @durable_execution
    async def handler(event: object, ctx: DurableContext) -> list[str]:
        def flaky() -> str:
            if step_context().attempt == 1:
                raise ConnectionError("not yet")
            return "retried"

        async def retried() -> None:
            ended.append(await ctx.step(flaky, config=StepConfig(retry_strategy=FixedDelay(2))))

        async def work() -> None:
            ended.append(await ctx.step(busy_thread, 1.4))

        await asyncio.gather(retried(), work())
        return ended

    stage = Stage(handler, service=DurableService(clock=SystemClock()), client=Watched)
    assert stage.invoke() == {"Status": "SUCCEEDED", "Result": '["retried","busy"]'}


def test_a_service_whose_clock_is_years_behind_is_polled_at_the_right_time() -> None:
    stage = Stage(pause_beside_a_step, 1.4, service=DurableService(clock=Drifting(1.0)), client=Watched)
    assert stage.invoke() == {"Status": "SUCCEEDED", "Result": '["after the pause","busy"]'}
    assert polls(stage) == 1


def test_a_timer_that_fires_late_is_polled_for_with_a_floor_and_a_growing_pause() -> None:
    """At this pace the wait of a second takes 1.6."""
    stage = Stage(pause_beside_a_step, 2.2, service=DurableService(clock=Drifting(0.62)), client=Watched)
    assert stage.invoke() == {"Status": "SUCCEEDED", "Result": '["after the pause","busy"]'}
    assert polls(stage) == 2


def test_a_poll_that_fails_and_passes_is_tried_again() -> None:
    class FailingPolls(Answering):
        failed = 0

        def checkpointed(self, arn: str, call: Call) -> CheckpointAnswer:
            if not call.updates and self.failed < 2:
                self.failed += 1
                raise ServiceError("TooManyRequestsException", "slow down", status=429)
            return super().checkpointed(arn, call)

    stage = Stage(pause_beside_a_step, 1.6, service=DurableService(clock=SystemClock()), client=FailingPolls)
    assert stage.invoke() == {"Status": "SUCCEEDED", "Result": '["after the pause","busy"]'}


def test_a_poll_that_is_refused_fails_the_execution_at_once() -> None:
    class RefusedPolls(Watched):
        def checkpointed(self, arn: str, call: Call) -> CheckpointAnswer:
            if not call.updates:
                raise ServiceError("AccessDeniedException", "not allowed", status=403)
            return super().checkpointed(arn, call)

    stage = Stage(pause_beside_a_step, 10, service=DurableService(clock=SystemClock()), client=RefusedPolls)
    began = time.monotonic()
    answer = stage.invoke()
    assert answer["Status"] == "FAILED"
    assert "a poll" in failure_of(answer).get("ErrorMessage", "")
    assert time.monotonic() - began < 3


def test_what_an_answer_told_is_acted_on_before_pending_is_answered() -> None:
    """Two hours pass while the step works; the answer to its outcome tells of the first wait."""
    ended: list[str] = []

    @durable_execution
    async def handler(event: object, ctx: DurableContext) -> list[str]:
        async def pause(hours: int) -> None:
            await ctx.wait(Duration.from_hours(hours))
            ended.append(await ctx.step(str, f"{hours} h", name=f"{hours} h"))

        def let_hours_pass() -> str:
            time.sleep(0.03)  # until the waits are recorded
            stage.pass_time(Duration.from_hours(2))
            return "work"

        async def work() -> None:
            ended.append(await ctx.step(let_hours_pass))

        await asyncio.gather(pause(1), work(), pause(3))
        return ended

    stage = Stage(handler)
    assert stage.invoke() == {"Status": "PENDING"}
    assert ended == ["work", "1 h"]
    assert stage.statuses["1 h"] == "SUCCEEDED"


def test_a_timer_that_fires_after_the_last_answer_causes_one_more_invocation_and_is_not_lost() -> None:
    @durable_execution
    async def handler(event: object, ctx: DurableContext) -> str:
        await ctx.wait(SECOND)
        return "done"

    stage = Stage(handler)
    assert stage.invoke() == {"Status": "PENDING"}
    assert not stage.service.due(stage.arn)
    stage.pass_time(SECOND)
    assert stage.service.due(stage.arn)
    assert stage.invoke() == {"Status": "SUCCEEDED", "Result": '"done"'}


@pytest.mark.parametrize("body", [busy, busy_thread])
def test_a_body_that_blocks_the_loop_or_a_thread_does_not_hold_back_what_was_recorded(body: Any) -> None:
    """The sender sends the START of a step while its body works."""
    seen: list[dict[str, str]] = []

    def look() -> None:
        time.sleep(0.05)
        seen.append(stage.statuses)

    async def look_and_block_the_loop() -> None:
        look()

    @durable_execution
    async def handler(event: object, ctx: DurableContext) -> None:
        await ctx.step(look if body is busy_thread else look_and_block_the_loop, name="look")

    stage = Stage(handler)
    stage.invoke()
    assert seen == [{"look": "STARTED"}]


def test_a_start_that_nobody_waits_for_shares_the_call_of_a_quick_outcome() -> None:
    @durable_execution
    async def handler(event: object, ctx: DurableContext) -> None:
        for _ in range(10):
            await ctx.step(asyncio.sleep, 0.0005)

    stage = Stage(handler, client=Watched)
    stage.invoke()
    assert isinstance(stage.client, Watched)
    shared = [call.kinds == ["STEP START", "STEP SUCCEED"] for call in stage.client.calls]
    assert sum(shared) >= 4, "a machine that is busy may be too slow for some"
