"""Many callbacks at once, answered in any order, and one whose result is asked for more than once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, cast

import pytest
from both_flavours import both_flavours, handler_of
from hypothesis import given, strategies as st
from operation_runs import MINUTE, SECOND, outcome_of, run, value_of

from durable_core import CallbackConfig, CallbackError, ContextMisuseError, DurableContext, durable_execution
from durable_core.spi import DurableServiceClient
from durable_testing import LocalRunner, RunnerError

NAMES = ["a", "b", "c", "d", "e", "f"]

orders = st.permutations(NAMES)
pauses = st.lists(st.integers(0, 3), min_size=len(NAMES), max_size=len(NAMES))
"""What happens before each answer: nothing, the workflow runs, time passes, or both."""


def answered(runner: LocalRunner, order: Sequence[str], between: Sequence[int]) -> Any:
    """What a workflow returns whose callbacks are answered, each with its name, in this order."""
    started = runner.start()
    started.settle()
    pending = {name: started.wait_for_callback(name) for name in NAMES}
    for name, what in zip(order, between, strict=True):
        if what & 1:
            started.settle()
        if what & 2:
            runner.clock.advance(MINUTE)
        pending[name].succeed(name)
    result = started.result()
    assert result.status == "SUCCEEDED", result.error
    return result.value


@durable_execution
async def gathers(event: object, ctx: DurableContext) -> list[Any]:
    """Creates all callbacks at once, and waits for all of them."""
    callbacks = await asyncio.gather(*(ctx.create_callback(name=name) for name in NAMES))
    return await asyncio.gather(*(callback.result() for callback in callbacks))


@given(orders, pauses)
def test_each_result_is_its_own_whichever_order_the_answers_come_in(order: list[str], between: list[int]) -> None:
    assert answered(LocalRunner(gathers), order, between) == NAMES


@durable_execution
async def notes_arrivals(event: object, ctx: DurableContext) -> list[str]:
    """A task for each callback; what they return is the order in which they saw the answers."""
    order: list[str] = []

    async def wait(name: str) -> None:
        callback = await ctx.create_callback(name=name)
        await callback.result()
        order.append(name)
        await ctx.step(str, name, name=f"after-{name}")

    await asyncio.gather(*map(wait, NAMES))
    return order


@given(orders, pauses)
def test_tasks_see_the_answers_in_the_order_in_which_they_came(order: list[str], between: list[int]) -> None:
    """And each replay sees them in the same one, which the runner checks at the end."""
    assert answered(LocalRunner(notes_arrivals), order, between) == order


@given(orders)
def test_a_blocking_workflow_asks_for_them_in_its_own_order(order: list[str]) -> None:
    """Whichever order they came in."""

    async def body(ctx: DurableContext) -> list[Any]:
        callbacks = [await ctx.create_callback(name=name) for name in NAMES]
        return [await callback.result() for callback in reversed(callbacks)]

    runner = LocalRunner(handler_of("blocking", body))
    assert answered(runner, order, [1] * len(NAMES)) == NAMES[::-1]


def test_callbacks_that_are_created_at_once_share_a_call_and_have_ids_of_their_own() -> None:
    calls: list[int] = []
    ids: set[str] = set()

    @durable_execution
    async def handler(event: object, ctx: DurableContext) -> None:
        created = await asyncio.gather(*(ctx.create_callback() for _ in range(50)))
        ids.update(each.callback_id for each in created)

    class Counting:
        def __init__(self, inner: Any) -> None:
            self.inner = inner

        def __getattr__(self, name: str) -> Any:
            return getattr(self.inner, name)

        def checkpoint(self, arn: str, token: str, updates: Sequence[Any], client_token: str, **options: Any) -> Any:
            calls.append(len(updates))
            return self.inner.checkpoint(arn, token, updates, client_token, **options)

    def counting(inner: DurableServiceClient) -> DurableServiceClient:
        return cast("DurableServiceClient", Counting(inner))

    assert LocalRunner(handler, client=counting).run().status == "SUCCEEDED"
    assert len(ids) == 50
    assert calls == [50]


@both_flavours
def test_a_result_can_be_asked_for_again(flavour: str) -> None:
    """It is the same each time, and read each time: nobody shares the object."""

    async def body(ctx: DurableContext) -> list[Any]:
        callback = await ctx.create_callback(name="approval")
        first = await callback.result()
        await ctx.wait(SECOND)
        second = await callback.result()
        first.append("changed")
        return [first, second, await callback.result()]

    assert value_of(flavour, body, callbacks={"approval": [1]}) == [[1, "changed"], [1], [1]]


@both_flavours
def test_to_ask_for_a_result_takes_no_place(flavour: str) -> None:
    """It is the callback's: what comes after it has the same id, however often it is asked for."""

    def asking(often: int) -> Any:
        async def body(ctx: DurableContext) -> None:
            callback = await ctx.create_callback(name="approval")
            for _ in range(often):
                await callback.result()
            await ctx.step(str, name="after")

        return run(flavour, body, callbacks={"approval": 1})

    assert asking(0).operation("after").id == asking(1).operation("after").id == asking(3).operation("after").id


@both_flavours
def test_a_failure_is_raised_each_time_it_is_asked_for(flavour: str) -> None:
    async def body(ctx: DurableContext) -> list[Any]:
        callback = await ctx.create_callback(name="approval")
        return [await outcome_of(callback.result()), await outcome_of(callback.result())]

    first, second = value_of(flavour, body, callbacks={"approval": ValueError("no")})
    assert first["text"] == "no"
    assert first == second


def test_several_tasks_can_wait_for_one_answer() -> None:
    async def body(ctx: DurableContext) -> list[Any]:
        callback = await ctx.create_callback(name="approval")

        async def wait(name: str) -> Any:
            text = f"{name} {await callback.result()}"
            return await ctx.step(str, text, name=name)

        return [*await asyncio.gather(wait("one"), wait("two"), callback.result())]

    assert value_of("async", body, callbacks={"approval": "yes"}) == ["one yes", "two yes", "yes"]


def test_one_task_can_be_awaited_by_several() -> None:
    async def body(ctx: DurableContext) -> list[Any]:
        callback = await ctx.create_callback(name="approval")
        task = asyncio.create_task(callback.result())
        return [*await asyncio.gather(task, task, ctx.wait(SECOND))]

    assert value_of("async", body, callbacks={"approval": "yes"}) == ["yes", "yes", None]


def test_several_tasks_that_wait_for_one_answer_are_all_woken_while_something_else_works() -> None:
    async def body(ctx: DurableContext) -> list[Any]:
        callback = await ctx.create_callback(name="approval")

        async def work() -> str:
            await asyncio.sleep(0.05)  # until both are parked
            runner.service.send_durable_execution_callback_success(CallbackId=callback.callback_id, Result='"yes"')
            return "worked"

        return [*await asyncio.gather(callback.result(), callback.result(), ctx.step(work))]

    runner = LocalRunner(handler_of("async", body))
    result = runner.run()
    assert result.status == "SUCCEEDED", result.error
    assert result.value == ["yes", "yes", "worked"]


def test_a_suspension_is_no_error_to_any_of_the_tasks_that_wait_for_one_answer() -> None:
    """They are cancelled, as everywhere."""
    caught: list[Exception] = []

    async def body(ctx: DurableContext) -> list[Any]:
        callback = await ctx.create_callback(name="approval")

        async def wait() -> Any:
            try:
                return await callback.result()
            except Exception as error:
                caught.append(error)
                raise

        return [*await asyncio.gather(wait(), wait())]

    assert value_of("async", body, callbacks={"approval": "yes"}) == ["yes", "yes"]
    assert caught == []


def test_a_result_that_nobody_awaits_is_an_error_that_names_it() -> None:
    async def body(ctx: DurableContext) -> None:
        (await ctx.create_callback(name="approval")).result()

    result = run("async", body)
    assert result.error is not None
    assert result.error.get("ErrorType") == f"durable_core.{ContextMisuseError.__name__}"
    assert 'the result of callback "approval"' in result.error.get("ErrorMessage", "")


@pytest.mark.parametrize("winner", ["answer", "wait"])
def test_an_answer_can_be_raced_with_a_wait(winner: str) -> None:
    """The loser is cancelled: a wait at the service too; a callback just waits for nobody."""

    async def body(ctx: DurableContext) -> str:
        callback = await ctx.create_callback(name="approval")
        answer, pause = asyncio.create_task(callback.result()), asyncio.create_task(ctx.wait(MINUTE))
        done, left = await asyncio.wait([answer, pause], return_when=asyncio.FIRST_COMPLETED)
        for task in left:
            task.cancel()
        await ctx.step(str, "after", name="after")
        await ctx.wait(SECOND)
        return "answer" if answer in done else "wait"

    result = run("async", body, callbacks={"approval": "yes"} if winner == "answer" else {})
    assert result.value == winner
    statuses = {each.type: each.status for each in result.operations[:2]}
    expected = {"answer": ("SUCCEEDED", "CANCELLED"), "wait": ("STARTED", "SUCCEEDED")}
    assert (statuses["CALLBACK"], statuses["WAIT"]) == expected[winner]


def test_an_answer_under_a_timeout_of_asyncio_is_refused() -> None:
    """Its clock is none that a replay could repeat: a callback has a timeout of its own."""

    async def body(ctx: DurableContext) -> Any:
        callback = await ctx.create_callback(name="approval")
        async with asyncio.timeout(5):
            return await callback.result()

    result = run("async", body)
    assert result.error is not None
    assert "is awaited under asyncio.timeout or wait_for" in result.error.get("ErrorMessage", "")


def test_a_task_group_ends_with_the_first_failure() -> None:
    """And replays alike: the answer that came later is not seen."""

    async def body(ctx: DurableContext) -> list[str]:
        seen: list[str] = []

        async def wait(name: str) -> None:
            callback = await ctx.create_callback(name=name, config=CallbackConfig(timeout=MINUTE, returns=str))
            try:
                seen.append(await callback.result())
            except CallbackError as error:
                seen.append(f"{name}: {error}")
                raise

        with pytest.raises(ExceptionGroup):
            async with asyncio.TaskGroup() as group:
                for name in ("good", "bad", "late"):
                    group.create_task(wait(name))
        await ctx.wait(2 * MINUTE)
        return seen

    answers = {"good": "fine", "bad": ValueError("no")}
    assert value_of("async", body, callbacks=answers) == ["fine", "bad: no"]


def test_a_test_that_answers_one_of_two_is_told_what_is_missing() -> None:
    async def body(ctx: DurableContext) -> list[Any]:
        callbacks = await asyncio.gather(*(ctx.create_callback(name=name) for name in ("one", "two")))
        return await asyncio.gather(*(callback.result() for callback in callbacks))

    with pytest.raises(RunnerError, match="nobody in this test will bring") as caught:
        run("async", body, callbacks={"one": 1})
    assert "two" in str(caught.value)


@both_flavours
def test_a_service_that_does_not_tell_the_id_fails_that_invocation_alone(flavour: str) -> None:
    """The next one finds the callback with its id."""

    class Silent:
        """The first answer does not show what its own batch did."""

        calls = 0

        def __init__(self, inner: Any) -> None:
            self.inner = inner

        def __getattr__(self, name: str) -> Any:
            return getattr(self.inner, name)

        def checkpoint(self, *args: Any, **options: Any) -> Any:
            answer = self.inner.checkpoint(*args, **options)
            Silent.calls += 1
            return answer if Silent.calls > 1 else {**answer, "NewExecutionState": {}}

    async def body(ctx: DurableContext) -> Any:
        return await (await ctx.create_callback(name="approval")).result()

    def silent(inner: DurableServiceClient) -> DurableServiceClient:
        return cast("DurableServiceClient", Silent(inner))

    result = LocalRunner(handler_of(flavour, body), client=silent).run(callbacks={"approval": "yes"})
    assert result.value == "yes"
    errors = [each.error.get("ErrorMessage") for each in result.invocations if each.error is not None]
    assert errors == ['the service did not tell the id of callback "approval"']
