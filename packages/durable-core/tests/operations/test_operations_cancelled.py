"""Questions that a workflow cancels, or that a suspension cuts off: a replay cancels and cuts off alike."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from both_flavours import both_flavours, handler_of
from operation_runs import MINUTE, SECOND, run, value_of

from durable_core import (
    CallbackConfig,
    DurableContext,
    Duration,
    Operation,
    WaitForCallbackConfig,
    WaitForConditionConfig,
    durable_execution,
    poll_every,
)
from durable_testing import LocalRunner

HOUR = Duration.from_hours(1)


def never(state: Any) -> bool:
    return False


def count(state: int) -> int:
    return state + 1


async def look_slowly(state: int) -> int:
    await asyncio.sleep(30)
    return state + 1


def send(callback_id: str) -> None:
    """Tell nobody."""


async def send_slowly(callback_id: str) -> None:
    await asyncio.sleep(30)


@durable_execution
async def ask(event: Any, ctx: DurableContext) -> Any:
    return await ctx.wait_for_callback(send, name="silent")


HOURLY: WaitForConditionConfig[int] = WaitForConditionConfig(wait_strategy=poll_every(HOUR, until=never))
QUESTIONS: dict[str, Callable[[DurableContext], Operation[Any]]] = {
    "a condition": lambda ctx: ctx.wait_for_condition(count, initial_state=0, name="it", config=HOURLY),
    "a condition that is looked at": lambda ctx: ctx.wait_for_condition(
        look_slowly, initial_state=0, name="it", config=HOURLY
    ),
    "a question": lambda ctx: ctx.wait_for_callback(send, name="it"),
    "a question that is told": lambda ctx: ctx.wait_for_callback(send_slowly, name="it"),
    "a question with a timeout": lambda ctx: ctx.wait_for_callback(
        send, name="it", config=WaitForCallbackConfig(timeout=HOUR)
    ),
    "an invocation": lambda ctx: ctx.invoke("ask", name="it"),
}

AT_WORK = {"a condition that is looked at", "a question that is told"}
"""What keeps its invocation awake."""

every_question = pytest.mark.parametrize("what", QUESTIONS)


def ran(body: Callable[[DurableContext], Any]) -> Any:
    """What *body* returns, an hour and more after it was cancelled."""
    return value_of("async", body, functions={"ask": ask})


@every_question
def test_a_task_that_is_cancelled_after_a_step_is_cancelled_there_on_a_replay_too(what: str) -> None:
    seen: list[list[bool]] = []

    async def body(ctx: DurableContext) -> bool:
        task = asyncio.create_task(QUESTIONS[what](ctx))
        await ctx.step(asyncio.sleep, 0.01, name="meanwhile")
        facts = [task.done(), task.cancel()]
        await asyncio.wait([task])
        await ctx.step(str, name="after")
        await ctx.wait(2 * HOUR)
        seen.append([*facts, task.cancelled()])
        return task.cancelled()

    assert ran(body) is True
    assert all(each == [False, True, True] for each in seen)


@pytest.mark.parametrize("what", sorted(QUESTIONS.keys() - AT_WORK))
def test_a_task_that_is_cancelled_after_a_suspension_is_cancelled_there_on_a_replay_too(what: str) -> None:
    async def body(ctx: DurableContext) -> bool:
        async def wrapped() -> Any:
            return await QUESTIONS[what](ctx)

        task = asyncio.create_task(wrapped())
        await ctx.wait(SECOND)
        task.cancel()
        await asyncio.wait([task])
        await ctx.wait(2 * HOUR)
        return task.cancelled()

    assert ran(body) is True


@every_question
def test_a_failure_beside_a_question_ends_it(what: str) -> None:
    """And the workflow goes on."""

    async def body(ctx: DurableContext) -> str:
        async def fail() -> None:
            await ctx.step(asyncio.sleep, 0.01, name="meanwhile")
            raise LookupError("beside")

        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(QUESTIONS[what](ctx))
                group.create_task(fail())
        except* LookupError:
            pass
        await ctx.wait(2 * HOUR)
        return str(await ctx.step(str, "went on", name="after"))

    assert ran(body) == "went on"


@every_question
def test_a_workflow_that_returns_beside_an_unfinished_question_is_told_so(what: str) -> None:
    """It would never be known what came of it."""

    async def body(ctx: DurableContext) -> str:
        task = asyncio.create_task(QUESTIONS[what](ctx))
        await ctx.step(asyncio.sleep, 0.01, name="meanwhile")
        return f"returned beside {task.get_name()}"

    error = run("async", body, functions={"ask": ask}).error
    assert error is not None
    assert error.get("ErrorType") == "durable_core.ContextMisuseError"
    assert "was still running when this execution returned" in error.get("ErrorMessage", "")


ANSWERED: dict[str, Callable[[DurableContext], Any]] = {
    "a condition": lambda ctx: ctx.wait_for_condition(
        count, initial_state=0, config=WaitForConditionConfig(wait_strategy=poll_every(SECOND, until=(3).__le__))
    ),
    "a question": lambda ctx: ctx.wait_for_callback(send, name="answered"),
    "an invocation": lambda ctx: ctx.invoke("other"),
}


@both_flavours
@pytest.mark.parametrize("what", ANSWERED)
@pytest.mark.parametrize("catch", [BaseException, Exception])
def test_a_suspension_cannot_be_caught(flavour: str, what: str, catch: type[BaseException]) -> None:
    """Nothing that code does while it unwinds is recorded, or taken for an outcome."""

    async def body(ctx: DurableContext) -> Any:
        try:
            found = await ANSWERED[what](ctx)
        except catch:
            found = "caught"
        await ctx.step(str, name="after")
        return found

    result = run(flavour, body, callbacks={"answered": 3}, functions={"other": lambda event: 3})
    assert result.value == 3
    assert [each.name for each in result.operations].count("after") == 1


@both_flavours
def test_a_finally_runs_at_the_logical_end_and_not_at_a_suspension(flavour: str) -> None:
    async def body(ctx: DurableContext) -> list[str]:
        ends: list[str] = []
        callback = await ctx.create_callback(name="answered", config=CallbackConfig(timeout=HOUR))
        try:
            ends.append(await callback.result())
        finally:
            ends.append(await ctx.step(str, "cleaned up", name="clean"))
        return ends

    result = LocalRunner(handler_of(flavour, body)).run(callbacks={"answered": "yes"})
    assert result.value == ["yes", "cleaned up"]
    assert [each.name for each in result.operations] == ["answered", "clean"]


def test_a_look_that_is_cut_off_by_a_cancellation_is_not_recorded() -> None:
    """Nor tried again."""
    looks: list[int] = []

    async def look(state: int) -> int:
        looks.append(state)
        await asyncio.sleep(30)
        return 1

    async def body(ctx: DurableContext) -> bool:
        task = asyncio.create_task(ctx.wait_for_condition(look, initial_state=0, name="it", config=HOURLY))
        await ctx.step(asyncio.sleep, 0.01, name="meanwhile")
        task.cancel()
        await asyncio.wait([task])
        await ctx.wait(MINUTE)
        return task.cancelled()

    result = run("async", body)
    assert result.value is True
    assert looks == [0]
    assert result.operation("it").attempts == 0
