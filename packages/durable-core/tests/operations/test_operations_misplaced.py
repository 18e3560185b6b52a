"""Where these operations do not belong, and code that changed under a running execution."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from both_flavours import Body, both_flavours, handler_of
from operation_runs import MINUTE, value_of

from durable_core import (
    ContextMisuseError,
    DurableContext,
    InvokeConfig,
    NoRetry,
    StepConfig,
    WaitForConditionConfig,
    poll_every,
)
from durable_testing import LocalRunner

ONCE = StepConfig(retry_strategy=NoRetry())


def count(state: int) -> int:
    return state + 1


def send(callback_id: str) -> None:
    """Tell nobody."""


async def condition(ctx: DurableContext) -> Any:
    config: WaitForConditionConfig[int] = WaitForConditionConfig(wait_strategy=poll_every(MINUTE, until=(3).__le__))
    return await ctx.wait_for_condition(count, initial_state=0, name="misplaced", config=config)


async def callback(ctx: DurableContext) -> Any:
    return (await ctx.create_callback(name="misplaced")).name


async def question(ctx: DurableContext) -> Any:
    return await ctx.wait_for_callback(send, name="misplaced")


async def invoke(ctx: DurableContext) -> Any:
    return await ctx.invoke("other", name="misplaced")


OPERATIONS: list[Body] = [condition, callback, question, invoke]

every_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: str(operation.__name__))


async def refusal(outcome: Awaitable[Any]) -> str:
    """The message with which *outcome* is refused."""
    with pytest.raises(ContextMisuseError) as caught:
        await outcome
    return str(caught.value)


async def in_a_step(ctx: DurableContext, operation: Body) -> str:
    async def body() -> None:
        await operation(ctx)

    return await refusal(ctx.step(body, name="step", config=ONCE))


async def of_the_parent_in_a_child(ctx: DurableContext, operation: Body) -> str:
    async def child(inner: DurableContext) -> None:
        await operation(ctx)

    return await refusal(ctx.run_in_child_context(child, name="child"))


async def of_a_child_after_its_end(ctx: DurableContext, operation: Body) -> str:
    kept: list[DurableContext] = []

    async def child(inner: DurableContext) -> None:
        kept.append(inner)

    await ctx.run_in_child_context(child, name="child")
    return await refusal(operation(kept[0]))


async def on_a_foreign_thread(ctx: DurableContext, operation: Body) -> str:
    def call() -> str:
        return asyncio.run(refusal(operation(ctx)))

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(call).result()


PLACES: dict[Callable[..., Any], str] = {
    in_a_step: 'is called inside step "step"',
    of_the_parent_in_a_child: "from another context",
    of_a_child_after_its_end: 'is called after child context "child" has ended',
    on_a_foreign_thread: "is called where the workflow's order is not known",
}


@both_flavours
@every_operation
@pytest.mark.parametrize("place", PLACES, ids=lambda place: str(place.__name__))
def test_a_misplaced_operation_is_refused_before_any_effect(flavour: str, operation: Body, place: Any) -> None:
    """With what to do instead; nothing of it is recorded."""
    runner = LocalRunner(handler_of(flavour, lambda ctx: place(ctx, operation)), verify_replay=False)
    result = runner.run()
    assert PLACES[place] in result.value
    assert "misplaced" not in {each.name for each in result.operations}


@every_operation
def test_an_operation_under_a_timeout_of_asyncio_is_refused(operation: Body) -> None:
    """Its clock is none that a replay could repeat."""

    async def body(ctx: DurableContext) -> str:
        async def hurried() -> None:
            async with asyncio.timeout(60):
                await operation(ctx)

        return await refusal(hurried())

    assert "is awaited under asyncio.timeout or wait_for" in value_of("async", body)


@pytest.mark.parametrize("place", ["child", "step"])
@both_flavours
def test_the_result_of_a_callback_is_asked_for_where_the_callback_was_created(flavour: str, place: str) -> None:
    """A child or step that is over does not run again, and could not tell when it was asked for."""

    async def body(ctx: DurableContext) -> str:
        created = await ctx.create_callback(name="approval")

        async def step() -> Any:
            return await created.result()

        async def child(inner: DurableContext) -> Any:
            return await created.result()

        asked = ctx.run_in_child_context(child) if place == "child" else ctx.step(step, config=ONCE)
        return await refusal(asked)

    assert value_of(flavour, body).startswith('the result of callback "approval" is called ')


async def another_name(ctx: DurableContext) -> Any:
    return await ctx.invoke("other", name="another", config=InvokeConfig())


async def a_wait(ctx: DurableContext) -> Any:
    await ctx.wait(MINUTE, name="misplaced")


async def a_step(ctx: DurableContext) -> Any:
    return await ctx.step(str, name="misplaced")


async def nothing(ctx: DurableContext) -> Any:
    return None


RECORDED: dict[Body, str] = {
    condition: "STEP (WaitForCondition)",
    callback: "CALLBACK",
    question: "CONTEXT (WaitForCallback)",
    invoke: "CHAINED_INVOKE (ChainedInvoke)",
}


CHANGES = [(then, now) for then in OPERATIONS for now in (*OPERATIONS, another_name, a_wait, a_step, nothing)]


@both_flavours
@pytest.mark.parametrize(
    ("then", "now"),
    [pytest.param(then, now, id=f"{then.__name__}-{now.__name__}") for then, now in CHANGES if then is not now],
)
def test_code_that_asks_for_something_else_than_was_recorded_fails_with_what_was(
    flavour: str, then: Body, now: Body
) -> None:
    """At once: nothing new is recorded."""
    versions = iter([then, now])

    async def body(ctx: DurableContext) -> Any:
        version = next(versions)
        await version(ctx)
        if version is callback:
            await ctx.wait(MINUTE, name="suspended")

    runner = LocalRunner(handler_of(flavour, body))
    runner.register("other", lambda event: "answered")
    result = runner.run(callbacks={"misplaced": "answered"})
    assert len(result.invocations) == 2
    assert result.error is not None
    assert result.error.get("ErrorType") == "durable_core.NonDeterministicExecutionError"
    assert f'{RECORDED[then]} "misplaced"' in result.error.get("ErrorMessage", "")
