"""Which hooks each kind of operation has, how often, and in which invocation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from both_flavours import both_flavours
from plugin_runs import HOUR, ONCE, SECOND, run, told_of

from durable_core import (
    CallbackConfig,
    ChildConfig,
    DurableContext,
    DurableError,
    FixedDelay,
    InvokeError,
    NoRetry,
    ServiceLimits,
    StepConfig,
    StepSemantics,
    WaitForCallbackConfig,
    WaitForConditionConfig,
    poll_every,
)
from durable_core.spi import DurableServiceClient
from durable_testing.faults import CrashingClient, Side

AT_MOST_ONCE = StepConfig(step_semantics=StepSemantics.AT_MOST_ONCE_PER_RETRY, retry_strategy=NoRetry())


def ask(callback_id: str) -> None:
    """Nobody answers."""


def fail() -> str:
    raise LookupError("no")


async def caught(operation: Any) -> str:
    try:
        await operation
    except DurableError as error:
        return type(error).__name__
    return "nothing was raised"


@both_flavours
def test_a_recalled_step_has_no_hooks_in_later_invocations(flavour: str) -> None:
    async def body(ctx: DurableContext) -> None:
        await ctx.step(str, name="first")
        await ctx.wait(SECOND, name="pause")
        await ctx.step(str, name="second")
        await ctx.wait(SECOND)

    story = told_of(flavour, body)
    for name in ("first", "second"):
        assert story.of(name) == [
            f"operation_start Step {name}",
            f"attempt_start Step {name} #1",
            f"attempt_end Step {name} #1 SUCCEEDED",
            f"operation_end Step {name} SUCCEEDED",
        ]
    assert story.of("pause") == ["operation_start Wait pause", "operation_end Wait pause SUCCEEDED"]
    assert story.lines("invocation_start") == ["invocation_start first"] + 2 * ["invocation_start again"]


@both_flavours
def test_a_step_that_fails_for_good_ends_once_after_its_last_attempt(flavour: str) -> None:
    async def body(ctx: DurableContext) -> str:
        config = StepConfig(retry_strategy=FixedDelay(3, SECOND))
        return await caught(ctx.step(fail, config=config))

    story = told_of(flavour, body)
    attempts = [
        (f"attempt_start Step fail #{number}{again}", f"attempt_end Step fail #{number} FAILED LookupError")
        for number, again in ((1, ""), (2, " again"), (3, " again"))
    ]
    assert story.of("fail") == [
        "operation_start Step fail",
        *attempts[0],
        "operation_start Step fail again READY",
        *attempts[1],
        "operation_start Step fail again READY",
        *attempts[2],
        "operation_end Step fail FAILED",
    ]


def unwritable() -> Callable[[], int]:
    return int


@both_flavours
def test_a_step_that_is_refused_before_it_runs_starts_and_ends_without_an_attempt(flavour: str) -> None:
    async def body(ctx: DurableContext) -> str:
        return await caught(ctx.step(unwritable))

    story = told_of(flavour, body)
    assert story.of("unwritable") == ["operation_start Step unwritable", "operation_end Step unwritable FAILED"]


@both_flavours
def test_a_result_that_cannot_be_written_is_the_failure_of_the_operation_not_of_the_attempt(flavour: str) -> None:
    def tuples() -> Any:
        return (1, 2)

    async def body(ctx: DurableContext) -> str:
        return await caught(ctx.step(tuples))

    story = told_of(flavour, body)
    assert story.of("tuples")[-2:] == ["attempt_end Step tuples #1 SUCCEEDED", "operation_end Step tuples FAILED"]


def dies(at: int, side: Side = Side.BEFORE) -> Callable[[DurableServiceClient], DurableServiceClient]:
    return lambda client: CrashingClient(client, at, side)


@both_flavours
def test_an_attempt_that_was_cut_off_for_good_ends_its_operation_without_hooks_of_attempts(flavour: str) -> None:
    async def body(ctx: DurableContext) -> str:
        return await caught(ctx.step(str, name="once", config=AT_MOST_ONCE))

    story = told_of(flavour, body, client=dies(2))
    assert story.of("once") == [
        "operation_start Step once",
        "attempt_start Step once #1",
        "attempt_end Step once #1 SUCCEEDED",
        "operation_start Step once again",
        "operation_end Step once FAILED",
    ]


@both_flavours
def test_an_attempt_that_was_cut_off_runs_again_with_the_same_number(flavour: str) -> None:
    async def body(ctx: DurableContext) -> str:
        await ctx.create_callback(name="before")
        return await ctx.step(str, name="twice", config=StepConfig(retry_strategy=NoRetry()))

    story = told_of(flavour, body, client=dies(2))
    runs = [each.attempt for each in story.infos("attempt_start", "twice")]
    assert runs == [1, 1]
    assert len(story.infos("operation_end", "twice")) == 1


@both_flavours
def test_an_end_whose_answer_was_lost_with_the_sandbox_is_told_at_most_once(flavour: str) -> None:
    """The sandbox died after the service had taken the outcome; ``UpdatedOperationIds`` does not name it."""

    async def body(ctx: DurableContext) -> str:
        return await ctx.step(str, name="lost")

    story = told_of(flavour, body, client=dies(1, Side.AFTER))
    assert len(story.infos("operation_end", "lost")) <= 1


@both_flavours
def test_failures_that_are_caught_and_stand_in_a_child_end_as_failed(flavour: str) -> None:
    async def child(ctx: DurableContext) -> None:
        await ctx.step(fail, config=ONCE)

    async def body(ctx: DurableContext) -> str:
        return await caught(ctx.run_in_child_context(child))

    story = told_of(flavour, body)
    assert story.lines("operation_end", "attempt_end") == [
        "attempt_end Step fail #1 FAILED LookupError",
        "operation_end Step fail FAILED",
        "attempt_end RunInChildContext child FAILED LookupError",
        "operation_end RunInChildContext child FAILED",
    ]


@both_flavours
def test_a_virtual_child_has_hooks_of_its_body_alone(flavour: str) -> None:
    async def child(ctx: DurableContext) -> str:
        return await ctx.step(str, name="inner")

    async def body(ctx: DurableContext) -> str:
        return await ctx.run_in_child_context(child, name="virtual", config=ChildConfig(virtual=True))

    story = told_of(flavour, body)
    assert story.of("virtual") == [
        "attempt_start RunInChildContext virtual",
        "attempt_end RunInChildContext virtual SUCCEEDED",
    ]
    (begun,), (inner,) = story.infos("attempt_start", "virtual"), story.infos("operation_start", "inner")
    assert not begun.is_recorded
    assert story.infos("attempt_start", "inner")[0].is_recorded
    assert inner.parent_id is None


@both_flavours
def test_a_callback_starts_when_it_is_created_and_ends_when_it_is_answered(flavour: str) -> None:
    async def body(ctx: DurableContext) -> list[str]:
        callback = await ctx.create_callback(name="late", config=CallbackConfig(timeout=HOUR))
        await ctx.wait(SECOND)
        first = await caught(callback.result())
        return [first, await caught(callback.result())]

    story, result = run(flavour, body)
    assert result.value == 2 * ["CallbackTimeoutError"]
    assert story.of("late")[0] == "operation_start Callback late"
    assert story.of("late")[-1] == "operation_end Callback late TIMED_OUT"
    assert len(story.infos("operation_end", "late")) == 1
    assert [each.is_replayed for each in story.infos("operation_start", "late")] == [False, True]


@both_flavours
def test_a_wait_for_callback_that_is_refused_ends_as_failed_and_so_does_its_callback(flavour: str) -> None:
    async def body(ctx: DurableContext) -> str:
        config: WaitForCallbackConfig[Any] = WaitForCallbackConfig(timeout=HOUR)
        return await caught(ctx.wait_for_callback(ask, name="asked", config=config))

    story = told_of(flavour, body)
    assert [line for line in story.of("asked") if "end" in line] == [
        "operation_end Callback asked TIMED_OUT",
        "operation_end WaitForCallback asked FAILED",
    ]
    assert story.lines("attempt_start") == ["attempt_start Step ask #1"]


@both_flavours
def test_a_submitter_is_a_step_with_attempts(flavour: str) -> None:
    def submit(id: str) -> None:
        raise LookupError("nobody there")

    async def body(ctx: DurableContext) -> str:
        config: WaitForCallbackConfig[Any] = WaitForCallbackConfig(retry_strategy=FixedDelay(2, SECOND))
        return await caught(ctx.wait_for_callback(submit, name="asked", config=config))

    story = told_of(flavour, body)
    assert [each.attempt for each in story.infos("attempt_end", "submit")] == [1, 2]
    assert story.of("submit")[-1] == "operation_end Step submit FAILED"
    assert story.lines("operation_end")[-1] == "operation_end WaitForCallback asked FAILED"


@both_flavours
def test_an_invoke_that_fails_ends_as_failed_without_attempts(flavour: str) -> None:
    def target(event: object) -> None:
        raise LookupError("no")

    async def body(ctx: DurableContext) -> str:
        try:
            await ctx.invoke("target", None, name="other")
        except InvokeError:
            return "failed"
        return ""

    story = told_of(flavour, body, functions={"target": target})
    assert story.of("other") == ["operation_start ChainedInvoke other", "operation_end ChainedInvoke other FAILED"]


@both_flavours
def test_a_check_that_raises_is_an_attempt_that_failed(flavour: str) -> None:
    def check(state: int) -> int:
        if state:
            raise LookupError("no")
        return 1

    config = WaitForConditionConfig[int](wait_strategy=poll_every(SECOND, until=lambda state: False))

    async def body(ctx: DurableContext) -> str:
        return await caught(ctx.wait_for_condition(check, initial_state=0, config=config))

    story = told_of(flavour, body)
    assert story.lines("attempt_end", "operation_end") == [
        "attempt_end WaitForCondition check #1 SUCCEEDED",
        "attempt_end WaitForCondition check #2 FAILED LookupError",
        "operation_end WaitForCondition check FAILED",
    ]


@both_flavours
def test_a_large_result_runs_the_body_again_without_its_operations(flavour: str) -> None:
    async def large(ctx: DurableContext) -> str:
        return await ctx.step(str, "x", name="part") * 300_000

    async def body(ctx: DurableContext) -> int:
        size = len(await ctx.run_in_child_context(large))
        await ctx.wait(SECOND)
        return size

    story, result = run(flavour, body)
    assert result.value == 300_000
    assert story.of("large") == [
        "operation_start RunInChildContext large",
        "attempt_start RunInChildContext large",
        "attempt_end RunInChildContext large SUCCEEDED",
        "operation_end RunInChildContext large SUCCEEDED",
        "attempt_start RunInChildContext large again for its children",
        "attempt_end RunInChildContext large SUCCEEDED",
    ]
    assert len(story.of("part")) == 4


@both_flavours
def test_the_execution_itself_is_no_operation_to_plugins(flavour: str) -> None:
    limits = replace(ServiceLimits.CURRENT, response_bytes=2_000)

    async def body(ctx: DurableContext) -> str:
        await ctx.step(str, name="before")
        return "x" * 10_000

    story, result = run(flavour, body, settings={"limits": limits})
    assert any(event["EventType"] == "ExecutionSucceeded" for event in result.history)
    shown = [each.operation_type for told in story.told for each in told.operations.values()]
    changed = [each for info in story.infos("operation_change") for each in info.updated_operations.values()]
    assert "EXECUTION" not in shown
    assert {each.operation_type for each in changed} == {"STEP"}
    assert len(story.infos("operation_end")) == 1


@both_flavours
def test_what_ended_meanwhile_is_told_at_once_and_whoever_asks_for_it_is_not_told_again(flavour: str) -> None:
    async def body(ctx: DurableContext) -> Any:
        callback = await ctx.create_callback(name="early")
        await ctx.wait(HOUR, name="long")
        return await callback.result()

    story = told_of(flavour, body, callbacks={"early": 1})
    assert story.lines("invocation_start", "operation_start", "operation_end") == [
        "invocation_start first",
        "operation_start Callback early",
        "operation_start Wait long",
        "invocation_start again",
        "operation_end Callback early SUCCEEDED",
        "operation_start Wait long again",
        "invocation_start again",
        "operation_end Wait long SUCCEEDED",
    ]


@both_flavours
def test_a_change_is_told_once_for_each_transition(flavour: str) -> None:
    async def body(ctx: DurableContext) -> None:
        await caught(ctx.step(fail, config=StepConfig(retry_strategy=FixedDelay(2, SECOND))))
        await ctx.wait(SECOND)

    story = told_of(flavour, body)
    told = [
        (each.status, each.attempt)
        for change in story.infos("operation_change")
        for each in change.updated_operations.values()
        if each.name == "fail"
    ]
    assert len(told) == len(set(told))
    assert [each for each in told if each[0] != "STARTED"] == [("PENDING", 1), ("FAILED", 2)]
