"""Branches that wait, and so give back their threads in blocking workflows, are told of once."""

from __future__ import annotations

import threading
import time
from collections import Counter
from typing import Any

from both_flavours import both_flavours, handler_of
from plugin_runs import SECOND, Story, run, told_of

from durable_core import DurableContext, DurablePlugin, FixedDelay, MapConfig, Nesting, StepConfig, step_context
from durable_testing import LocalRunner

TWICE = StepConfig(retry_strategy=FixedDelay(2, SECOND))


def flaky() -> str:
    if step_context().attempt == 1:
        raise LookupError("not yet")
    return "at last"


def busy() -> str:
    time.sleep(3)
    return "done"


def by_name(item: str, index: int) -> str:
    return item


def named(**options: Any) -> MapConfig[Any]:
    return MapConfig(item_namer=by_name, **options)


@both_flavours
def test_a_branch_that_runs_again_in_the_same_invocation_has_its_hooks_once(flavour: str) -> None:
    runs: Counter[str] = Counter()

    async def leaf(ctx: DurableContext, item: str, index: int) -> str:
        return await ctx.step(str, item, name=f"step {item}")

    async def branch(ctx: DurableContext, item: str, index: int) -> list[str]:
        runs[item] += 1
        await ctx.step(str, name=f"before {item}")
        found = (await ctx.map([f"{item}1", f"{item}2"], leaf, name=f"in {item}", config=named())).results
        await ctx.step(str, name=f"after {item}")
        return found

    async def body(ctx: DurableContext) -> Any:
        return (await ctx.map(["a", "b"], branch, name="out", config=named())).results

    story, result = run(flavour, body)
    assert result.value == [["a1", "a2"], ["b1", "b2"]]
    assert all((count > 1) is (flavour == "blocking") for count in runs.values())
    counts = Counter(each for each in story.lines() if "change" not in each)
    assert set(counts.values()) == {1}
    assert len(story.infos("operation_start")) == len(story.infos("operation_end")) == len(result.operations) == 17
    for name in ("a", "b", "a1", "b2"):
        assert story.of(name) == [
            f"operation_start MapIteration {name}",
            f"attempt_start MapIteration {name}",
            f"attempt_end MapIteration {name} SUCCEEDED",
            f"operation_end MapIteration {name} SUCCEEDED",
        ]


@both_flavours
def test_what_ends_while_another_branch_is_at_work_is_told_in_the_same_invocation(flavour: str) -> None:
    """Takes three seconds of real time."""
    story = Story()

    async def branch(ctx: DurableContext, item: str, index: int) -> str:
        if item == "busy":
            return await ctx.step(busy, name="work")
        if item == "retrying":
            return await ctx.step(flaky, config=TWICE)
        await ctx.wait(SECOND, name="pause")
        return item

    async def body(ctx: DurableContext) -> Any:
        return (await ctx.map(["busy", "waiting", "retrying"], branch, config=named())).results

    runner = LocalRunner(handler_of(flavour, body, plugins=[story]), skip_time=False)
    result = runner.run()
    assert result.value == ["done", "waiting", "at last"]
    assert len(result.invocations) == 1
    for name in ("waiting", "retrying"):
        assert story.of(name) == [
            f"operation_start MapIteration {name}",
            f"attempt_start MapIteration {name}",
            f"attempt_end MapIteration {name} SUCCEEDED",
            f"operation_end MapIteration {name} SUCCEEDED",
        ]
    assert story.of("pause") == ["operation_start Wait pause", "operation_end Wait pause SUCCEEDED"]
    assert story.of("flaky") == [
        "operation_start Step flaky",
        "attempt_start Step flaky #1",
        "attempt_end Step flaky #1 FAILED LookupError",
        "attempt_start Step flaky #2",
        "attempt_end Step flaky #2 SUCCEEDED",
        "operation_end Step flaky SUCCEEDED",
    ]


@both_flavours
def test_branches_that_are_suspended_begin_once_again_in_each_invocation(flavour: str) -> None:
    async def branch(ctx: DurableContext, item: str, index: int) -> str:
        await ctx.wait(SECOND * (index + 1), name=f"pause {item}")
        return item

    async def body(ctx: DurableContext) -> Any:
        return (await ctx.map(["a", "b"], branch, name="all", config=named())).results

    story = told_of(flavour, body)
    assert story.of("a") == [
        "operation_start MapIteration a",
        "attempt_start MapIteration a",
        "operation_start MapIteration a again",
        "attempt_start MapIteration a again",
        "attempt_end MapIteration a SUCCEEDED",
        "operation_end MapIteration a SUCCEEDED",
    ]
    assert [each.is_replayed for each in story.infos("attempt_start", "b")] == [False, True, True]
    assert len(story.infos("attempt_end", "b")) == 1
    assert [each.is_replayed for each in story.infos("operation_start", "all")] == [False, True, True]
    assert [each.is_replayed for each in story.infos("operation_start", "pause b")] == [False, True]
    for name in ("pause a", "pause b"):
        assert len(story.infos("operation_end", name)) == 1


@both_flavours
def test_flat_branches_have_hooks_of_their_bodies_and_of_what_stands_in_them(flavour: str) -> None:
    async def branch(ctx: DurableContext, item: str, index: int) -> str:
        await ctx.wait(SECOND, name=f"pause {item}")
        return await ctx.step(str, item, name=f"step {item}")

    async def body(ctx: DurableContext) -> Any:
        return (await ctx.map(["a", "b"], branch, name="all", config=named(nesting=Nesting.FLAT))).results

    story = told_of(flavour, body)
    assert [line.replace(" again", "") for line in story.of("a")] == [
        "attempt_start MapIteration a",
        "attempt_start MapIteration a",
        "attempt_end MapIteration a SUCCEEDED",
    ]
    assert not any(each.is_recorded for each in story.infos("attempt_start", "a"))
    (batch,) = {each.operation_id for each in story.infos("operation_start", "all")}
    assert story.infos("operation_start", "step a")[0].parent_id == batch


@both_flavours
def test_what_ended_meanwhile_is_told_in_the_order_in_which_it_ended(flavour: str) -> None:
    async def body(ctx: DurableContext) -> Any:
        first = await ctx.create_callback(name="first")
        second = await ctx.create_callback(name="second")
        return [await first.result(), await second.result()]

    story = Story()
    runner = LocalRunner(handler_of(flavour, body, plugins=[story]))
    execution = runner.start()
    first, second = execution.wait_for_callback("first"), execution.wait_for_callback("second")
    second.succeed(2)
    runner.clock.advance(SECOND)
    first.succeed(1)
    assert execution.result().value == [1, 2]
    assert story.lines("invocation_start", "operation_end") == [
        "invocation_start first",
        "invocation_start again",
        "operation_end Callback second SUCCEEDED",
        "operation_end Callback first SUCCEEDED",
    ]


@both_flavours
def test_a_large_batch_runs_its_branches_again_for_their_results(flavour: str) -> None:
    async def branch(ctx: DurableContext, item: str, index: int) -> str:
        return await ctx.step(str, item, name=f"step {item}") * 200_000

    async def body(ctx: DurableContext) -> int:
        batch = await ctx.map(["a", "b"], branch, name="all", config=named())
        await ctx.wait(SECOND)
        return sum(map(len, batch.results))

    story, result = run(flavour, body)
    assert result.value == 400_000
    assert story.of("all") == ["operation_start Map all", "operation_end Map all SUCCEEDED"]
    for name in ("a", "b"):
        assert len(story.infos("operation_start", name)) == len(story.infos("operation_end", name)) == 1
        assert len(story.of(f"step {name}")) == 4


def test_hooks_of_operations_never_run_at_the_same_time() -> None:
    lock = threading.Lock()
    overlaps: list[str] = []

    class Slow(DurablePlugin):
        def on_operation_start(self, info: Any) -> None:
            self._alone()

        def on_operation_change(self, info: Any) -> None:
            self._alone()

        def on_operation_end(self, info: Any) -> None:
            self._alone()

        def _alone(self) -> None:
            if not lock.acquire(blocking=False):
                overlaps.append("two at once")
                return
            time.sleep(0.001)
            lock.release()

    async def branch(ctx: DurableContext, item: int, index: int) -> str:
        await ctx.step(time.monotonic)
        return await ctx.step(str, item)

    async def body(ctx: DurableContext) -> int:
        return (await ctx.map(range(12), branch)).success_count

    assert LocalRunner(handler_of("blocking", body, plugins=[Slow])).run().value == 12
    assert not overlaps
