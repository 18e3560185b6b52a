"""Every kind of operation inside branches and operands, up to two deep, in both flavours."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from both_flavours import FLAVOURS, both_flavours, handler_of
from fan_out_programs import HOUR, operand
from fan_out_runs import Body, records

from durable_core import (
    CallbackConfig,
    CallbackSubmitterError,
    CallbackTimeoutError,
    ConditionNotMetError,
    DurableContext,
    Duration,
    FixedDelay,
    InvokeError,
    MapConfig,
    Nesting,
    NoRetry,
    StepConfig,
    StepSemantics,
    StepTimeoutError,
    WaitForCallbackConfig,
    WaitForConditionConfig,
    durable_execution,
    poll_every,
    step_context,
)
from durable_testing import LocalRunner, TestResult
from durable_testing.faults import CrashingClient, Side

pytestmark = pytest.mark.exhaustive


MINUTE = Duration.from_minutes(1)


def doubled(event: int) -> int:
    return 2 * event


def broken(event: int) -> int:
    raise LookupError(f"{event} is broken")


@durable_execution
async def durable_doubled(event: int, ctx: DurableContext) -> int:
    await ctx.wait(HOUR)
    return await ctx.step(doubled, event)


ANSWERS: dict[str, Any] = {"good": 42, "submitted": "yes"}
FUNCTIONS: dict[str, Any] = {"doubled": doubled, "broken": broken, "durable-doubled": durable_doubled}


def run(flavour: str, body: Body, **options: Any) -> TestResult[Any]:
    """The result of *body*, to which callbacks are answered, and which can invoke functions."""
    runner = LocalRunner(handler_of(flavour, body), **options)
    for name, target in FUNCTIONS.items():
        runner.register(name, target)
    return runner.run(callbacks=ANSWERS)


def value_of(flavour: str, body: Body, **options: Any) -> Any:
    result = run(flavour, body, **options)
    assert result.status == "SUCCEEDED", result.error
    return result.value


# Cases: what a branch does, and what comes of it


async def retried(ctx: DurableContext) -> Any:
    def attempt() -> int:
        number = step_context().attempt
        if number < 3:
            raise LookupError("not yet")
        return number

    return await ctx.step(attempt, config=StepConfig(retry_strategy=FixedDelay(3, HOUR)))


async def retried_in_vain(ctx: DurableContext) -> Any:
    def attempt() -> int:
        raise LookupError(f"attempt {step_context().attempt}")

    try:
        return await ctx.step(attempt, config=StepConfig(retry_strategy=FixedDelay(2, HOUR)))
    except LookupError as error:
        return str(error)


async def timed_out(ctx: DurableContext) -> Any:
    config = StepConfig(timeout=timedelta(seconds=0.01), retry_strategy=NoRetry())
    try:
        return await ctx.step(asyncio.sleep, 10, config=config)
    except StepTimeoutError as error:
        return str(error)


async def at_most_once(ctx: DurableContext) -> Any:
    config = StepConfig(step_semantics=StepSemantics.AT_MOST_ONCE_PER_RETRY, retry_strategy=NoRetry())
    return await ctx.step(doubled, 2, config=config)


async def answered(ctx: DurableContext) -> Any:
    callback = await ctx.create_callback(name="good", config=CallbackConfig(returns=int))
    await ctx.wait(MINUTE)
    return await callback.result()


async def unanswered(ctx: DurableContext) -> Any:
    callback = await ctx.create_callback(name="silent", config=CallbackConfig(timeout=MINUTE))
    try:
        return await callback.result()
    except CallbackTimeoutError as error:
        return type(error).__name__


async def submitted(ctx: DurableContext) -> Any:
    return await ctx.wait_for_callback(lambda id: None, name="submitted")


async def refused(ctx: DurableContext) -> Any:
    def refuse(callback_id: str) -> None:
        raise LookupError("nobody there")

    try:
        return await ctx.wait_for_callback(refuse, name="good", config=WaitForCallbackConfig(retry_strategy=NoRetry()))
    except CallbackSubmitterError as error:
        return str(error)


async def invoked(ctx: DurableContext) -> Any:
    return [await ctx.invoke("doubled", 4), await ctx.invoke("durable-doubled", 5)]


async def invoked_in_vain(ctx: DurableContext) -> Any:
    try:
        return await ctx.invoke("broken", 1)
    except InvokeError as error:
        return error.error_message


def counted(state: int) -> int:
    return state + 1


async def polled(ctx: DurableContext) -> Any:
    config = WaitForConditionConfig[int](wait_strategy=poll_every(MINUTE, until=(3).__le__))
    return await ctx.wait_for_condition(counted, initial_state=0, config=config)


async def polled_in_vain(ctx: DurableContext) -> Any:
    config = WaitForConditionConfig[int](wait_strategy=poll_every(MINUTE, until=(9).__le__, max_attempts=2))
    try:
        return await ctx.wait_for_condition(counted, initial_state=0, config=config)
    except ConditionNotMetError as error:
        return type(error).__name__


async def in_children(ctx: DurableContext) -> Any:
    async def inner(child: DurableContext, number: int) -> int:
        await child.wait(HOUR)
        return await child.step(doubled, number)

    async def outer(child: DurableContext) -> int:
        return await child.run_in_child_context(inner, 4, name="inner")

    return await ctx.run_in_child_context(outer, name="outer")


CASES: dict[Body, Any] = {
    retried: 3,
    retried_in_vain: "attempt 2",
    timed_out: "the attempt took longer than 0.01 s",
    at_most_once: 4,
    answered: 42,
    unanswered: "CallbackTimeoutError",
    submitted: "yes",
    refused: "nobody there",
    invoked: [8, 10],
    invoked_in_vain: "1 is broken",
    polled: 3,
    polled_in_vain: "ConditionNotMetError",
    in_children: 8,
}


COUNTING = {retried, retried_in_vain, at_most_once}
"""Those in which it shows that an attempt was cut off."""


# Places: where such a branch stands; each gives what the case does


def mapped(body: Body, nesting: Nesting = Nesting.NESTED) -> Body:
    async def place(ctx: DurableContext) -> Any:
        async def branch(inner: DurableContext, item: int, index: int) -> Any:
            return await body(inner)

        found = (await ctx.map([1, 2, 3], branch, config=MapConfig(nesting=nesting))).results
        assert found == found[:1] * 3
        return found[0]

    return place


def flat(body: Body) -> Body:
    return mapped(body, Nesting.FLAT)


def raced(body: Body) -> Body:
    async def place(ctx: DurableContext) -> Any:
        async def late(inner: DurableContext) -> None:
            await inner.wait(Duration.from_days(3))

        return await ctx.race([late, operand(body)])

    return place


def settled(body: Body) -> Body:
    async def place(ctx: DurableContext) -> Any:
        batch = await ctx.all_settled([operand(body), operand(body)])
        batch.raise_if_failed()
        return batch.results[1]

    return place


def both(body: Body) -> Body:
    async def place(ctx: DurableContext) -> Any:
        branches = {"waits": operand(body), "sleeps": operand(sleep), "works": operand(body)}
        return (await ctx.parallel(branches)).results[2]

    async def sleep(ctx: DurableContext) -> None:
        await ctx.wait(HOUR)

    return place


def in_child(body: Body) -> Body:
    async def place(ctx: DurableContext) -> Any:
        return await ctx.run_in_child_context(operand(body), name="child")

    return place


def twice(body: Body) -> Body:
    """The result is replayed by a later invocation."""

    async def place(ctx: DurableContext) -> Any:
        found = await body(ctx)
        await ctx.wait(MINUTE)
        return found

    return place


Place = Callable[[Body], Body]
PLACES: dict[str, Place] = {
    "map": mapped,
    "flat map": flat,
    "race": raced,
    "all_settled": settled,
    "parallel": both,
    "map in map": lambda body: mapped(mapped(body)),
    "flat map in flat map": lambda body: flat(flat(body)),
    "flat map in map": lambda body: mapped(flat(body)),
    "race in map": lambda body: mapped(raced(body)),
    "map in race": lambda body: raced(mapped(body)),
    "all_settled in race": lambda body: raced(settled(body)),
    "child in map in child": lambda body: in_child(mapped(in_child(body))),
    "parallel in flat map": lambda body: flat(both(body)),
}
every_place = pytest.mark.parametrize("place", PLACES)
every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)


@every_place
@every_case
def test_an_operation_gives_and_records_the_same_wherever_it_stands(place: str, case: Body) -> None:
    results = [run(flavour, twice(PLACES[place](case))) for flavour in FLAVOURS]
    assert [each.value for each in results] == [CASES[case]] * 2
    assert records(results[0]) == records(results[1])


@both_flavours
@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("place", ["map in map", "map in race"])
@pytest.mark.parametrize("case", [each for each in CASES if each not in COUNTING], ids=lambda case: case.__name__)
def test_a_crash_beside_an_early_checkpoint_does_not_show(flavour: str, place: str, case: Body, side: Side) -> None:
    at = 1
    while at < 6:
        clients: list[CrashingClient] = []

        def crashing(inner: Any, at: int = at, clients: list[CrashingClient] = clients) -> CrashingClient:
            clients.append(CrashingClient(inner, at, side))
            return clients[-1]

        assert value_of(flavour, twice(PLACES[place](case)), client=crashing) == CASES[case]
        at += 1 if clients[0].calls >= at else 6


@both_flavours
@every_place
def test_an_at_most_once_step_in_a_branch_runs_once_through_a_crash(flavour: str, place: str) -> None:
    """It dies after the STARTs were recorded: none that was cut off runs again, those that had not begun run once."""
    ran: Counter[str] = Counter()  # by execution too: threads of a sandbox that died may still come to it

    def once() -> int:
        ran[step_context().idempotency_key] += 1
        return 1

    async def body(ctx: DurableContext) -> int:
        config = StepConfig(step_semantics=StepSemantics.AT_MOST_ONCE_PER_RETRY, retry_strategy=NoRetry())
        try:
            return await ctx.step(once, config=config)
        except Exception:
            return 1

    for at in range(1, 5):
        client = lambda inner, at=at: CrashingClient(inner, at, Side.AFTER)  # noqa: E731
        assert value_of(flavour, PLACES[place](body), client=client, verify_replay=False) == 1
        assert set(ran.values()) <= {1}


@both_flavours
@every_place
def test_results_that_are_too_large_together_are_given_by_the_branches_again(flavour: str, place: str) -> None:
    async def large(ctx: DurableContext) -> str:
        await ctx.wait(HOUR)
        return await ctx.step(lambda: "x" * 150_000, name="large")

    async def workflow(ctx: DurableContext) -> int:
        return len(await PLACES[place](large)(ctx))

    async def replayed(ctx: DurableContext) -> list[int]:
        async def padded(inner: DurableContext) -> list[Any]:
            return [await workflow(inner), "x" * 300_000]

        return [await workflow(ctx), (await ctx.run_in_child_context(padded, name="padded"))[0]]

    assert value_of(flavour, twice(replayed)) == [150_000] * 2


@both_flavours
@every_place
def test_a_plain_body_that_timed_out_in_a_branch_is_waited_for_and_never_recorded(flavour: str, place: str) -> None:
    begun, ended, lock = Counter[str](), Counter[str](), threading.Lock()

    def slow() -> int:
        with lock:
            begun["slow"] += 1
        time.sleep(0.2)
        with lock:
            ended["slow"] += 1
        return 1

    async def body(ctx: DurableContext) -> str:
        config = StepConfig(timeout=timedelta(seconds=0.01), retry_strategy=NoRetry())
        try:
            return str(await ctx.step(slow, config=config))
        except StepTimeoutError:
            return "timed out"

    result = run(flavour, PLACES[place](body), verify_replay=False)
    assert result.value == "timed out"
    assert begun == ended
    assert {each.status for each in result.operations if each.name == "slow"} == {"FAILED"}
