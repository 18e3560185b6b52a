"""The first law, for answers from outside: in whichever order they come, what an invocation sees is a prefix."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from itertools import pairwise, permutations
from typing import Any

import pytest

from durable_core import Callback, CallbackError, DurableContext, Duration, durable_execution
from durable_core.spi import DurableServiceClient
from durable_testing import LocalRunner, PendingCallback, Run
from durable_testing.faults import CrashingClient, Side
from durable_testing.runner.callbacks import pending_callbacks

NAMES = ("a", "b", "c", "d")
SECOND = Duration.from_seconds(1)

Trace = list[str]
Shape = Callable[[DurableContext, Trace], Awaitable[object]]


def send(callback_id: str) -> None:
    """Tell nobody."""


async def answer_to(callback: Callback[Any]) -> str:
    """What was answered, or that it was a failure."""
    try:
        return str(await callback.result())
    except CallbackError as error:
        return f"{callback.name} failed with {error}"


async def toil(ctx: DurableContext, trace: Trace) -> None:
    """Steps and waits beside what is answered."""
    for number in (1, 2, 3):
        trace.append(await ctx.step(str, f"step {number}", name=f"step {number}"))
        await ctx.wait(number * SECOND)
        trace.append(f"wait {number}")


async def a_task_for_each(ctx: DurableContext, trace: Trace) -> None:
    async def one(name: str) -> None:
        callback = await ctx.create_callback(name=name)
        trace.append(f"created {name}")
        trace.append(await answer_to(callback))
        trace.append(await ctx.step(str, f"after {name}", name=f"after {name}"))

    await asyncio.gather(*map(one, NAMES), toil(ctx, trace))


async def workers_that_share_a_list(ctx: DurableContext, trace: Trace) -> None:
    """Who is answered first has the first article."""
    articles = ["tea", "milk", "sugar", "lemon"]

    async def worker(name: str) -> None:
        answer = await answer_to(await ctx.create_callback(name=name))
        article = articles.pop(0)
        trace.append(await ctx.step(": ".join, [str(answer), article], name=article))

    async with asyncio.TaskGroup() as group:
        for name in NAMES:
            group.create_task(worker(name))
        group.create_task(toil(ctx, trace))


async def every_kind_of_question(ctx: DurableContext, trace: Trace) -> None:
    """A callback, a callback with its submitter, an invoked function, and an answer that is a failure."""

    async def callback(name: str) -> str:
        return await answer_to(await ctx.create_callback(name=name))

    async def noted(outcome: Awaitable[str]) -> None:
        trace.append(await outcome)
        await ctx.wait(SECOND)
        trace.append("a second later")

    questions = callback("a"), ctx.wait_for_callback(send, name="b"), ctx.invoke("ask", "c"), callback("d")
    await asyncio.gather(*map(noted, questions), toil(ctx, trace))


async def first_come(ctx: DurableContext, trace: Trace) -> None:
    """The losers are cancelled, and wait for their answers no more."""
    callbacks = [await ctx.create_callback(name=name) for name in NAMES]
    tasks = [asyncio.create_task(answer_to(callback), name=callback.name) for callback in callbacks]
    beside = asyncio.create_task(toil(ctx, trace))
    left: set[asyncio.Task[Any]] = {*tasks}
    while len(left) > 1:
        done, left = await asyncio.wait(left, return_when=asyncio.FIRST_COMPLETED)
        trace.extend(task.get_name() for task in tasks if task in done)
    for task in left:
        trace.append(f"{task.get_name()} cancelled {task.cancel()}")
    await beside


SHAPES: list[Shape] = [a_task_for_each, workers_that_share_a_list, every_kind_of_question, first_come]


@durable_execution
async def ask(event: str, ctx: DurableContext) -> Any:
    return await ctx.wait_for_callback(send, name=event)


def waiting(runner: LocalRunner, arn: str) -> dict[str, PendingCallback]:
    """The callbacks that wait for an answer, by name: of the execution, and of those that it invoked."""
    invoked = (each.durable_execution_arn for each in runner.service.chained_invokes_waiting())
    found = (
        each for where in (arn, *invoked) if where is not None for each in pending_callbacks(runner.service, where)
    )
    return {each.name or "": each for each in found}


def answer(runner: LocalRunner, run: Run, name: str) -> None:
    """Answer as the name says, if it was asked and not answered yet."""
    callback = waiting(runner, run.execution_arn).get(name)
    if callback is not None and name == "d":
        callback.fail("trouble")
    elif callback is not None:
        callback.succeed(name)


def one_by_one(runner: LocalRunner, run: Run, order: Sequence[str]) -> None:
    for name in order:
        answer(runner, run, name)
        run.settle()


def all_together(runner: LocalRunner, run: Run, order: Sequence[str]) -> None:
    for name in order:
        answer(runner, run, name)


def with_time_between(runner: LocalRunner, run: Run, order: Sequence[str]) -> None:
    """So that a wait ends between two answers, told of in one invocation or in two."""
    for number, name in enumerate(order):
        answer(runner, run, name)
        if number % 2:
            run.settle()
        runner.clock.advance(SECOND)


WAYS = [one_by_one, all_together, with_time_between]


def dying(number: int) -> Callable[[DurableServiceClient], DurableServiceClient]:
    """A client whose sandbox dies at a checkpoint that depends on *number*."""
    side = Side.AFTER if number % 2 else Side.BEFORE
    return lambda inner: CrashingClient(inner, 1 + number % 7, side)


def check_prefixes(traces: Sequence[Trace], order: Sequence[str]) -> None:
    for before, after in pairwise(traces):
        assert after[: len(before)] == before, f"{order}: {before}, and then {after}"


def traces_of(shape: Shape, way: Any, order: Sequence[str], number: int) -> list[Trace]:
    """What the workflow saw, for each invocation; a sandbox dies at a checkpoint that depends on *number*."""
    traces: list[Trace] = []

    @durable_execution
    async def handler(event: object, ctx: DurableContext) -> None:
        traces.append([])
        await shape(ctx, traces[-1])

    runner = LocalRunner(handler, client=dying(number))
    runner.register("ask", ask)
    run = runner.start()
    run.settle()
    while len(waiting(runner, run.execution_arn)) < len(NAMES):  # a sandbox has died: the next one asks
        runner.pass_time(run.execution_arn)
        run.settle()
    way(runner, run, order)
    result = run.result()
    assert result.status == "SUCCEEDED", result.error
    return traces


@pytest.mark.laws
@pytest.mark.parametrize("way", WAYS, ids=lambda way: str(way.__name__))
@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: str(shape.__name__))
def test_each_invocation_sees_a_prefix_of_what_the_next_one_sees(shape: Shape, way: Any) -> None:
    """Every order of four answers, with a sandbox that dies somewhere, and the replay of the whole run at the end."""
    for number, order in enumerate(permutations(NAMES)):
        traces = traces_of(shape, way, order, number)
        check_prefixes(traces, order)
        assert len(traces[-1]) >= len(NAMES)


@pytest.mark.laws
@pytest.mark.parametrize("way", [one_by_one, all_together], ids=lambda way: str(way.__name__))
def test_answers_are_seen_in_the_order_in_which_they_came(way: Any) -> None:
    """As the service dates them."""
    for order in permutations(NAMES):
        seen = traces_of(no_more_than_a_task_for_each, way, order, 99)[-1]
        assert [each[0] for each in seen] == list(order)


async def no_more_than_a_task_for_each(ctx: DurableContext, trace: Trace) -> None:
    async def one(name: str) -> None:
        trace.append(await answer_to(await ctx.create_callback(name=name)))

    await asyncio.gather(*map(one, NAMES))


def traces_of_answers_in_a_step(order: Sequence[str], number: int) -> list[Trace]:
    """What the workflow saw, for each invocation, where the body of a step answers its callbacks."""
    traces: list[Trace] = []

    async def work() -> str:
        for name in order:
            answer(runner, runs[0], name)
            await asyncio.sleep(0)
        return "worked"

    @durable_execution
    async def handler(event: object, ctx: DurableContext) -> None:
        trace: Trace = []
        traces.append(trace)

        async def noted(outcome: Awaitable[str]) -> None:
            trace.append(await outcome)
            trace.append(await ctx.step(str, f"after {len(trace)}", name="after"))

        callbacks = [await ctx.create_callback(name=name) for name in NAMES]
        await asyncio.gather(*(noted(answer_to(each)) for each in callbacks), noted(ctx.step(work)), toil(ctx, trace))

    runner = LocalRunner(handler, client=dying(number))
    runs = [runner.start()]
    assert runs[0].result().status == "SUCCEEDED"
    return traces


@pytest.mark.laws
def test_answers_that_land_while_a_step_works_are_seen_alike_ever_after() -> None:
    """All are told with the outcome of that step, or of the one beside it."""
    for number, order in enumerate(permutations(NAMES)):
        check_prefixes(traces_of_answers_in_a_step(order, number), order)


@pytest.mark.xfail(
    strict=True,
    reason="a callback counts as asked for from its creation on, so that nobody waits for a timer or a thread of the "
    "workflow which will ask for its result: an outcome that came later goes first in a replay",
)
def test_an_answer_that_is_asked_for_after_a_pause_of_asyncio_is_seen_in_its_turn() -> None:
    """In real time, for a fraction of a second. (A wait in place of the callback is seen in its turn.)"""
    traces: list[Trace] = []

    @durable_execution
    async def handler(event: object, ctx: DurableContext) -> None:
        trace: Trace = []
        traces.append(trace)
        callback = await ctx.create_callback(name="a")

        async def ask_later() -> None:
            await asyncio.sleep(0.03)
            trace.append(await answer_to(callback))

        async def work() -> str:
            await asyncio.sleep(0.06)
            answer(runner, runs[0], "a")
            await asyncio.sleep(0.02)
            return "worked"

        async def noted() -> None:
            trace.append(await ctx.step(work))

        await asyncio.gather(ask_later(), noted())
        await ctx.wait(SECOND)

    runner = LocalRunner(handler)
    runs = [runner.start()]
    assert runs[0].result().status == "SUCCEEDED"
    check_prefixes(traces, "a")
