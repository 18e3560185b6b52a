"""A blocking branch that waits gives its thread back, whatever its code does about that; and what it may raise."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

import pytest
from fan_out_programs import HOUR
from fan_out_runs import run, value_of

from durable_core import (
    ChildConfig,
    CompletionConfig,
    DurableFunction,
    Duration,
    MapConfig,
    Nesting,
    NoRetry,
    OperationError,
    StepConfig,
    StepError,
    blocking,
    durable_execution,
)
from durable_testing import LocalRunner

Context = blocking.DurableContext
Branch = Callable[[Context], Any]


def one_invocation(handler: DurableFunction[Any]) -> dict[str, str]:
    """The statuses of the operations after *handler* has suspended once."""
    with LocalRunner(handler) as runner:
        running = runner.start()
        running.settle()
        found = running.snapshot()
    assert (found.status, [each.error for each in found.invocations]) == ("RUNNING", [None])
    return {each.name or each.type: each.status for each in found.operations}


def swallow_once(ctx: Context) -> str:
    with contextlib.suppress(BaseException):
        ctx.wait(HOUR, name="pause")
    return "swallowed"


def swallow_and_go_on(ctx: Context) -> str:
    try:
        ctx.wait(HOUR, name="pause")
    except BaseException:
        ctx.step(str, name="not to be")
    finally:
        ctx.wait(HOUR, name="nor this")
    return "swallowed"


def swallow_for_ever(ctx: Context) -> None:
    while True:
        with contextlib.suppress(BaseException):
            ctx.wait(HOUR, name="pause")


def swallow_an_inner_map(ctx: Context) -> str:
    while True:
        try:
            return str(ctx.map([1, 2], lambda inner, item, index: inner.wait(HOUR, name=f"pause {item}")))
        except BaseException:
            continue


def swallow_an_inner_race(ctx: Context) -> str:
    with contextlib.suppress(BaseException):
        ctx.race([lambda inner: inner.wait(HOUR, name="pause")])
    return "swallowed"


def swallow_in_a_child(ctx: Context) -> str:
    with contextlib.suppress(BaseException):
        ctx.run_in_child_context(swallow_once, name="child")
    return "swallowed"


SWALLOWING: dict[Branch, set[str]] = {
    swallow_once: {"pause"},
    swallow_and_go_on: {"pause"},
    swallow_for_ever: {"pause"},
    swallow_an_inner_map: {"pause 1", "pause 2"},
    swallow_an_inner_race: {"pause"},
    swallow_in_a_child: {"pause", "child"},
}
by_any_fan_out = pytest.mark.parametrize("fan_out", ["map", "flat", "race"])


def fanned_out(fan_out: str, ctx: Context, branches: list[Branch]) -> Any:
    """What *branches* come to."""
    if fan_out == "race":
        return ctx.race(branches)
    nesting = Nesting.FLAT if fan_out == "flat" else Nesting.NESTED
    batch = ctx.map(branches, lambda inner, item, index: item(inner), config=MapConfig(nesting=nesting))
    return batch.results


@by_any_fan_out
@pytest.mark.parametrize("branch", SWALLOWING, ids=lambda branch: branch.__name__)
def test_a_branch_that_swallows_its_suspension_is_suspended_all_the_same(branch: Branch, fan_out: str) -> None:
    @durable_execution
    def handler(event: object, ctx: Context) -> None:
        fanned_out(fan_out, ctx, [branch, lambda inner: inner.wait(HOUR, name="sibling")])

    statuses = one_invocation(handler)
    waits = {*SWALLOWING[branch], "sibling"}
    assert {name for name, status in statuses.items() if status == "STARTED"} >= waits
    assert "SUCCEEDED" not in statuses.values()
    assert not {"not to be", "nor this"} & statuses.keys()


def test_a_branch_that_swallowed_its_suspension_goes_on_when_its_wait_is_over() -> None:
    @durable_execution
    def handler(event: object, ctx: Context) -> Any:
        return fanned_out("map", ctx, [swallow_once, swallow_an_inner_race, swallow_in_a_child])

    assert value_of(handler) == ["swallowed"] * 3


def test_a_handler_that_swallows_the_suspension_of_a_map_is_suspended_all_the_same() -> None:
    @durable_execution
    def handler(event: object, ctx: Context) -> str:
        while True:
            try:
                ctx.map([1, 2], lambda inner, item, index: inner.wait(HOUR, name=f"pause {item}"))
            except BaseException:
                ctx.step(str, name="not to be")

    assert {name for name, status in one_invocation(handler).items() if status == "STARTED"} >= {"pause 1", "pause 2"}


def test_local_resources_are_cleaned_up_when_a_branch_gives_its_thread_back() -> None:
    opened: list[str] = []

    def branch(ctx: Context, item: int, index: int) -> int:
        opened.append("open")
        try:
            ctx.wait(HOUR)
        finally:
            opened.append("close")
        return item

    @durable_execution
    def handler(event: object, ctx: Context) -> list[int]:
        return ctx.map([7], branch).results

    assert value_of(handler, verify_replay=False) == [7]
    assert opened == ["open", "close"] * 2


# What branches raise

KINDS = [SystemExit, KeyboardInterrupt, asyncio.CancelledError, GeneratorExit, BaseException, StopIteration, ValueError]
each_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)


def raising(kind: type[BaseException]) -> Branch:
    def branch(ctx: Context) -> None:
        ctx.step(int)
        raise kind("out of the branch")

    return branch


@each_kind
@by_any_fan_out
def test_what_a_branch_raises_is_what_a_child_context_raises(kind: type[BaseException], fan_out: str) -> None:
    nesting = Nesting.FLAT if fan_out == "flat" else Nesting.NESTED

    def in_child(ctx: Context) -> None:
        ctx.run_in_child_context(raising(kind), config=ChildConfig(virtual=fan_out == "flat"))

    def in_branch(ctx: Context) -> None:
        if fan_out == "race":
            raise ctx.all_settled([raising(kind)]).errors[0]
        branches = [raising(kind)]
        batch = ctx.map(branches, lambda inner, item, index: item(inner), config=MapConfig(nesting=nesting))
        raise batch.errors[0]

    def outcome(body: Branch) -> Any:
        @durable_execution
        def handler(event: object, ctx: Context) -> list[str]:
            try:
                body(ctx)
            except BaseException as error:
                ctx.wait(HOUR)
                found = error.error_type if isinstance(error, OperationError) else type(error).__name__
                return [found.rpartition(".")[2], str(error)]
            return ["nothing"]

        return value_of(handler, verify_replay=False)

    if kind is StopIteration and fan_out == "flat":  # which no virtual child can raise: it is a coroutine
        assert outcome(in_branch) == ["StopIteration", "out of the branch"]
    else:
        assert outcome(in_branch) == outcome(in_child)


def test_a_flat_branch_that_is_left_by_no_error_has_failed() -> None:
    def branch(ctx: Context, item: int, index: int) -> None:
        ctx.step(int)
        raise SystemExit("out of the branch")

    @durable_execution
    def handler(event: object, ctx: Context) -> str:
        return str(ctx.map([1], branch, config=MapConfig(nesting=Nesting.FLAT)).errors[0])

    assert value_of(handler) == "out of the branch"


@each_kind
@by_any_fan_out
def test_what_a_step_in_a_branch_raises_is_an_attempt(kind: type[BaseException], fan_out: str) -> None:
    def step() -> None:
        raise kind("out of the step")

    def branch(ctx: Context) -> str:
        try:
            ctx.step(step, config=StepConfig(retry_strategy=NoRetry()))
        except StepError as error:
            return error.error_type.rpartition(".")[2]
        return "nothing"

    @durable_execution
    def handler(event: object, ctx: Context) -> Any:
        return fanned_out(fan_out, ctx, [branch])

    assert value_of(handler) in ([kind.__name__], kind.__name__)


@each_kind
def test_a_branch_that_raises_beside_one_that_waits_hangs_nothing(kind: type[BaseException]) -> None:
    @durable_execution
    def handler(event: object, ctx: Context) -> list[str]:
        config = MapConfig[Any](completion=CompletionConfig.all_completed())
        branches: list[Branch] = [raising(kind), lambda inner: inner.wait(HOUR)]
        batch = ctx.map(branches, lambda inner, item, index: item(inner), config=config)
        ctx.wait(Duration.from_hours(2))
        return [str(item.status) for item in batch.items]

    result = run(handler)
    assert (result.status, result.value) in [("SUCCEEDED", ["FAILED", "SUCCEEDED"]), ("FAILED", None)]


# What a predicate, a namer or a summary of the program raises


def too_large(ctx: Context, item: int, index: int) -> str:
    return "x" * 200_000


def broken(*_: object) -> Any:
    raise ValueError("broken")


BROKEN: dict[str, Callable[[Context], Any]] = {
    "should_complete": lambda ctx: ctx.map(
        [1, 2], lambda inner, item, index: item, config=MapConfig(completion=CompletionConfig(should_complete=broken))
    ),
    "item_namer": lambda ctx: ctx.map([1, 2], lambda inner, item, index: item, config=MapConfig(item_namer=broken)),
    "summary_generator": lambda ctx: ctx.map([1, 2, 3], too_large, config=MapConfig(summary_generator=broken)),
}


@pytest.mark.parametrize("broken_part", BROKEN)
@pytest.mark.parametrize("nested", [False, True], ids=["at the root", "in a branch"])
def test_a_part_of_the_programs_that_raises_fails_the_fan_out_and_hangs_nothing(broken_part: str, nested: bool) -> None:
    def attempted(ctx: Context) -> str:
        try:
            BROKEN[broken_part](ctx)
        except ValueError as error:
            return f"raised {error}"
        return "nothing"

    @durable_execution
    def handler(event: object, ctx: Context) -> list[str]:
        found = ctx.all([attempted, attempted]) if nested else [attempted(ctx)]
        ctx.wait(HOUR)
        return found

    assert set(value_of(handler)) == {"raised broken"}


def test_a_predicate_that_raises_gives_up_the_branches_that_run() -> None:
    @durable_execution
    def handler(event: object, ctx: Context) -> str:
        def branch(inner: Context, item: int, index: int) -> None:
            inner.wait(Duration.from_hours(item), name=f"{item} h")

        config = MapConfig[None](completion=CompletionConfig(should_complete=broken))
        try:
            ctx.map([1, 5], branch, config=config)
        except ValueError as error:
            ctx.wait(HOUR)
            return str(error)
        return "nothing"

    result = run(handler)
    assert result.value == "broken"
    assert result.operation("1 h").status == "SUCCEEDED"
