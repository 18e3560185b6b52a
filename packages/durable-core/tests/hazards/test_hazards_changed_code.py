"""The program is wrong: its code has changed under a running execution."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from both_flavours import Body, both_flavours, handler_of
from hazard_runs import Stage, failure_of, recorded_step

from durable_core import ChildConfig, DurableContext, Duration
from durable_core.spi import ErrorObject

HOUR = Duration.from_hours(1)


def charge() -> str:
    return "charged"


def refund() -> str:
    return "refunded"


async def one_child(ctx: DurableContext) -> str:
    async def child(inner: DurableContext) -> str:
        return await inner.step(charge)

    return await ctx.run_in_child_context(child)


async def other_child(ctx: DurableContext) -> str:
    async def child(inner: DurableContext) -> str:
        return await inner.step(refund)

    return await ctx.run_in_child_context(child)


async def a_virtual_child(ctx: DurableContext) -> str:
    async def child(inner: DurableContext) -> str:
        await inner.step(charge)
        await inner.wait(HOUR)
        return "virtual"

    return await ctx.run_in_child_context(child, config=ChildConfig(virtual=True))


async def the_same_child_recorded(ctx: DurableContext) -> str:
    async def child(inner: DurableContext) -> str:
        await inner.step(charge)
        await inner.wait(HOUR)
        return "recorded"

    return await ctx.run_in_child_context(child)


async def suspended_child(ctx: DurableContext) -> str:
    async def child(inner: DurableContext) -> str:
        await inner.step(charge)
        await inner.wait(HOUR)
        return "child"

    return await ctx.run_in_child_context(child)


async def suspended_child_with_another_step(ctx: DurableContext) -> str:
    async def child(inner: DurableContext) -> str:
        await inner.step(refund)
        await inner.wait(HOUR)
        return "child"

    return await ctx.run_in_child_context(child)


async def suspended_child_without_its_step(ctx: DurableContext) -> str:
    async def child(inner: DurableContext) -> str:
        return "child"

    return await ctx.run_in_child_context(child)


def in_order(*operations: Callable[[DurableContext], Awaitable[object]]) -> Body:
    async def version(ctx: DurableContext) -> list[object]:
        return [await operation(ctx) for operation in operations]

    return version


def step(func: Callable[[], str] = charge, name: str | None = None) -> Callable[[DurableContext], Awaitable[object]]:
    async def operation(ctx: DurableContext) -> object:
        return await ctx.step(func, name=name)

    return operation


async def nothing(ctx: DurableContext) -> None:
    """Asks for no operation."""


async def pause(ctx: DurableContext) -> None:
    await ctx.wait(HOUR)


async def cool_off(ctx: DurableContext) -> None:
    await ctx.wait(HOUR, name="cool-off")


async def long_pause(ctx: DurableContext) -> None:
    await ctx.wait(2 * HOUR)


def after(flavour: str, before: Body, now: Body) -> ErrorObject | None:
    """What the code *now* makes of an execution that *before* began: its error, if it is one."""
    stage = Stage(handler_of(flavour, before))
    assert stage.invoke() == {"Status": "PENDING"}
    stage.pass_time(HOUR)
    stage.handler = handler_of(flavour, now)
    answer = stage.invoke()
    assert answer["Status"] in ("FAILED", "SUCCEEDED")
    return answer.get("Error")


CHANGES: dict[str, tuple[Body, Body, list[str]]] = {
    "kind": (
        in_order(step(), cool_off),
        in_order(step(), step(name="charge again")),
        ["2nd operation", 'WAIT "cool-off"', 'STEP "charge again"', ".py:"],
    ),
    "kind of the first": (in_order(step(), pause), in_order(pause, pause), ["1st operation", 'STEP "charge"', "WAIT"]),
    "name": (in_order(step(name="a"), pause), in_order(step(name="b"), pause), ['STEP "a"', 'STEP "b"']),
    "name taken away": (in_order(cool_off), in_order(pause), ['WAIT "cool-off"', "WAIT without a name"]),
    "unnamed steps exchanged": (
        in_order(step(charge), step(refund), pause),
        in_order(step(refund), step(charge), pause),
        ['STEP "charge"', 'STEP "refund"'],
    ),
    "a child in place of a step": (
        in_order(step(name="child"), pause),
        in_order(one_child, pause),
        ["STEP", "CONTEXT"],
    ),
    "an operation added in front": (in_order(step(), pause), in_order(step(refund), step(), pause), ['STEP "refund"']),
    "the last removed": (in_order(step(), pause), in_order(step()), ["WAIT", "did not ask for"]),
    "all removed": (in_order(step(), pause), nothing, ['STEP "charge"', "did not ask for"]),
    "parent": (in_order(a_virtual_child), in_order(the_same_child_recorded), []),
    "inside a child": (suspended_child, suspended_child_with_another_step, ['STEP "charge"', 'STEP "refund"', "child"]),
    "removed inside a child": (suspended_child, suspended_child_without_its_step, ['STEP "charge"', "child"]),
}


@both_flavours
@pytest.mark.parametrize("change", CHANGES)
def test_code_that_asks_for_something_else_than_is_recorded_fails_and_is_told_both_sides(
    flavour: str, change: str
) -> None:
    before, now, words = CHANGES[change]
    error = after(flavour, before, now)
    assert error is not None
    assert error.get("ErrorType") == "durable_core.NonDeterministicExecutionError"
    message = error.get("ErrorMessage", "")
    assert [word for word in words if word not in message] == [], message


@both_flavours
def test_the_two_sides_of_a_mismatch_never_read_alike(flavour: str) -> None:
    for before, now, _ in CHANGES.values():
        message = (after(flavour, before, now) or {}).get("ErrorMessage", "")
        sides = re.search(r"was recorded as (.*); the code now asks for (.*) \(", message)
        if sides is not None:
            assert sides[1] != sides[2]


@both_flavours
def test_another_subtype_of_the_same_type_is_a_mismatch(flavour: str) -> None:
    stage = Stage(handler_of(flavour, in_order(step())))
    event = stage.begin()
    event["InitialExecutionState"]["Operations"] = [
        *event["InitialExecutionState"].get("Operations", []),
        recorded_step(1, "charge", SubType="Combinator", StepDetails={"Attempt": 1, "Result": "1"}),
    ]
    assert 'STEP (Combinator) "charge"' in failure_of(stage.invoke(event)).get("ErrorMessage", "")


@both_flavours
def test_another_type_of_the_same_name_is_a_mismatch(flavour: str) -> None:
    stage = Stage(handler_of(flavour, in_order(step())))
    event = stage.begin()
    wait = recorded_step(1, "charge", Type="WAIT")
    del wait["SubType"]
    event["InitialExecutionState"]["Operations"] = [*event["InitialExecutionState"].get("Operations", []), wait]
    assert 'WAIT "charge"' in failure_of(stage.invoke(event)).get("ErrorMessage", "")


@pytest.mark.parametrize(("before", "now"), [(2, 1), (2, 3)])
def test_a_combinator_that_is_given_another_number_of_operations_is_a_mismatch(before: int, now: int) -> None:
    """Coroutines have lanes of their own, so that no place says it."""

    def settled(number: int) -> Body:
        async def version(ctx: DurableContext) -> int:
            batch = await ctx.all_settled([one_step(ctx) for _ in range(number)])
            await ctx.wait(HOUR)
            return batch.total_count

        return version

    async def one_step(ctx: DurableContext) -> object:
        return await ctx.step(charge)

    error = after("async", settled(before), settled(now))
    assert error is not None
    assert error.get("ErrorType") == "durable_core.NonDeterministicExecutionError"
    assert f"recorded with {before} operations; the code now gives it {now}" in error.get("ErrorMessage", "")


ALLOWED: dict[str, tuple[Body, Body]] = {
    "an operation added at the end": (in_order(step(), pause), in_order(step(), pause, step(refund))),
    "another duration": (in_order(pause), in_order(long_pause)),
    "another body of a finished child": (in_order(one_child, pause), in_order(other_child, pause)),
    "other code between operations": (in_order(step(), pause), in_order(step(), nothing, pause)),
}


@both_flavours
@pytest.mark.parametrize("change", ALLOWED)
def test_code_may_change_where_its_recorded_operations_stay(flavour: str, change: str) -> None:
    assert after(flavour, *ALLOWED[change]) is None


@both_flavours
def test_an_exception_before_the_recorded_operations_is_the_handlers_own(flavour: str) -> None:
    """What is left unread is an error only where the code returned by itself."""

    async def fails(ctx: DurableContext) -> Any:
        raise LookupError("no such order")

    error = after(flavour, in_order(step(), pause), fails)
    assert error is not None
    assert error.get("ErrorMessage") == "no such order"


@both_flavours
def test_a_mismatch_can_not_be_taken_for_a_failed_step(flavour: str) -> None:
    async def careful(ctx: DurableContext) -> str:
        try:
            await ctx.step(refund)
        except LookupError:
            return "not found"
        return "refunded"

    error = after(flavour, in_order(step(), pause), careful)
    assert error is not None
    assert "NonDeterministicExecutionError" in error.get("ErrorType", "")
    assert "the code now asks for" in error.get("ErrorMessage", "")


@both_flavours
def test_a_mismatch_that_the_code_catches_fails_the_execution_all_the_same(flavour: str) -> None:
    async def careless(ctx: DurableContext) -> str:
        try:
            await ctx.step(refund)
        except Exception:  # as around a call that may fail
            return "went on"
        return "refunded"

    error = after(flavour, in_order(pause), careless)
    assert error is not None
    assert "NonDeterministicExecutionError" in error.get("ErrorType", "")
