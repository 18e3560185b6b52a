"""What side-by-side contexts log is said once, however often their code runs again."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any

import pytest
from both_flavours import both_flavours, handler_of
from fan_out_clients import Ledger
from fan_out_programs import HOUR, double
from fan_out_runs import Body, run

from durable_core import DurableContext, Duration, FixedDelay, MapConfig, Nesting, StepConfig

both_nestings = pytest.mark.parametrize("nesting", Nesting)


def lines(flavour: str, body: Body, caplog: pytest.LogCaptureFixture, **options: Any) -> Counter[str]:
    """How often each line was logged in a run of *body*, its last replay included."""
    with caplog.at_level("INFO", "durable"):
        result = run(handler_of(flavour, body), **options)
    assert result.status == "SUCCEEDED", result.error
    return Counter(each.getMessage() for each in caplog.records if each.name == "durable")


def once(*names: str) -> Counter[str]:
    return Counter(dict.fromkeys(names, 1))


@both_flavours
@both_nestings
def test_branches_that_wait_say_each_line_once(
    flavour: str, nesting: Nesting, caplog: pytest.LogCaptureFixture
) -> None:
    async def branch(ctx: DurableContext, item: int, index: int) -> None:
        ctx.logger.info("%d begins", item)
        await ctx.wait(Duration.from_hours(1 + item))
        ctx.logger.info("%d woke", item)
        await ctx.step(double, item)
        ctx.logger.info("%d worked", item)
        await ctx.wait(HOUR)
        ctx.logger.info("%d ends", item)

    async def workflow(ctx: DurableContext) -> None:
        ctx.logger.info("begins")
        await ctx.map(range(3), branch, config=MapConfig(nesting=nesting))
        ctx.logger.info("mapped")
        await ctx.wait(HOUR)
        ctx.logger.info("ends")

    expected = once("begins", "mapped", "ends")
    expected += once(*(f"{item} {what}" for item in range(3) for what in ("begins", "woke", "worked", "ends")))
    assert lines(flavour, workflow, caplog) == expected


@both_flavours
@both_nestings
def test_nested_maps_and_combinators_say_each_line_once(
    flavour: str, nesting: Nesting, caplog: pytest.LogCaptureFixture
) -> None:
    async def inner(ctx: DurableContext, item: int, index: int) -> None:
        ctx.logger.info("inner %d begins", item)
        await ctx.wait(Duration.from_hours(1 + item))
        ctx.logger.info("inner %d ends", item)

    async def outer(ctx: DurableContext, item: int, index: int) -> None:
        ctx.logger.info("outer %d begins", item)
        await ctx.map([10 * item, 10 * item + 1], inner, config=MapConfig(nesting=nesting))
        ctx.logger.info("outer %d mapped", item)

        async def operand(deep: DurableContext) -> None:
            deep.logger.info("operand %d begins", item)
            await deep.wait(HOUR)
            deep.logger.info("operand %d ends", item)

        await ctx.all([operand])
        ctx.logger.info("outer %d ends", item)

    async def workflow(ctx: DurableContext) -> None:
        await ctx.map([1, 2], outer, config=MapConfig(nesting=nesting))
        ctx.logger.info("ends")

    expected = once("ends", *(f"outer {item} {what}" for item in (1, 2) for what in ("begins", "mapped", "ends")))
    expected += once(*(f"inner {item} {what}" for item in (10, 11, 20, 21) for what in ("begins", "ends")))
    expected += once(*(f"operand {item} {what}" for item in (1, 2) for what in ("begins", "ends")))
    assert lines(flavour, workflow, caplog) == expected


@both_flavours
def test_a_branch_that_runs_again_within_an_invocation_says_each_line_once(
    flavour: str, caplog: pytest.LogCaptureFixture
) -> None:
    ledger = Ledger()

    async def waiting(ctx: DurableContext) -> None:
        ctx.logger.info("waiting begins")
        await ctx.run_in_child_context(child, name="child")
        ctx.logger.info("waiting goes on")
        await ctx.map([1, 2], inner)
        ctx.logger.info("waiting ends")

    async def child(ctx: DurableContext) -> None:
        ctx.logger.info("child begins")
        await ctx.map([3], inner)
        ctx.logger.info("child ends")

    async def inner(ctx: DurableContext, item: int, index: int) -> None:
        ctx.logger.info("inner %d begins", item)
        await ctx.step(double, item)
        ctx.logger.info("inner %d ends", item)

    async def working(ctx: DurableContext) -> None:
        ctx.logger.info("working begins")
        await ctx.step(ledger.until, "SUCCEED", "waiting")
        ctx.logger.info("working ends")

    async def workflow(ctx: DurableContext) -> None:
        await ctx.parallel({"waiting": waiting, "working": working})
        ctx.logger.info("ends")

    expected = once("ends", "working begins", "working ends", "child begins", "child ends")
    expected += once(*(f"waiting {what}" for what in ("begins", "goes on", "ends")))
    expected += once(*(f"inner {item} {what}" for item in (1, 2, 3) for what in ("begins", "ends")))
    assert lines(flavour, workflow, caplog, client=ledger) == expected


@both_flavours
def test_a_retried_step_in_a_branch_logs_each_attempt_once(flavour: str, caplog: pytest.LogCaptureFixture) -> None:
    tries: Counter[int] = Counter()
    lock = threading.Lock()

    async def branch(ctx: DurableContext, item: int, index: int) -> None:
        def attempt() -> None:
            with lock:
                tries[item] += 1
            if tries[item] < 3:
                ctx.logger.info("%d fails", item)
                raise LookupError(str(item))

        ctx.logger.info("%d begins", item)
        await ctx.step(attempt, config=StepConfig(retry_strategy=FixedDelay(3, HOUR)))
        ctx.logger.info("%d ends", item)

    async def workflow(ctx: DurableContext) -> None:
        await ctx.map([1, 2], branch)

    expected = once(*(f"{item} {what}" for item in (1, 2) for what in ("begins", "ends")))
    assert lines(flavour, workflow, caplog) == expected + Counter({"1 fails": 2, "2 fails": 2})


@both_flavours
def test_each_line_carries_the_branch_that_says_it(flavour: str, caplog: pytest.LogCaptureFixture) -> None:
    async def branch(ctx: DurableContext, item: int, index: int) -> None:
        await ctx.wait(HOUR)
        ctx.logger.info("%d", item, item=item)

    async def workflow(ctx: DurableContext) -> None:
        await ctx.map([0, 1], branch, name="all")

    with caplog.at_level("INFO", "durable"):
        result = run(handler_of(flavour, workflow))
    said = {(vars(each)["operation_id"], vars(each)["item"], vars(each)["is_replay"]) for each in caplog.records}
    assert said == {(result.operation(f"map-item-{item}").id, item, False) for item in (0, 1)}
