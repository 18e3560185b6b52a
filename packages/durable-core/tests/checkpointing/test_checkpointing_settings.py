"""What ``@durable_execution(checkpointing=…)`` takes, and what every mode has in common: errors, and the deadline."""

from __future__ import annotations

import time
from typing import Any

import pytest
from both_flavours import both_flavours
from checkpoint_runs import EAGER, HOUR, ONCE, Bodies, Stage, Watched, ahead_of_the_record, every_mode, handler_of, run

from durable_core import (
    Checkpointing,
    ChildConfig,
    DurableContext,
    InvocationError,
    StepError,
    StepSemantics,
    ValidationError,
    blocking,
    durable_execution,
)


class DeclinedError(Exception):
    """An error with a field of its own."""

    def __init__(self, code: int) -> None:
        super().__init__(f"declined with {code}")
        self.code = code


def decline() -> None:
    raise DeclinedError(51)


def stop() -> None:
    raise StopIteration("early")


async def of_a_step(ctx: DurableContext) -> None:
    await ctx.step(decline, config=ONCE)


async def of_a_stop(ctx: DurableContext) -> None:
    await ctx.step(stop, config=ONCE)


async def of_an_odd_value(ctx: DurableContext) -> None:
    untyped: Any = lambda: {1}  # noqa: E731
    await ctx.step(untyped, name="odd")


async def of_a_child(ctx: DurableContext) -> None:
    await ctx.run_in_child_context(of_a_step, name="child")


async def of_a_mapped_child(ctx: DurableContext) -> None:
    config = ChildConfig(error_mapper=lambda error: LookupError(f"mapped: {error}"))
    await ctx.run_in_child_context(of_a_step, name="child", config=config)


FAILURES = {each.__name__: each for each in (of_a_step, of_a_stop, of_an_odd_value, of_a_child, of_a_mapped_child)}


@both_flavours
@every_mode
@pytest.mark.parametrize("failure", FAILURES)
def test_an_error_is_the_same_on_the_first_run_as_on_a_replay(flavour: str, mode: Checkpointing, failure: str) -> None:
    seen: list[Any] = []

    async def workflow(ctx: DurableContext) -> None:
        try:
            await FAILURES[failure](ctx)
        except Exception as error:
            classes = [each.__qualname__ for each in type(error).__mro__]
            seen.append((classes, str(error), error.args, sorted(map(str, vars(error).items()))))
        await ctx.wait(HOUR)

    assert run(flavour, mode, workflow).status == "SUCCEEDED"
    assert len(seen) == 3
    assert all(one == seen[0] for one in seen), seen


@both_flavours
@every_mode
def test_an_error_that_is_handed_out_keeps_its_cause_and_its_fields(flavour: str, mode: Checkpointing) -> None:
    found: list[Any] = []

    async def workflow(ctx: DurableContext) -> None:
        try:
            await ctx.step(decline, config=ONCE)
        except DeclinedError as error:
            found.append(
                (error.code, getattr(error, "name", None), isinstance(error, StepError), type(error.__cause__))
            )

    run(flavour, mode, workflow, verify_replay=False)
    assert found == [(51, "decline", True, DeclinedError)]


class Deadline:
    """A Lambda context whose time is over in so many *seconds*."""

    aws_request_id = "11111111-2222-4333-8444-555555555555"

    def __init__(self, seconds: float) -> None:
        self.end = time.monotonic() + seconds

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self.end - time.monotonic()) * 1000))


@both_flavours
@every_mode
def test_what_was_done_when_the_deadline_is_near_is_recorded_and_not_done_again(
    flavour: str, mode: Checkpointing
) -> None:
    """In real time: no step starts in the last second of 1.3."""
    work, count = Bodies(), 40

    def slowly(number: int) -> int:
        work.note(f"step-{number}")
        time.sleep(0.02)
        return number

    async def workflow(ctx: DurableContext) -> int:
        return sum([await ctx.step(slowly, number, name=f"step-{number}") for number in range(count)])

    stage = Stage(handler_of(flavour, mode, workflow))
    with pytest.raises(InvocationError):
        stage.invoke(Deadline(1.3))
    assert 0 < len(work.order) < count
    assert [name for name, status in stage.statuses.items() if status == "SUCCEEDED"] == work.order
    stage.pass_time(HOUR)
    assert stage.invoke().get("Result") == str(sum(range(count)))
    assert set(work.ran.values()) == {1}


@both_flavours
@ahead_of_the_record
def test_a_slow_step_does_not_hold_back_the_record_of_those_before_it(flavour: str, mode: Checkpointing) -> None:
    """In real time, until the updates have lingered: a crash in a long step does not redo what came before."""
    work = Bodies()

    def until_they_are_durable() -> bool:
        patience = time.monotonic() + 20
        while not set("abc") <= client.durable and time.monotonic() < patience:
            time.sleep(0.001)
        return set("abc") <= client.durable

    async def workflow(ctx: DurableContext) -> bool:
        for name in "abc":
            await work.step(ctx, name)
        return await ctx.step(until_they_are_durable, name="slow")

    stage = Stage(handler_of(flavour, mode, workflow))
    client: Watched = stage.client
    assert stage.invoke().get("Result") == "true"


@pytest.mark.parametrize(
    "wrong", ["eager", "EAGER", None, True, 0, StepSemantics.AT_LEAST_ONCE_PER_RETRY, Checkpointing]
)
@both_flavours
def test_what_is_no_mode_is_refused_at_decoration(flavour: str, wrong: Any) -> None:
    async def workflow(ctx: DurableContext) -> None: ...

    with pytest.raises(ValidationError, match="Checkpointing"):
        handler_of(flavour, wrong, workflow)


def test_a_workflow_is_eager_unless_it_says_otherwise() -> None:
    @durable_execution
    async def first(event: object, ctx: DurableContext) -> None: ...

    @durable_execution()
    def second(event: object, ctx: blocking.DurableContext) -> None: ...

    assert first.durable.settings.checkpointing is EAGER
    assert second.durable.settings.checkpointing is EAGER


@every_mode
def test_a_handler_keeps_the_mode_that_it_was_given(mode: Checkpointing) -> None:
    @durable_execution(checkpointing=mode)
    async def handler(event: object, ctx: DurableContext) -> None: ...

    assert handler.durable.settings.checkpointing is mode
