"""Every operation that asks the world outside, at every place of both flavours: once, replayed, and in order."""

from __future__ import annotations

import asyncio
from typing import Any, NamedTuple

import pytest
from both_flavours import Body
from operation_runs import BLOCKING_PLACES, MINUTE, SECOND, everywhere, lines, outcome_of, run, standing_at, value_of

from durable_core import (
    CallbackConfig,
    CallbackError,
    CallbackSubmitterError,
    CallbackTimeoutError,
    ConditionNotMetError,
    ConditionTimeoutError,
    DurableContext,
    InvokeConfig,
    InvokeError,
    NoRetry,
    OperationError,
    WaitForCallbackConfig,
    WaitForConditionConfig,
    durable_execution,
    poll_every,
)


class PaymentDeclined(Exception):
    """An error with a field of its own."""

    def __init__(self, code: int) -> None:
        super().__init__(f"declined with {code}")
        self.code = code


class Case(NamedTuple):
    """An operation, and what comes of it."""

    call: Body
    value: Any = None
    error: type[OperationError] | None = None
    suspends: bool = True


def count(state: int) -> int:
    return state + 1


async def count_later(state: int) -> int:
    await asyncio.sleep(0)
    return state + 1


def decline(state: int) -> int:
    raise PaymentDeclined(51)


async def tell(callback_id: str, whom: str) -> str:
    return f"told {whom} of {len(callback_id) > 0}"


def refuse(callback_id: str) -> None:
    raise PaymentDeclined(52)


def double(event: int) -> int:
    return 2 * event


def fail(event: int) -> int:
    raise LookupError(f"no {event}")


@durable_execution
async def double_later(event: int, ctx: DurableContext) -> int:
    await ctx.wait(MINUTE)
    return 2 * event


def polling(enough: int, most: int = 60, **more: Any) -> WaitForConditionConfig[int]:
    return WaitForConditionConfig(wait_strategy=poll_every(MINUTE, until=enough.__le__, max_attempts=most), **more)


async def met_at_once(ctx: DurableContext) -> Any:
    return await ctx.wait_for_condition(count, initial_state=0, name="look", config=polling(1))


async def met_at_last(ctx: DurableContext) -> Any:
    return await ctx.wait_for_condition(count_later, initial_state=0, name="look", config=polling(3))


async def never_met(ctx: DurableContext) -> Any:
    return await ctx.wait_for_condition(count, initial_state=0, name="look", config=polling(9, 3))


async def met_too_late(ctx: DurableContext) -> Any:
    return await ctx.wait_for_condition(count, initial_state=0, name="look", config=polling(9, timeout=2 * MINUTE))


async def check_fails(ctx: DurableContext) -> Any:
    return await ctx.wait_for_condition(decline, initial_state=0, name="look", config=polling(9))


async def answered(ctx: DurableContext) -> Any:
    callback = await ctx.create_callback(name="good", config=CallbackConfig(returns=int))
    await ctx.step(tell, callback.callback_id, "somebody")
    return await callback.result()


async def answered_with_a_failure(ctx: DurableContext) -> Any:
    return await (await ctx.create_callback(name="bad")).result()


async def never_answered(ctx: DurableContext) -> Any:
    return await (await ctx.create_callback(name="silent", config=CallbackConfig(timeout=MINUTE))).result()


async def asked_and_answered(ctx: DurableContext) -> Any:
    return await ctx.wait_for_callback(tell, "somebody", name="good", config=WaitForCallbackConfig(returns=int))


async def asked_and_failed(ctx: DurableContext) -> Any:
    return await ctx.wait_for_callback(tell, "somebody", name="bad")


async def asked_in_vain(ctx: DurableContext) -> Any:
    return await ctx.wait_for_callback(tell, "nobody", name="silent", config=WaitForCallbackConfig(timeout=MINUTE))


async def never_asked(ctx: DurableContext) -> Any:
    return await ctx.wait_for_callback(refuse, name="good", config=WaitForCallbackConfig(retry_strategy=NoRetry()))


async def invoked(ctx: DurableContext) -> Any:
    return await ctx.invoke("double", 21, name="call", config=InvokeConfig(returns=int))


async def invoked_durably(ctx: DurableContext) -> Any:
    return await ctx.invoke("double-later", 21, name="call")


async def invoked_and_failed(ctx: DurableContext) -> Any:
    return await ctx.invoke("fail", 21, name="call")


async def not_found(ctx: DurableContext) -> Any:
    return await ctx.invoke("unknown", 21, name="call")


OPERATIONS = {
    each.call.__name__: each
    for each in (
        Case(met_at_once, 1, suspends=False),
        Case(met_at_last, 3),
        Case(never_met, error=ConditionNotMetError),
        Case(met_too_late, error=ConditionTimeoutError),
        Case(check_fails, error=ConditionNotMetError, suspends=False),
        Case(answered, 7),
        Case(answered_with_a_failure, error=CallbackError),
        Case(never_answered, error=CallbackTimeoutError),
        Case(asked_and_answered, 7),
        Case(asked_and_failed, error=CallbackError),
        Case(asked_in_vain, error=CallbackTimeoutError),
        Case(never_asked, error=CallbackSubmitterError, suspends=False),
        Case(invoked, 42),
        Case(invoked_durably, 42),
        Case(invoked_and_failed, error=InvokeError),
        Case(not_found, error=InvokeError, suspends=False),
    )
}
ANSWERS = {"good": 7, "bad": LookupError("nobody knows")}
FUNCTIONS = {"double": double, "double-later": double_later, "fail": fail}

every_operation = pytest.mark.parametrize("name", OPERATIONS)


@everywhere
@every_operation
def test_an_operation_gives_on_a_replay_what_it_gave_the_first_time(name: str, flavour: str, place: str) -> None:
    """Its value; or its error with the same classes, fields, arguments and message."""
    case, outcomes = OPERATIONS[name], list[Any]()

    async def body(ctx: DurableContext) -> Any:
        outcomes.append(await outcome_of(case.call(ctx)))
        await ctx.wait(SECOND)
        return outcomes[-1]

    found = value_of(flavour, standing_at(place, body), callbacks=ANSWERS, functions=FUNCTIONS)
    assert len(outcomes) > 1
    assert all(outcome == found for outcome in outcomes)
    if case.error is None:
        assert found == {"value": case.value}
    else:
        assert f"durable_core.{case.error.__name__}" in found["classes"]


@everywhere
@pytest.mark.parametrize("name", [name for name, case in OPERATIONS.items() if case.error is not None])
def test_an_error_that_nobody_catches_fails_what_it_stands_in(name: str, flavour: str, place: str) -> None:
    """Its class, as the program wrote it, and its message reach the execution's own end."""
    case = OPERATIONS[name]
    caught = value_of(flavour, lambda ctx: outcome_of(case.call(ctx)), callbacks=ANSWERS, functions=FUNCTIONS)
    result = run(flavour, standing_at(place, case.call), callbacks=ANSWERS, functions=FUNCTIONS)
    assert result.status == "FAILED"
    assert result.error is not None
    assert result.error.get("ErrorType") == caught["fields"]["error_type"]
    assert result.error.get("ErrorMessage") == caught["text"]


@pytest.mark.parametrize("place", BLOCKING_PLACES)
@every_operation
def test_both_flavours_give_the_same_history(name: str, place: str) -> None:
    """Ids, names, payloads and errors included: the flavours are two ways to drive one implementation."""

    async def body(ctx: DurableContext) -> Any:
        found = await outcome_of(OPERATIONS[name].call(ctx))
        await ctx.wait(SECOND)
        return found

    program = standing_at(place, body)
    first, second = (run(flavour, program, callbacks=ANSWERS, functions=FUNCTIONS) for flavour in ("async", "blocking"))
    assert lines(first) == lines(second)


@everywhere
@every_operation
def test_an_operation_suspends_if_it_has_to_wait_and_not_otherwise(name: str, flavour: str, place: str) -> None:
    """A workflow that is told at once goes on in the same invocation."""
    case = OPERATIONS[name]

    async def body(ctx: DurableContext) -> Any:
        return await outcome_of(case.call(ctx))

    result = run(flavour, standing_at(place, body), callbacks=ANSWERS, functions=FUNCTIONS)
    assert (len(result.invocations) > 1) is (case.suspends or place in ("gather", "large"))


def test_all_of_them_wait_at_the_same_time() -> None:
    """In one gather of operations: each has its own outcome, and the invocation ends once for all."""

    async def body(ctx: DurableContext) -> Any:
        callback = await ctx.create_callback(name="good")
        return await asyncio.gather(
            ctx.wait_for_condition(count, initial_state=0, config=polling(3)),
            callback.result(),
            ctx.wait_for_callback(tell, "somebody", name="bad"),
            ctx.invoke("double", 4),
            ctx.invoke("double-later", 5),
            ctx.invoke("unknown"),
            return_exceptions=True,
        )

    outcomes: list[Any] = []

    async def shown(ctx: DurableContext) -> Any:
        outcomes.append([type(each) if isinstance(each, Exception) else each for each in await body(ctx)])
        await ctx.wait(SECOND)

    value_of("async", shown, callbacks=ANSWERS, functions=FUNCTIONS)
    assert outcomes[0] == outcomes[1]
    met, good, bad, doubled, doubled_later, unknown = outcomes[0]
    assert (met, good, doubled, doubled_later) == (3, 7, 8, 10)
    assert issubclass(bad, CallbackError)
    assert issubclass(bad, LookupError)
    assert unknown is InvokeError
