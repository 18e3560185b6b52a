"""A decision that is recorded stands, and whoever it was not for is as far on a replay as on the first run."""

from __future__ import annotations

import json
import time
from hashlib import blake2b
from typing import Any, cast

import pytest
from both_flavours import Body, both_flavours, handler_of
from fan_out_programs import HOUR, double
from fan_out_runs import run, value_of

from durable_core import CompletionConfig, DurableContext, Duration, FixedDelay, MapConfig, Nesting, StepConfig
from durable_core.spi import BotoClient, Operation
from durable_testing import DurableService

both_nestings = pytest.mark.parametrize("nesting", Nesting)


def recorded(key: str, name: str | None, ended: int, **members: Any) -> Operation:
    """An operation of the root, at the place *key*, that succeeded."""
    id = blake2b(key.encode()).hexdigest()[:64]
    entry = {"Id": id, "Status": "SUCCEEDED", "StartTimestamp": 1_000, "EndTimestamp": ended, **members}
    return cast("Operation", entry if name is None else {**entry, "Name": name})


def context(key: str, name: str, ended: int) -> Operation:
    """A child context that succeeded with its name."""
    details = {"Result": json.dumps(name)}
    return recorded(key, name, ended, Type="CONTEXT", SubType="RunInChildContext", ContextDetails=details)


@both_flavours
@pytest.mark.parametrize("method", ["race", "any"])
def test_who_is_recorded_to_have_won_has_won_though_another_ended_sooner(flavour: str, method: str) -> None:
    """The service told too late that it had: as of a timer that fires late."""

    async def first(ctx: DurableContext) -> str:
        raise AssertionError("it is over")

    async def second(ctx: DurableContext) -> str:
        raise AssertionError("it is over")

    async def workflow(ctx: DurableContext) -> Any:
        return await getattr(ctx, method)([first, second])

    decision = {"Attempt": 1, "Result": '{"statuses":".S","winner":1}'}
    operations = [
        context("1", "first", 2_000),
        context("2", "second", 3_000),
        recorded("3", None, 4_000, Type="STEP", SubType="Combinator", StepDetails=decision),
    ]
    service = DurableService()
    event = service.begin_invocation(service.start("decided", "null"))
    event["InitialExecutionState"]["Operations"] = [
        *event["InitialExecutionState"].get("Operations", []),
        *operations,
    ]
    answer = handler_of(flavour, workflow).durable.invoke(event, None, client=BotoClient(service))
    assert answer == {"Status": "SUCCEEDED", "Result": '"second"'}


@both_flavours
def test_a_loser_is_not_tried_again_while_the_winner_gives_its_large_result_again(flavour: str) -> None:
    tried: list[int] = []

    def refuse() -> None:
        tried.append(len(tried))
        raise ConnectionError("not now")

    async def loser(ctx: DurableContext) -> str:
        await ctx.step(refuse, config=StepConfig(retry_strategy=FixedDelay(9, Duration.from_hours(2))))
        raise AssertionError("it never succeeds")

    async def winner(ctx: DurableContext) -> str:
        await ctx.wait(HOUR)
        if ctx.is_replaying:
            time.sleep(0.05)  # others have time to run
        return "x" * 300_000

    async def workflow(ctx: DurableContext) -> int:
        won = await ctx.race([loser, winner])
        await ctx.wait(Duration.from_hours(5))  # the loser's next attempt is due meanwhile
        return len(won)

    assert value_of(handler_of(flavour, workflow)) == 300_000
    assert tried == [0]


@both_flavours
def test_all_ends_with_the_first_failure(flavour: str) -> None:
    async def slow(ctx: DurableContext) -> None:
        await ctx.wait(HOUR, name="slow")

    async def failing(ctx: DurableContext) -> None:
        raise LookupError("gone")

    async def workflow(ctx: DurableContext) -> str:
        try:
            await ctx.all([slow, failing])
        except LookupError as error:
            return str(error)
        raise AssertionError("it fails")

    result = run(handler_of(flavour, workflow))
    assert result.value == "gone"
    slow_one = next((each for each in result.operations if each.name == "slow" and each.type == "WAIT"), None)
    assert slow_one is None or slow_one.status == "CANCELLED"
    assert len(result.invocations) == 1


def stopping_early(nesting: Nesting, seen: list[Any]) -> Body:
    """A map whose results are too large to record: two of four that end at the same time are enough."""

    async def large(ctx: DurableContext, hours: int, index: int) -> str:
        await ctx.wait(Duration.from_hours(hours))
        return f"{index}" * 140_000

    async def workflow(ctx: DurableContext) -> None:
        config = MapConfig[str](completion=CompletionConfig(min_successful=2), nesting=nesting)
        batch = await ctx.map([2, 2, 1, 1, 1, 1], large, config=config)
        seen.append([str(batch.completion_reason), *((item.index, str(item.status)) for item in batch.items)])
        await ctx.wait(HOUR)

    return workflow


@both_flavours
@both_nestings
def test_branches_of_a_large_map_that_ended_too_late_or_not_at_all_are_the_same_on_a_replay(
    flavour: str, nesting: Nesting
) -> None:
    seen: list[Any] = []
    value_of(handler_of(flavour, stopping_early(nesting, seen)))
    assert [status for _, status in seen[0][1:]].count("SUCCEEDED") == 2
    assert seen[0][:3] == ["MIN_SUCCESSFUL_REACHED", (0, "STARTED"), (1, "STARTED")]
    assert len(seen) >= 2
    assert all(each == seen[0] for each in seen)


@both_flavours
@both_nestings
def test_a_large_map_that_a_predicate_has_stopped_is_so_on_a_replay_whatever_that_says_now(
    flavour: str, nesting: Nesting
) -> None:
    seen: list[Any] = []

    async def large(ctx: DurableContext, item: int, index: int) -> str:
        await ctx.wait(Duration.from_hours(item))
        return await ctx.step(lambda: f"{item}" * 140_000, name="write")

    async def workflow(ctx: DurableContext) -> None:
        enough = CompletionConfig(should_complete=lambda status: not seen and status.success_count == 2)
        batch = await ctx.map([1, 2, 3, 4], large, config=MapConfig[str](completion=enough, nesting=nesting))
        seen.append([str(batch.completion_reason), *((item.index, str(item.status)) for item in batch.items)])
        await ctx.wait(HOUR)

    value_of(handler_of(flavour, workflow))
    assert seen[0] == ["CUSTOM", (0, "SUCCEEDED"), (1, "SUCCEEDED"), (2, "STARTED"), (3, "STARTED")]
    assert len(seen) >= 2
    assert all(each == seen[0] for each in seen)


@both_flavours
def test_flat_branches_take_no_room_in_the_quota(flavour: str) -> None:
    async def branch(ctx: DurableContext, item: int, index: int) -> int:
        return await ctx.step(double, item) if index == 0 else item

    async def workflow(ctx: DurableContext) -> int:
        return (await ctx.map(range(3_100), branch, config=MapConfig[int](nesting=Nesting.FLAT))).success_count

    assert value_of(handler_of(flavour, workflow)) == 3_100
