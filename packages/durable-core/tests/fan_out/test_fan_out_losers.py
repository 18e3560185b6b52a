"""What a fan-out or a combinator does not need: it is cancelled, never recorded, or never begun."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from both_flavours import both_flavours, handler_of
from fan_out_clients import Ledger
from fan_out_programs import HOUR
from fan_out_runs import run, value_of

from durable_core import (
    CompletionConfig,
    DurableContext,
    Duration,
    MapConfig,
    ParallelConfig,
    blocking,
    durable_execution,
)

pytestmark = pytest.mark.usefixtures("unhelped")

FIRST: CompletionConfig = CompletionConfig.first_successful()
Operands = list[Callable[[DurableContext], Any]]
Way = Callable[[DurableContext, Operands], Any]


async def by_map(ctx: DurableContext, operands: Operands) -> Any:
    async def branch(inner: DurableContext, item: int, index: int) -> Any:
        return await operands[item](inner)

    return (await ctx.map(range(len(operands)), branch, config=MapConfig(completion=FIRST))).results[0]


async def by_parallel(ctx: DurableContext, operands: Operands) -> Any:
    return (await ctx.parallel(operands, config=ParallelConfig(completion=FIRST))).results[0]


async def by_race(ctx: DurableContext, operands: Operands) -> Any:
    return await ctx.race(operands)


async def by_any(ctx: DurableContext, operands: Operands) -> Any:
    return await ctx.any(operands)


each_way = pytest.mark.parametrize("way", [by_map, by_parallel, by_race, by_any], ids=lambda way: way.__name__[3:])


@both_flavours
@each_way
def test_what_losers_wait_for_is_cancelled_at_the_service(flavour: str, way: Way) -> None:
    ledger = Ledger()

    async def long(ctx: DurableContext) -> None:
        await ctx.wait(HOUR, name="long")

    async def longer(ctx: DurableContext) -> None:
        async def inner(ctx: DurableContext, item: int, index: int) -> None:
            await ctx.wait(HOUR, name=f"longer {item}")

        await ctx.map([1, 2], inner)

    async def quick(ctx: DurableContext) -> str:
        await ctx.step(ledger.until, "START", "long", "longer 1", "longer 2")
        return "quick"

    async def workflow(ctx: DurableContext) -> Any:
        won = await way(ctx, [long, quick, longer])
        return await ctx.step(str, won)

    result = run(handler_of(flavour, workflow), client=ledger)
    assert (result.value, len(result.invocations)) == ("quick", 1)
    waits = {each.name: each.status for each in result.operations if each.type == "WAIT"}
    assert waits == {"long": "CANCELLED", "longer 1": "CANCELLED", "longer 2": "CANCELLED"}


def test_a_wait_of_a_loser_that_has_not_come_to_it_again_is_cancelled() -> None:
    decided, runs = threading.Event(), [0, 0]

    def branch(ctx: blocking.DurableContext, hours: int, index: int) -> int:
        runs[index] += 1
        if hours == 9 and runs[index] == 2:
            decided.wait(5)
        ctx.wait(Duration.from_hours(hours), name=f"{hours} h")
        return hours

    @durable_execution
    def handler(event: object, ctx: blocking.DurableContext) -> int:
        won = ctx.map([9, 1], branch, config=MapConfig(completion=FIRST)).results[0]
        decided.set()
        return ctx.step(int, won)

    assert run(handler).operation("9 h").status == "CANCELLED"


@each_way
def test_a_loser_that_returns_after_the_decision_has_no_outcome(way: Way) -> None:
    ledger, begun, decided = Ledger(), threading.Event(), threading.Event()

    async def lose(ctx: DurableContext) -> str:
        begun.set()
        assert decided.wait(10)
        return "too late"

    async def win(ctx: DurableContext) -> str:
        assert begun.wait(10)
        return "won"

    async def workflow(ctx: DurableContext) -> Any:
        won = await way(ctx, [lose, win])
        decided.set()
        return await ctx.step(str, won)

    result = run(handler_of("blocking", workflow), client=ledger)
    assert result.value == "won"
    ended = [each for each in ledger.updates if each["Type"] == "CONTEXT" and each["Action"] == "SUCCEED"]
    assert not [each for each in ended if "too late" in each.get("Payload", "")]


@each_way
def test_it_goes_on_while_a_loser_works_whose_outcome_is_never_sent(way: Way) -> None:
    ledger, released, order = Ledger(), threading.Event(), list[str]()

    def slow() -> None:
        released.wait(10)
        order.append("slow ended")

    async def lose(ctx: DurableContext) -> None:
        await ctx.step(slow, name="slow")
        order.append("went on")

    async def win(ctx: DurableContext) -> str:
        await ctx.step(ledger.until, "START", "slow")
        return "won"

    async def workflow(ctx: DurableContext) -> Any:
        won = await way(ctx, [lose, win])
        order.append("decided")
        await ctx.step(str, "beside", name="beside")
        released.set()
        return won

    result = run(handler_of("blocking", workflow), client=ledger)
    assert result.value == "won"
    assert order[:2] == ["decided", "slow ended"]
    assert "went on" not in order
    assert result.operation("slow").status == "STARTED"
    assert result.operation("beside").status == "SUCCEEDED"
    assert [each["Action"] for each in ledger.updates if each.get("Name") == "slow"] == ["START"]


@each_way
def test_a_loser_that_works_is_waited_for_before_the_answer(way: Way) -> None:
    released, ended = threading.Event(), list[str]()

    def slow() -> None:
        released.wait(10)
        threading.Event().wait(0.05)
        ended.append("slow")

    ledger = Ledger()

    async def lose(ctx: DurableContext) -> None:
        await ctx.step(slow, name="slow")

    async def win(ctx: DurableContext) -> None:
        await ctx.step(ledger.until, "START", "slow")

    async def workflow(ctx: DurableContext) -> None:
        await way(ctx, [lose, win])
        released.set()

    value_of(handler_of("blocking", workflow), client=ledger, verify_replay=False)
    assert ended == ["slow"]


@each_way
def test_losers_that_have_no_thread_yet_never_begin(way: Way) -> None:
    """At most 33 of 40: the thread of the one that won may have taken the next while its outcome was recorded."""
    begun, released, all_begun = list[int](), threading.Event(), threading.Barrier(32)

    def busy(number: int) -> None:
        if number < 32:
            all_begun.wait(10)
        if number:
            released.wait(10)

    def operand(number: int) -> Any:
        async def body(ctx: DurableContext) -> None:
            begun.append(number)
            await ctx.step(busy, number, name=f"step {number}")

        return body

    async def workflow(ctx: DurableContext) -> None:
        await way(ctx, [operand(number) for number in range(40)])
        released.set()

    result = run(handler_of("blocking", workflow), verify_replay=False)
    assert result.status == "SUCCEEDED"
    assert set(range(32)) <= set(begun) <= set(range(33))
    assert {each.name for each in result.operations if each.subtype == "Step"} <= {f"step {each}" for each in begun}
    assert len(result.operations) <= 2 + 2 * len(begun)


@both_flavours
def test_no_more_branches_are_under_way_than_are_allowed_parked_ones_included(flavour: str) -> None:
    async def branch(ctx: DurableContext, item: int, index: int) -> int:
        await ctx.step(int, 1)
        await ctx.wait(Duration.from_hours(1 + item % 3))
        return await ctx.step(int, 2)

    async def workflow(ctx: DurableContext) -> int:
        return (await ctx.map(range(9), branch, config=MapConfig(max_concurrency=2))).success_count

    result = run(handler_of(flavour, workflow))
    assert result.value == 9
    under_way, most = 0, 0
    for each in result.history:
        if each.get("SubType") == "MapIteration":
            under_way += 1 if each["EventType"] == "ContextStarted" else -1
            most = max(most, under_way)
    assert most == 2


def test_at_most_so_many_branches_run_code_at_a_time() -> None:
    lock, running, most = threading.Lock(), 0, 0

    def busy() -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        threading.Event().wait(0.005)
        with lock:
            running -= 1

    async def branch(ctx: DurableContext, item: int, index: int) -> None:
        await ctx.step(busy)
        await ctx.wait(HOUR)
        await ctx.step(busy)

    async def workflow(ctx: DurableContext) -> int:
        return (await ctx.map(range(12), branch, config=MapConfig(max_concurrency=4))).success_count

    assert value_of(handler_of("blocking", workflow)) == 12
    assert most <= 4
