"""Where several tasks or branches are alive, every mode shows them what is recorded, in the order in which it is."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from both_flavours import both_flavours
from checkpoint_runs import HOUR, Bodies, Stage, every_mode, handler_of, run

from durable_core import Checkpointing, DurableContext, ItemBatcher, MapConfig, Nesting, ParallelConfig


class Looking(Bodies):
    """Steps that look, once they are over, whether they are durable."""

    def __init__(self) -> None:
        super().__init__()
        self.stage: Stage | None = None
        self.too_early: list[str] = []

    async def checked(self, ctx: DurableContext, name: str) -> str:
        """A step whose outcome is to be seen when it is durable."""
        found = await self.step(ctx, name)
        assert self.stage is not None
        if name not in self.stage.client.durable:
            self.too_early.append(name)
        return found

    def branch(self, name: str) -> Callable[[DurableContext], Awaitable[str]]:
        """A branch of two such steps."""

        async def body(ctx: DurableContext) -> str:
            return await self.checked(ctx, f"{name}1") + await self.checked(ctx, f"{name}2")

        return body

    async def item(self, ctx: DurableContext, item: str, index: int) -> str:
        """The same for an item of a map."""
        return await self.checked(ctx, f"{item}1") + await self.checked(ctx, f"{item}2")


Part = Callable[[DurableContext, Looking], Awaitable[list[str]]]


async def gathered(ctx: DurableContext, look: Looking) -> list[str]:
    return list(await asyncio.gather(*(look.branch(name)(ctx) for name in "abc")))


async def in_a_task_group(ctx: DurableContext, look: Looking) -> list[str]:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(look.item(ctx, name, 0)) for name in "abc"]
    return [task.result() for task in tasks]


async def mapped(ctx: DurableContext, look: Looking) -> list[str]:
    return (await ctx.map(["a", "b", "c"], look.item)).results


async def mapped_one_at_a_time(ctx: DurableContext, look: Looking) -> list[str]:
    return (await ctx.map(["a", "b", "c"], look.item, config=MapConfig(max_concurrency=1))).results


async def mapped_flat_in_batches(ctx: DurableContext, look: Looking) -> list[str]:
    config = MapConfig[str](nesting=Nesting.FLAT, batcher=ItemBatcher(max_items=2))
    return (await ctx.map(["a", "b", "c"], look.item, config=config)).results


async def in_parallel(ctx: DurableContext, look: Looking) -> list[str]:
    config = ParallelConfig[Any](max_concurrency=2)
    return (await ctx.parallel([look.branch(name) for name in "abc"], config=config)).results


async def all_of_them(ctx: DurableContext, look: Looking) -> list[str]:
    return await ctx.all([look.branch(name) for name in "abc"])


ASYNC: list[Part] = [gathered, in_a_task_group]
BOTH: list[Part] = [mapped, mapped_one_at_a_time, mapped_flat_in_batches, in_parallel, all_of_them]
every_part = pytest.mark.parametrize(
    ("flavour", "part"),
    [("async", part) for part in (*ASYNC, *BOTH)] + [("blocking", part) for part in BOTH],
    ids=lambda each: each if isinstance(each, str) else each.__name__,
)


@every_part
@every_mode
def test_what_several_see_is_durable_in_every_mode(flavour: str, part: Part, mode: Checkpointing) -> None:
    look = Looking()

    async def workflow(ctx: DurableContext) -> list[str]:
        await look.step(ctx, "before")
        return await part(ctx, look)

    look.stage = Stage(handler_of(flavour, mode, workflow))
    assert look.stage.invoke().get("Result") == '["a1a2","b1b2","c1c2"]'
    assert look.too_early == []


@every_part
@every_mode
def test_steps_before_and_after_them_give_the_same_on_a_replay(flavour: str, part: Part, mode: Checkpointing) -> None:
    seen: list[Any] = []

    async def workflow(ctx: DurableContext) -> list[str]:
        look = Looking()
        look.stage = Stage(handler_of(flavour, mode, workflow))  # never run: its books stay empty
        found = [await look.step(ctx, "before"), *await part(ctx, look), await look.step(ctx, "between")]
        seen.append(found)
        await ctx.wait(HOUR)
        return [*found, *await part(ctx, look), await look.step(ctx, "after")]

    result = run(flavour, mode, workflow, verify_replay=flavour == "async")  # what the others saw is compared below
    assert result.value == ["before", "a1a2", "b1b2", "c1c2", "between", "a1a2", "b1b2", "c1c2", "after"]
    assert all(one == seen[0] for one in seen)


@every_mode
def test_work_shared_by_order_of_arrival_is_shared_alike_on_a_replay(mode: Checkpointing) -> None:
    shared: list[Any] = []

    async def workflow(ctx: DurableContext) -> list[list[str]]:
        work = Bodies()
        left = [f"job-{number}" for number in range(12)]

        async def worker() -> list[str]:
            done = []
            while left:
                done.append(await work.step(ctx, left.pop(0)))
            return done

        first = await work.step(ctx, "first")
        found = list(await asyncio.gather(*(worker() for _ in range(3))))
        last = [await work.step(ctx, f"last-{number}") for number in range(3)]
        shared.append(found)
        await ctx.wait(HOUR)
        return [[first], *found, last]

    assert run("async", mode, workflow).status == "SUCCEEDED"
    assert len(shared) == 3
    assert all(one == shared[0] for one in shared)


@every_mode
def test_a_race_is_won_by_the_same_on_a_replay(mode: Checkpointing) -> None:
    winners: list[str] = []

    async def workflow(ctx: DurableContext) -> str:
        look = Looking()
        look.stage = Stage(handler_of("async", mode, workflow))
        await look.step(ctx, "before")
        winners.append(await ctx.race([look.branch("a"), look.branch("b")], name="race"))
        await look.step(ctx, "after")
        await ctx.wait(HOUR)
        return winners[-1]

    assert run("async", mode, workflow).value == winners[0]
    assert len(set(winners)) == 1


@both_flavours
@every_mode
def test_a_workflow_runs_ahead_again_when_it_is_alone_again(flavour: str, mode: Checkpointing) -> None:
    look = Looking()

    async def workflow(ctx: DurableContext) -> int:
        await mapped(ctx, look)
        for number in range(200):
            await look.step(ctx, f"alone-{number}")
        return 200

    look.stage = Stage(handler_of(flavour, mode, workflow))
    assert look.stage.invoke().get("Result") == "200"
    calls = [call for call in look.stage.client.calls if any("alone" in update.get("Name", "") for update in call)]
    assert len(calls) >= 200 if mode is Checkpointing.EAGER else len(calls) <= 60
