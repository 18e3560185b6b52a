"""In real time, less than three seconds each: parked branches go on in the invocation in which a sibling works."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from both_flavours import both_flavours, handler_of
from fan_out_runs import Body

from durable_core import DurableContext, Duration, FixedDelay, StepConfig, WaitForConditionConfig, poll_every
from durable_testing import LocalRunner, TestResult

SECOND = Duration.from_seconds(1)


class Meeting:
    """Steps that are over when so many are under way: none in an invocation before the others."""

    def __init__(self, size: int) -> None:
        self._barrier = threading.Barrier(size)

    def __call__(self) -> bool:
        self._barrier.wait(8)
        return True


def run(flavour: str, body: Body) -> TestResult[Any]:
    """The result of *body*, which must not take a second invocation."""
    with LocalRunner(handler_of(flavour, body), skip_time=False) as runner:
        result = runner.run()
    assert (result.status, len(result.invocations)) == ("SUCCEEDED", 1), result.error
    return result


async def waiting(ctx: DurableContext, meeting: Meeting) -> bool:
    await ctx.wait(SECOND)
    return await ctx.step(meeting)


async def nested(ctx: DurableContext, meeting: Meeting) -> bool:
    async def inner(ctx: DurableContext, item: int, index: int) -> bool:
        await ctx.wait(SECOND)
        return True

    await ctx.map([1, 2], inner)
    return await ctx.step(meeting)


async def in_children(ctx: DurableContext, meeting: Meeting) -> bool:
    async def inner(ctx: DurableContext) -> bool:
        return await ctx.race([lambda deep: waiting(deep, meeting)])

    return await ctx.run_in_child_context(inner)


async def polled(ctx: DurableContext, meeting: Meeting) -> bool:
    def check(state: int) -> int:
        return state + 1

    config = WaitForConditionConfig[int](wait_strategy=poll_every(SECOND, until=(2).__le__))
    await ctx.wait_for_condition(check, initial_state=0, config=config)
    return await ctx.step(meeting)


@both_flavours
@pytest.mark.parametrize("parked", [waiting, nested, in_children, polled], ids=lambda body: body.__name__)
def test_a_parked_branch_goes_on_while_a_sibling_works(flavour: str, parked: Body) -> None:
    meeting = Meeting(2)

    async def waits(ctx: DurableContext) -> bool:
        return bool(await parked(ctx, meeting))

    async def works(ctx: DurableContext) -> bool:
        return await ctx.step(meeting, name="works")

    async def workflow(ctx: DurableContext) -> list[bool]:
        return (await ctx.parallel([waits, works])).results

    assert run(flavour, workflow).value == [True, True]


@both_flavours
def test_a_retry_goes_on_while_a_sibling_works(flavour: str) -> None:
    meeting, tries = Meeting(2), list[int]()

    def flaky() -> bool:
        tries.append(1)
        if len(tries) == 1:
            raise LookupError("not yet")
        return meeting()

    async def retries(ctx: DurableContext) -> bool:
        return await ctx.step(flaky, config=StepConfig(retry_strategy=FixedDelay(2, SECOND)))

    async def works(ctx: DurableContext) -> bool:
        return await ctx.step(meeting, name="works")

    async def workflow(ctx: DurableContext) -> list[bool]:
        return await ctx.all([retries, works])

    run(flavour, workflow)
    assert len(tries) == 2


@both_flavours
def test_a_callback_that_is_answered_meanwhile_goes_on_while_a_sibling_works(flavour: str) -> None:
    meeting = Meeting(2)

    async def answered(ctx: DurableContext) -> bool:
        callback = await ctx.create_callback(name="approval")
        ids.append(callback.callback_id)
        created.set()
        await callback.result()
        return await ctx.step(meeting)

    async def works(ctx: DurableContext) -> bool:
        return await ctx.step(meeting, name="works")

    async def workflow(ctx: DurableContext) -> list[bool]:
        return (await ctx.parallel([answered, works])).results

    ids, created = list[str](), threading.Event()
    runner = LocalRunner(handler_of(flavour, workflow), skip_time=False)

    def answer() -> None:
        created.wait(5)
        service: Any = runner.service
        service.send_durable_execution_callback_success(CallbackId=ids[0], Result=b"7")

    thread = threading.Thread(target=answer)
    thread.start()
    result = runner.run()
    thread.join()
    assert (result.status, result.value, len(result.invocations)) == ("SUCCEEDED", [True, True], 1)


def test_many_parked_branches_beside_as_many_steps_as_there_are_threads_go_on() -> None:
    """All 32 threads run steps until each of 40 branches that waited has its turn, on the thread of the first step."""
    woken, all_woken, lock = set[int](), threading.Event(), threading.Lock()

    def wake(item: int) -> None:
        with lock:
            woken.add(item)
            if len(woken) == 40:
                all_woken.set()

    async def branch(ctx: DurableContext, item: int, index: int) -> None:
        if item < 31:
            await ctx.step(all_woken.wait, 6)
        else:
            await ctx.wait(SECOND)
            await ctx.step(wake, item)

    async def workflow(ctx: DurableContext) -> int:
        return (await ctx.map(range(71), branch)).success_count

    assert run("blocking", workflow).value == 71
