"""The program is wrong: it uses a context, or an operation, where it does not belong."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hazard_runs import Stage, failure_of

from durable_core import (
    ChildConfig,
    ContextMisuseError,
    DurableContext,
    Duration,
    NoRetry,
    RetryDecision,
    SerDesContext,
    StepConfig,
    StepError,
    blocking,
    durable_execution,
)
from durable_core.spi import InvocationAnswer
from durable_testing import LocalRunner

ONCE = StepConfig(retry_strategy=NoRetry())
HOUR = Duration.from_hours(1)
Misuse = Callable[[DurableContext], Awaitable[object]]
BlockingMisuse = Callable[[blocking.DurableContext], object]


def message_of(answer: InvocationAnswer) -> str:
    return failure_of(answer).get("ErrorMessage", "")


async def in_an_async_step(ctx: DurableContext) -> object:
    async def body() -> None:
        await ctx.step(str, "inner", name="misplaced")

    return await ctx.step(body, config=ONCE)


async def in_a_def_step(ctx: DurableContext) -> object:
    def body() -> None:
        ctx.step(str, "inner", name="misplaced")

    return await ctx.step(body, config=ONCE)


async def in_a_task_of_a_step(ctx: DurableContext) -> object:
    async def inner() -> None:
        await ctx.wait(HOUR, name="misplaced")

    async def body() -> None:
        await asyncio.create_task(inner())

    return await ctx.step(body, config=ONCE)


async def the_parents_in_a_child(ctx: DurableContext) -> object:
    async def child(inner: DurableContext) -> None:
        await ctx.step(str, "inner", name="misplaced")

    return await ctx.run_in_child_context(child)


async def a_childs_after_its_end(ctx: DurableContext) -> object:
    async def child(inner: DurableContext) -> None:
        kept.append(inner)

    kept: list[DurableContext] = []
    await ctx.run_in_child_context(child)
    return await kept[0].step(str, "inner", name="misplaced")


async def a_siblings(ctx: DurableContext) -> object:
    kept: list[DurableContext] = []
    arrived = asyncio.Event()

    async def first(inner: DurableContext) -> None:
        kept.append(inner)
        arrived.set()
        await inner.step(asyncio.sleep, 0.05)

    async def second(inner: DurableContext) -> None:
        await arrived.wait()
        await kept[0].step(str, "inner", name="misplaced")

    return await asyncio.gather(ctx.run_in_child_context(first), ctx.run_in_child_context(second))


async def on_a_foreign_thread(ctx: DurableContext) -> object:
    return await asyncio.to_thread(lambda: ctx.step(str, "inner", name="misplaced"))


async def on_a_foreign_thread_that_the_workflow_waits_for(ctx: DurableContext) -> object:
    errors: list[Exception] = []

    def work() -> None:
        try:
            ctx.step(str, "inner", name="misplaced")  # pyright: ignore[reportUnusedCoroutine]
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    raise errors[0]


async def on_the_loop_from_a_foreign_thread(ctx: DurableContext) -> object:
    loop = asyncio.get_running_loop()

    async def inner() -> None:
        await ctx.step(str, "inner", name="misplaced")

    return await asyncio.to_thread(lambda: asyncio.run_coroutine_threadsafe(inner(), loop).result(10))


async def in_a_callback(ctx: DurableContext) -> object:
    loop = asyncio.get_running_loop()
    outcome: asyncio.Future[object] = loop.create_future()

    def callback() -> None:
        try:
            outcome.set_result(ctx.step(str, "inner", name="misplaced"))
        except ContextMisuseError as error:
            outcome.set_exception(error)

    loop.call_soon(callback)
    return await outcome


async def in_a_task_of_another_factory(ctx: DurableContext) -> object:
    async def inner() -> None:
        await ctx.step(str, "inner", name="misplaced")

    return await asyncio.Task(inner())


async def in_a_task_of_another_task_factory(ctx: DurableContext) -> object:
    async def inner() -> None:
        await ctx.step(str, "inner", name="misplaced")

    loop = asyncio.get_running_loop()
    before = loop.get_task_factory()
    loop.set_task_factory(None)
    try:
        return await loop.create_task(inner())
    finally:
        loop.set_task_factory(before)


async def awaited_in_a_step(ctx: DurableContext) -> object:
    operation = ctx.step(str, "inner", name="misplaced")

    async def body() -> str:
        return await operation

    return await ctx.step(body, config=ONCE)


async def awaited_in_a_child(ctx: DurableContext) -> object:
    operation = ctx.step(str, "inner", name="misplaced")

    async def child(inner: DurableContext) -> str:
        return await operation

    return await ctx.run_in_child_context(child)


MISUSES: list[Misuse] = [
    in_an_async_step, in_a_def_step, in_a_task_of_a_step, the_parents_in_a_child, a_childs_after_its_end, a_siblings,
    on_a_foreign_thread, on_a_foreign_thread_that_the_workflow_waits_for, on_the_loop_from_a_foreign_thread,
    in_a_callback, in_a_task_of_another_factory, in_a_task_of_another_task_factory, awaited_in_a_step,
    awaited_in_a_child,
]  # fmt: skip


@pytest.mark.parametrize("misuse", MISUSES)
def test_an_operation_in_a_wrong_place_is_refused_by_its_name_before_any_effect(misuse: Misuse) -> None:
    @durable_execution
    async def handler(event: object, ctx: DurableContext) -> None:
        await misuse(ctx)

    stage = Stage(handler)
    answer = stage.invoke()
    assert message_of(answer)
    assert '"misplaced"' in message_of(answer)
    assert "ContextMisuseError" in failure_of(answer).get("ErrorType", "")
    assert "misplaced" not in stage.statuses


NOT_REPEATED = {awaited_in_a_step, awaited_in_a_child, a_childs_after_its_end}
"""What these keep, or do not await where they should, is wrong in itself: no replay repeats it."""


@pytest.mark.parametrize("misuse", [each for each in MISUSES if each not in NOT_REPEATED])
def test_the_refusal_of_a_misplaced_operation_can_be_caught_and_replays(misuse: Misuse) -> None:
    @durable_execution
    async def handler(event: object, ctx: DurableContext) -> str:
        try:
            await misuse(ctx)
        except ContextMisuseError:
            await ctx.wait(HOUR)
            return await ctx.step(str, "went on")
        return "accepted"

    assert LocalRunner(handler).run().value == "went on"


def in_a_blocking_step(ctx: blocking.DurableContext) -> object:
    return ctx.step(lambda: ctx.step(str, "inner", name="misplaced"), name="body", config=ONCE)


def in_a_blocking_step_on_a_thread(ctx: blocking.DurableContext) -> object:
    config = StepConfig(retry_strategy=NoRetry(), timeout=HOUR)
    return ctx.step(lambda: ctx.step(str, "inner", name="misplaced"), name="body", config=config)


def in_a_coroutine_of_a_blocking_step(ctx: blocking.DurableContext) -> object:
    async def body() -> None:
        ctx.step(str, "inner", name="misplaced")

    ctx.step(body, config=ONCE)
    return None


def the_parents_in_a_blocking_child(ctx: blocking.DurableContext) -> object:
    return ctx.run_in_child_context(lambda child: ctx.wait(HOUR, name="misplaced"), name="child")


def a_blocking_childs_after_its_end(ctx: blocking.DurableContext) -> object:
    kept = []
    ctx.run_in_child_context(lambda child: kept.append(child), name="child")  # noqa: PLW0108
    return kept[0].step(str, "inner", name="misplaced")


def on_a_foreign_thread_of_a_blocking_workflow(ctx: blocking.DurableContext) -> object:
    errors: list[Exception] = []

    def work() -> None:
        try:
            ctx.step(str, "inner", name="misplaced")
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    raise errors[0]


def in_a_coroutine_of_a_blocking_workflow(ctx: blocking.DurableContext) -> object:
    async def inner() -> None:
        ctx.step(str, "inner", name="misplaced")

    asyncio.run(inner())
    return None


BLOCKING_MISUSES: list[BlockingMisuse] = [
    in_a_blocking_step, in_a_blocking_step_on_a_thread, in_a_coroutine_of_a_blocking_step,
    the_parents_in_a_blocking_child, a_blocking_childs_after_its_end, on_a_foreign_thread_of_a_blocking_workflow,
    in_a_coroutine_of_a_blocking_workflow,
]  # fmt: skip


@pytest.mark.parametrize("misuse", BLOCKING_MISUSES)
def test_a_blocking_operation_in_a_wrong_place_is_refused_by_its_name_before_any_effect(
    misuse: BlockingMisuse,
) -> None:
    @durable_execution
    def handler(event: object, ctx: blocking.DurableContext) -> None:
        misuse(ctx)

    stage = Stage(handler)
    answer = stage.invoke()
    assert '"misplaced"' in message_of(answer)
    assert "ContextMisuseError" in failure_of(answer).get("ErrorType", "")
    assert "misplaced" not in stage.statuses


def test_a_misplaced_operation_is_never_retried() -> None:
    ran: list[int] = []

    @durable_execution
    async def handler(event: object, ctx: DurableContext) -> None:
        def body() -> None:
            ran.append(1)
            ctx.step(str, "inner")

        await ctx.step(body)

    result = LocalRunner(handler).run()
    assert result.status == "FAILED"
    assert len(ran) == 1


class Meddling:
    """A serializer that calls operations."""

    def __init__(self, ctx: Any) -> None:
        self.ctx = ctx

    def serialize(self, value: Any, context: SerDesContext) -> str:
        self.ctx.wait(HOUR)
        return "1"

    def deserialize(self, data: str, context: SerDesContext) -> Any:
        return 1


def test_an_operation_in_a_strategy_serializer_or_mapper_takes_no_place() -> None:
    """A replay does not ask these, and would count otherwise."""

    def decline() -> None:
        raise ValueError("declined")

    def meddling_strategy(ctx: Any) -> Callable[[BaseException, int], RetryDecision]:
        def strategy(error: BaseException, attempt: int) -> RetryDecision:
            ctx.wait(HOUR)
            return RetryDecision.stop()

        return strategy

    def meddling_mapper(ctx: Any) -> Callable[[BaseException], BaseException]:
        def mapper(error: BaseException) -> BaseException:
            ctx.wait(HOUR)
            return error

        return mapper

    @durable_execution
    async def handler(event: object, ctx: DurableContext) -> list[str]:
        async def child(inner: DurableContext) -> None:
            raise ValueError("declined")

        found = []
        for operation in (
            ctx.step(decline, config=StepConfig(retry_strategy=meddling_strategy(ctx))),
            ctx.step(str, config=StepConfig(serdes=Meddling(ctx))),
            ctx.run_in_child_context(child, config=ChildConfig(error_mapper=meddling_mapper(ctx))),
        ):
            try:
                await operation
            except Exception as error:
                found.append(str(error))
        await ctx.wait(HOUR)
        return found

    @durable_execution
    def blocking_handler(event: object, ctx: blocking.DurableContext) -> list[str]:
        def child(inner: blocking.DurableContext) -> None:
            raise ValueError("declined")

        found = []
        for call in (
            lambda: ctx.step(decline, config=StepConfig(retry_strategy=meddling_strategy(ctx))),
            lambda: ctx.step(str, config=StepConfig(serdes=Meddling(ctx))),
            lambda: ctx.run_in_child_context(child, config=ChildConfig(error_mapper=meddling_mapper(ctx))),
        ):
            try:
                call()
            except Exception as error:
                found.append(str(error))
        ctx.wait(HOUR)
        return found

    for each in (handler, blocking_handler):
        result = LocalRunner(each).run()
        assert result.status == "SUCCEEDED"
        assert len(result.value) == 3
        assert all("a wait is called" in message for message in result.value), result.value


def test_a_step_that_fails_for_a_misplaced_operation_says_so_as_a_step_error_too() -> None:
    @durable_execution
    async def handler(event: object, ctx: DurableContext) -> bool:
        try:
            await in_an_async_step(ctx)
        except StepError as error:
            return isinstance(error, ContextMisuseError)
        return False

    assert LocalRunner(handler).run().value is True
