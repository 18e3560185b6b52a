"""What waits until everything before it is recorded, in every mode."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from both_flavours import both_flavours
from checkpoint_runs import HOUR, Bodies, Stage, Watched, every_mode, handler_of, run

from durable_core import (
    Checkpointing,
    DurableContext,
    FixedDelay,
    StepConfig,
    StepSemantics,
    WaitForConditionConfig,
    poll_every,
)

AT_MOST_ONCE = StepConfig(step_semantics=StepSemantics.AT_MOST_ONCE_PER_RETRY)
BEFORE = ["a", "b", "c"]


async def pause(ctx: DurableContext) -> None:
    await ctx.wait(HOUR, name="end")


async def ask(ctx: DurableContext) -> None:
    callback = await ctx.create_callback(name="end")
    await callback.result()


async def invoke(ctx: DurableContext) -> None:
    await ctx.invoke("other", 1, name="end")


async def poll(ctx: DurableContext) -> None:
    config = WaitForConditionConfig[int](wait_strategy=poll_every(HOUR, until=lambda state: state > 1))
    await ctx.wait_for_condition(lambda state: state + 1, initial_state=0, name="end", config=config)


async def retry(ctx: DurableContext) -> None:
    def fail() -> None:
        raise LookupError("not yet")

    await ctx.step(fail, name="end", config=StepConfig(retry_strategy=FixedDelay(3, HOUR)))


async def pause_in_a_child(ctx: DurableContext) -> None:
    await ctx.run_in_child_context(pause, name="child")


SUSPENDING: dict[str, Callable[[DurableContext], Awaitable[None]]] = {
    each.__name__: each for each in (pause, ask, invoke, poll, retry, pause_in_a_child)
}


@both_flavours
@every_mode
@pytest.mark.parametrize("ends_in", SUSPENDING)
def test_an_invocation_that_is_suspended_leaves_everything_recorded(
    flavour: str, mode: Checkpointing, ends_in: str
) -> None:
    work = Bodies()

    async def workflow(ctx: DurableContext) -> None:
        for name in BEFORE:
            await work.step(ctx, name)
        await SUSPENDING[ends_in](ctx)

    stage = Stage(handler_of(flavour, mode, workflow))
    assert stage.invoke() == {"Status": "PENDING"}
    assert {stage.at_the_answer[name] for name in BEFORE} == {"SUCCEEDED"}
    assert stage.at_the_answer["end"] in ("STARTED", "PENDING")


@both_flavours
@every_mode
def test_the_body_of_an_at_most_once_step_runs_when_all_before_it_is_recorded(
    flavour: str, mode: Checkpointing
) -> None:
    work = Bodies()
    known: list[tuple[set[str], set[str]]] = []

    def charge() -> None:
        known.append((set(stage.client.durable), set(stage.client.known)))

    async def workflow(ctx: DurableContext) -> None:
        for name in BEFORE:
            await work.step(ctx, name)
        await ctx.step(charge, name="charge", config=AT_MOST_ONCE)

    stage = Stage(handler_of(flavour, mode, workflow))
    assert stage.invoke()["Status"] == "SUCCEEDED"
    assert known == [(set(BEFORE), {*BEFORE, "charge"})], "its START is durable too"


@both_flavours
@every_mode
def test_the_id_of_a_callback_is_known_when_all_before_it_is_recorded(flavour: str, mode: Checkpointing) -> None:
    work = Bodies()
    durable: list[set[str]] = []

    async def workflow(ctx: DurableContext) -> None:
        for name in BEFORE:
            await work.step(ctx, name)
        callback = await ctx.create_callback(name="question")
        durable.append(set(stage.client.durable))
        assert callback.callback_id

    stage = Stage(handler_of(flavour, mode, workflow))
    assert stage.invoke()["Status"] == "SUCCEEDED"
    assert durable == [set(BEFORE)]


@both_flavours
@every_mode
def test_somebody_outside_is_asked_when_all_before_it_is_recorded(flavour: str, mode: Checkpointing) -> None:
    work = Bodies()
    durable: list[set[str]] = []

    def tell(callback_id: str) -> None:
        durable.append(set(stage.client.durable))

    async def workflow(ctx: DurableContext) -> None:
        for name in BEFORE:
            await work.step(ctx, name)
        await ctx.wait_for_callback(tell, name="question")

    stage = Stage(handler_of(flavour, mode, workflow))
    assert stage.invoke() == {"Status": "PENDING"}
    assert durable == [set(BEFORE)]


@both_flavours
@every_mode
def test_the_answer_that_an_execution_succeeded_comes_when_everything_is_recorded(
    flavour: str, mode: Checkpointing
) -> None:
    work = Bodies()

    async def workflow(ctx: DurableContext) -> int:
        for name in BEFORE:
            await work.step(ctx, name)
        return 5

    stage = Stage(handler_of(flavour, mode, workflow))
    assert stage.invoke() == {"Status": "SUCCEEDED", "Result": "5"}
    assert stage.at_the_answer == dict.fromkeys(BEFORE, "SUCCEEDED")


@both_flavours
@every_mode
def test_nor_is_anything_lost_when_the_handler_raises(flavour: str, mode: Checkpointing) -> None:
    work = Bodies()

    async def workflow(ctx: DurableContext) -> int:
        for name in BEFORE:
            await work.step(ctx, name)
        raise LookupError("out of stock")

    stage = Stage(handler_of(flavour, mode, workflow))
    answer = stage.invoke()
    assert (answer["Status"], answer.get("Error", {}).get("ErrorMessage")) == ("FAILED", "out of stock")
    assert stage.at_the_answer == dict.fromkeys(BEFORE, "SUCCEEDED")


@both_flavours
@every_mode
def test_a_result_too_large_for_the_answer_is_recorded_after_all_the_rest(flavour: str, mode: Checkpointing) -> None:
    work = Bodies()

    async def workflow(ctx: DurableContext) -> str:
        for name in BEFORE:
            await work.step(ctx, name)
        return "é" * 1_100_000

    stage = Stage(handler_of(flavour, mode, workflow))
    assert stage.invoke() == {"Status": "SUCCEEDED", "Result": ""}
    assert [update["Type"] for update in stage.client.calls[-1]][-1] == "EXECUTION"
    assert stage.at_the_answer == dict.fromkeys(BEFORE, "SUCCEEDED")


@both_flavours
@every_mode
def test_a_child_context_is_recorded_in_its_place_among_the_steps(flavour: str, mode: Checkpointing) -> None:
    work = Bodies()

    async def child(ctx: DurableContext) -> str:
        return await work.step(ctx, "in") + await work.step(ctx, "side")

    async def workflow(ctx: DurableContext) -> list[str]:
        found = [await work.step(ctx, "before"), await ctx.run_in_child_context(child, name="child")]
        return [*found, await work.step(ctx, "after")]

    stage = Stage(handler_of(flavour, mode, workflow))
    assert json.loads(stage.invoke().get("Result", "")) == ["before", "inside", "after"]
    updates = [(update["Name"], update["Action"]) for call in stage.client.calls for update in call]
    assert updates == [
        ("before", "START"), ("before", "SUCCEED"), ("child", "START"), ("in", "START"), ("in", "SUCCEED"),
        ("side", "START"), ("side", "SUCCEED"), ("child", "SUCCEED"), ("after", "START"), ("after", "SUCCEED"),
    ]  # fmt: skip


@both_flavours
@every_mode
def test_a_workflow_that_is_suspended_many_times_does_nothing_twice(flavour: str, mode: Checkpointing) -> None:
    work = Bodies()

    async def workflow(ctx: DurableContext) -> list[str]:
        found = []
        for number in range(5):
            found += [await work.step(ctx, f"{letter}{number}") for letter in "abc"]
            await ctx.wait(HOUR)
        return found

    result = run(flavour, mode, workflow)
    assert result.value == work.order
    assert set(work.ran.values()) == {1}
    assert len(result.invocations) == 6


@both_flavours
@every_mode
def test_all_kinds_of_operations_give_the_same_history_in_every_mode(flavour: str, mode: Checkpointing) -> None:
    def history(mode: Checkpointing) -> list[tuple[Any, ...]]:
        async def workflow(ctx: DurableContext) -> None:
            work = Bodies()
            for name in BEFORE:
                await work.step(ctx, name)
            await poll(ctx)
            await ctx.run_in_child_context(pause, name="child")
            await ctx.invoke("other", 1, name="invoked")
            await ctx.wait_for_callback(str, name="question")
            await work.step(ctx, "last", AT_MOST_ONCE)

        result = run(flavour, mode, workflow, functions={"other": lambda event: event}, callbacks={"question": 7})
        assert result.status == "SUCCEEDED", result.error
        return [
            (each["EventType"], each.get("Name"), each["Id"], each.get("ParentId"))
            for each in result.history
            if not each["EventType"].startswith(("Execution", "Invocation"))
        ]

    assert history(mode) == history(Checkpointing.EAGER)


@both_flavours
@every_mode
def test_each_mode_takes_up_what_another_has_recorded(flavour: str, mode: Checkpointing) -> None:
    """A new version of a function may have another mode."""
    work = Bodies()

    async def workflow(ctx: DurableContext) -> list[str]:
        found = [await work.step(ctx, name) for name in BEFORE]
        await ctx.wait(HOUR)
        return [*found, await work.step(ctx, "after")]

    for other in Checkpointing:
        work.order.clear()
        stage = Stage(handler_of(flavour, mode, workflow), Watched)
        assert stage.invoke() == {"Status": "PENDING"}
        stage.pass_time(HOUR)
        stage.handler = handler_of(flavour, other, workflow)
        assert json.loads(stage.invoke().get("Result", "")) == [*BEFORE, "after"]
        assert work.order == [*BEFORE, "after"]
