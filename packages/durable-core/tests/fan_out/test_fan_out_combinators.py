"""``ctx.all``, ``ctx.any``, ``ctx.race`` and ``ctx.all_settled``, in both flavours."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from both_flavours import both_flavours, handler_of
from fan_out_clients import Ledger
from fan_out_programs import HOUR, PROGRAMS, double, each_program, later, operand, race_of_waits, seen_twice
from fan_out_runs import Body, check_every_crash, run, value_of

from durable_core import DurableContext, ValidationError
from durable_testing.faults import Side


@each_program
def test_a_combinator_gives_the_same_on_every_replay(flavour: str, body: Body) -> None:
    assert value_of(handler_of(flavour, seen_twice(body))) == PROGRAMS[body]


@each_program
@pytest.mark.parametrize("updates", [250, 1], ids=["batches", "single"])
@pytest.mark.parametrize("side", Side)
@pytest.mark.exhaustive
def test_a_crash_beside_any_checkpoint_does_not_show(flavour: str, body: Body, side: Side, updates: int) -> None:
    check_every_crash(handler_of(flavour, seen_twice(body)), PROGRAMS[body], side, updates)


@both_flavours
def test_losers_are_cancelled_after_the_outcome_is_recorded(flavour: str) -> None:
    result = run(handler_of(flavour, race_of_waits))
    kinds = [(each["EventType"], each.get("SubType")) for each in result.history]
    decided = kinds.index(("StepSucceeded", "Combinator"))
    cancelled = [index for index, (kind, _) in enumerate(kinds) if kind == "WaitCancelled"]
    assert len(cancelled) == 2
    assert decided < min(cancelled)


@both_flavours
def test_the_record_holds_who_decided_and_no_values(flavour: str) -> None:
    result = run(handler_of(flavour, race_of_waits))
    combinator = next(each for each in result.operations if each.subtype == "Combinator")
    assert json.loads(combinator.payload or "") == {"statuses": ".S.", "winner": 1}


@both_flavours
def test_a_tuple_gives_a_tuple(flavour: str) -> None:
    async def workflow(ctx: DurableContext) -> bool:
        return isinstance(await ctx.all((operand(later, 1, 1), operand(later, 2, 2))), tuple)

    assert value_of(handler_of(flavour, workflow)) is True


@both_flavours
@pytest.mark.parametrize("method", ["any", "race"])
def test_nothing_can_win_where_nothing_runs(flavour: str, method: str) -> None:
    async def workflow(ctx: DurableContext) -> str:
        with pytest.raises(ValidationError, match="at least 1"):
            getattr(ctx, method)([])
        return "refused"

    assert value_of(handler_of(flavour, workflow)) == "refused"


# What only async workflows can give them: operations, tasks and coroutines, each of these in a lane of its own


async def in_a_child(ctx: DurableContext) -> int:
    return await ctx.step(double, 50)


async def all_of_each_kind(ctx: DurableContext) -> Any:
    task = asyncio.create_task(later(ctx, 2, 20))
    return await ctx.all([ctx.step(double, 5), task, later(ctx, 1, 10), in_a_child])


async def race_of_an_operation(ctx: DurableContext) -> Any:
    return await ctx.race([ctx.wait(HOUR, name="limit"), later(ctx, 3, 1)])


async def race_of_a_combinator(ctx: DurableContext) -> Any:
    return await ctx.race([ctx.all([later(ctx, 1, 1), later(ctx, 2, 2)]), later(ctx, 3, 3)])


async def side_by_side(ctx: DurableContext) -> Any:
    return await asyncio.gather(
        ctx.race([later(ctx, 1, 1), later(ctx, 2, 2)]), ctx.all([later(ctx, 3, 3), ctx.step(double, 4)])
    )


OF_OPERATIONS: dict[Body, Any] = {
    all_of_each_kind: [10, 40, 20, 100],
    race_of_an_operation: None,
    race_of_a_combinator: [2, 4],
    side_by_side: [2, [6, 8]],
}
each_of_operations = pytest.mark.parametrize("body", OF_OPERATIONS, ids=lambda body: body.__name__)


@each_of_operations
def test_a_combinator_of_operations_gives_the_same_on_every_replay(body: Body) -> None:
    assert value_of(handler_of("async", seen_twice(body))) == OF_OPERATIONS[body]


@each_of_operations
@pytest.mark.parametrize("updates", [250, 1], ids=["batches", "single"])
@pytest.mark.parametrize("side", Side)
@pytest.mark.exhaustive
def test_a_crash_beside_a_checkpoint_of_operations_does_not_show(body: Body, side: Side, updates: int) -> None:
    check_every_crash(handler_of("async", seen_twice(body)), OF_OPERATIONS[body], side, updates)


def test_an_operand_that_was_cancelled_has_failed() -> None:
    async def workflow(ctx: DurableContext) -> list[str]:
        async def cancelled() -> Any:
            await ctx.wait(HOUR)

        given = asyncio.create_task(cancelled())
        given.cancel()
        won = await ctx.any([given, ctx.step(double, 5)])
        batch = await ctx.all_settled([given])
        return [str(won), *(f"{each.status} {each.error and each.error.error_type}" for each in batch.items)]

    assert value_of(handler_of("async", seen_twice(workflow))) == ["10", "FAILED asyncio.exceptions.CancelledError"]


def test_a_replay_sees_the_outcomes_of_blocking_operands_in_the_order_of_the_first_run() -> None:
    ledger = Ledger()

    async def last(ctx: DurableContext) -> None:
        await ctx.step(ledger.until, "SUCCEED", "first")

    async def first(ctx: DurableContext) -> int:
        return await ctx.step(int, 1)

    async def workflow(ctx: DurableContext) -> None:
        await ctx.all([last, first])

    value_of(handler_of("blocking", workflow), client=ledger)
